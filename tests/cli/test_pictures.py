# SPDX-License-Identifier: Apache-2.0
"""How far work is, as bars and as a line."""

from __future__ import annotations

from callwell.batch import Progress as Sending
from callwell.batch.report import UnderWay
from callwell.cli.bars import exporting, sending
from callwell.export import Progress as Exporting


def test_an_export() -> None:
    """A bar for the walk and one for the items; what is sad is told if there is some."""
    shown = exporting(Exporting(1, 2, 3, 40, 5, 60, 7, 8_000_000, failed=1))
    assert [(bar.name, bar.figures) for bar in shown.bars] == [("walk", "1/2"), ("fetch", "5/60")]
    assert shown.bars[1].told == "7 files, 8.0 MB, 1 failed"
    assert shown.line == "5/60 items, 7 files, 8.0 MB, 3 pages"


def test_a_batch_of_uploads() -> None:
    """A bar for the whole, and one for each file under way; a long name is cut, and an empty file is no harm."""
    under_way = (UnderWay("a.mp4", 1_000_000, 4_000_000), UnderWay("n" * 30, 0, 0))
    shown = sending(Sending(1, 4, 1, 5_000_000, 9_000_000, under_way))
    assert [(bar.name, bar.figures) for bar in shown.bars] == [
        *(("files", "1/4"), ("a.mp4", "25 %"), ("n" * 23 + "…", "0 %")),
    ]
    assert shown.line == "1/4 files, 5.0 of 9.0 MB, 1 failed"
    assert shown.bars[0].told == "5.0 of 9.0 MB, 1 failed"
