# SPDX-License-Identifier: Apache-2.0
"""Progress of bulk work, as bars and as a line."""

from __future__ import annotations

from callwell.batch import UploadProgress
from callwell.batch.report import FileInProgress
from callwell.cli.progress import export_view, upload_view
from callwell.export import ExportProgress


def test_an_export() -> None:
    """One bar for the lists and one for the items; failures are shown if there are any."""
    progress = ExportProgress(
        *(1, 2, 3, 40, 5, 60, 7),
        bytes=8_000_000,
        failed=1,
    )
    view = export_view(progress)
    assert [(bar.name, bar.figures) for bar in view.bars] == [("walk", "1/2"), ("fetch", "5/60")]
    assert view.bars[1].details == "7 files, 8.0 MB, 1 failed"
    assert view.line == "5/60 items, 7 files, 8.0 MB, 3 pages"


def test_a_batch_of_uploads() -> None:
    """One bar for all files and one for each file being sent; a long name is cut, an empty file does no harm."""
    in_progress = (FileInProgress("a.mp4", 1_000_000, 4_000_000), FileInProgress("n" * 30, 0, 0))
    view = upload_view(UploadProgress(1, 4, 1, 5_000_000, 9_000_000, in_progress))
    assert [(bar.name, bar.figures) for bar in view.bars] == [
        *(("files", "1/4"), ("a.mp4", "25 %"), ("n" * 23 + "…", "0 %")),
    ]
    assert view.line == "1/4 files, 5.0 of 9.0 MB, 1 failed"
    assert view.bars[0].details == "5.0 of 9.0 MB, 1 failed"
