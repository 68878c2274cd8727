# SPDX-License-Identifier: Apache-2.0
"""Assess many recordings, each billed once, with results, a table of scores and a report."""

from callwell.assess.manifest import find_recordings, read_manifest
from callwell.assess.report import AssessmentProgress, AssessmentReport
from callwell.assess.rows import AssessmentRow
from callwell.assess.run import Assessment

__all__ = [
    "Assessment",
    "AssessmentProgress",
    "AssessmentReport",
    "AssessmentRow",
    "find_recordings",
    "read_manifest",
]
