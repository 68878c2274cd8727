# SPDX-License-Identifier: Apache-2.0
"""The folder of an assessment: mended where a kill or a fault of the disk left it, and no link in it is followed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from callwell.assess import report_page, results
from callwell.errors import DirectoryNotOurs, FileProblem
from callwell.export.output_folder import OutputFolder

if TYPE_CHECKING:
    from pathlib import Path

MARKER = "callwell-assessment.json"
FILES = (results.RESULTS_NAME, results.SCORES_NAME, report_page.NAME)


def tree(folder: Path) -> OutputFolder:
    """The folder."""
    return OutputFolder(folder, {"provider": "acme"}, kind="assessment", files=FILES)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
@pytest.mark.parametrize("others", [(), FILES[:1], FILES])
def test_a_damaged_marker_is_made_again(tmp_path: Path, content: bytes, others: tuple[str, ...]) -> None:
    """Where the folder holds nothing but what an assessment writes."""
    for name in (MARKER, *others):
        (tmp_path / name).write_bytes(content)
    result = tree(tmp_path)
    result.claim()
    result.release()
    assert json.loads((tmp_path / MARKER).read_text()) == {"format": 1, "provider": "acme"}


def test_a_damaged_marker_proves_nothing(tmp_path: Path) -> None:
    """Among other things."""
    (tmp_path / MARKER).write_bytes(b"{")
    (tmp_path / "thesis.txt").touch()
    result = tree(tmp_path)
    with pytest.raises(DirectoryNotOurs, match="nothing else shows that this folder is ours"):
        result.claim()
    result.release()


def test_what_was_being_written_is_nothing(tmp_path: Path) -> None:
    """The marker that a killed run has begun, and its spool."""
    for name in (f".{MARKER}.00.part", ".rows.part", ".rows.0123456789abcdef.part"):
        (tmp_path / name).touch()
    result = tree(tmp_path)
    result.claim()
    result.release()
    assert [path.name for path in tmp_path.iterdir()] == [MARKER]


@pytest.mark.parametrize("name", [*FILES, ".rows.part", ".results.jsonl.part"])
def test_no_link_is_written_through(tmp_path: Path, name: str) -> None:
    """At any name that is used, or was."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "folder"
    result = tree(folder)
    result.claim()
    (folder / name).symlink_to(victim)
    with result.temporary_file("rows") as spool:
        spool.write(b"a line")
        for file in FILES:
            result.write(file, [b"new"])
    result.release()
    assert victim.read_text() == "precious"
    assert {(folder / file).read_text() for file in FILES} == {"new"}
    assert not any((folder / file).is_symlink() for file in FILES)


def test_a_spool_has_no_name(tmp_path: Path) -> None:
    """Only its owner can open it, and nothing is left of it."""
    result = tree(tmp_path)
    result.claim()
    with result.temporary_file("rows") as spool:
        spool.write(b"a line")
        assert [path.name for path in tmp_path.iterdir()] == [MARKER]
    with pytest.raises(FileProblem, match=r"rows: cannot be written"), result.temporary_file("rows"):
        raise OSError(5, "Input/output error")
    result.release()
