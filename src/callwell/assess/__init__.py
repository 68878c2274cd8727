# SPDX-License-Identifier: Apache-2.0
"""Many recordings assessed: from a manifest, many at once, each billed once; with results, a table and a report."""

from callwell.assess.manifest import read, search
from callwell.assess.report import AssessmentProgress, AssessmentReport
from callwell.assess.rows import AssessmentRow
from callwell.assess.run import Assessment

__all__ = ["Assessment", "AssessmentProgress", "AssessmentReport", "AssessmentRow", "read", "search"]
