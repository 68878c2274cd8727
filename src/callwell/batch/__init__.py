# SPDX-License-Identifier: Apache-2.0
"""Upload many files: each exactly once, several in parallel, resumable."""

from callwell.batch.report import FileResult, UploadProgress, UploadReport
from callwell.batch.run import PlannedFile, UploadBatch

__all__ = ["FileResult", "PlannedFile", "UploadBatch", "UploadProgress", "UploadReport"]
