# SPDX-License-Identifier: Apache-2.0
"""Every object and asset of a provider in a folder: resumable, incremental, with a verdict."""

from callwell.export.report import ExportProgress, ExportReport
from callwell.export.run import Export

__all__ = ["Export", "ExportProgress", "ExportReport"]
