# SPDX-License-Identifier: Apache-2.0
"""Export every object and asset of a provider into a folder: resumable, incremental, with a verdict."""

from callwell.export.report import ExportProgress, ExportReport
from callwell.export.run import Export

__all__ = ["Export", "ExportProgress", "ExportReport"]
