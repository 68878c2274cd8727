# SPDX-License-Identifier: Apache-2.0
"""Many files to a provider: each once, several at once, resumed by the same batch."""

from callwell.batch.report import FileResult, UploadProgress, UploadReport
from callwell.batch.run import PlannedFile, UploadBatch

__all__ = ["FileResult", "PlannedFile", "UploadBatch", "UploadProgress", "UploadReport"]
