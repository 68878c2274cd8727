# SPDX-License-Identifier: Apache-2.0
"""Two `callwell upload` of one folder at once: each file is there once, and both say so."""

from __future__ import annotations

import json

from tests.cli.test_upload import Studio, started, studio
from tests.patience import PATIENCE_S

__all__ = ["studio"]

TRIALS = 3
FILES = 8


def test_two_at_once_make_each_object_once(studio: Studio) -> None:
    """Whichever of them ends first; then the same command sends nothing, and says where everything is."""
    for trial in range(1, TRIALS + 1):
        files = [f"{trial}-{number}.bin" for number in range(FILES)]
        for name in files:
            (studio.cli.folder / name).write_text(f"the content of {name}" * 50)
        arguments = (*files, "--no-check", "--quiet", "--json")
        both = [started(studio, *arguments) for _ in range(2)]
        ended = [process.communicate(timeout=PATIENCE_S) for process in both]
        assert [process.returncode for process in both] == [0, 0], ended
        reports = [json.loads(out)["files"] for out, _ in ended]
        assert [item["id"] for item in reports[0]] == [item["id"] for item in reports[1]]
        counts = studio.counts()
        assert (counts["videos"], counts["duplicate_videos"]) == (trial * FILES, 0)
        before = studio.pieces()
        assert [file["id"] for file in studio.report(*files, "--no-check")["files"]] == [
            item["id"] for item in reports[0]
        ]
        assert studio.pieces() == before
