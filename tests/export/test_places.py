# SPDX-License-Identifier: Apache-2.0
"""Folders that are not for us, and disks that are full: one clear sentence, and nothing is broken."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from callwell.errors import DirectoryNotOurs, DiskFull, FileProblem, LocalError
from callwell.export import output_folder
from tests.export.emulated import ITEMS, check_manifest, check_truth, contents
from tests.processes.disks import limited_files, mounted, remount

if TYPE_CHECKING:
    from tests.export.emulated import Site

OTHER_USER = 65534


def complaint(site: Site, kind: type[LocalError], tree: Path | None = None, **options: str) -> str:
    """The message about a folder; the provider gets no request."""
    with pytest.raises(kind) as raised:
        site.export(tree, **options)
    text = str(raised.value)
    assert str(tree or site.tree) in text
    assert "\n" not in text
    return text


def test_a_folder_with_other_things(site: Site) -> None:
    """It is refused before any call, and left as it was."""
    site.tree.mkdir()
    (site.tree / "thesis.txt").write_text("years of work")
    assert "has no Callwell export" in complaint(site, DirectoryNotOurs)
    assert [path.name for path in site.tree.iterdir()] == ["thesis.txt"]
    assert site.arrivals() == []


@pytest.mark.parametrize("content", [b"[]", b'{"format": 99}', b'"x"'])
def test_a_marker_that_is_not_ours(site: Site, content: bytes) -> None:
    """A file of that name makes no folder ours."""
    site.tree.mkdir()
    (site.tree / "callwell-export.json").write_bytes(content)
    complaint(site, DirectoryNotOurs)
    assert contents(site.tree).keys() == {"callwell-export.json"}


def test_the_export_of_another_account(exported: Site) -> None:
    """Neither another account of the same provider nor another address may go on with it."""
    site = exported
    before = contents(site.tree)
    calls = len(site.arrivals())
    assert "another export (account" in complaint(site, DirectoryNotOurs, account="team-b")
    other = site.running.endpoint("userplane").base_url.replace("127.0.0.1", "localhost")
    assert "another export (address" in complaint(site, DirectoryNotOurs, base_url=other)
    assert (contents(site.tree), len(site.arrivals())) == (before, calls)


def test_a_folder_that_is_none(site: Site) -> None:
    """A file, a place below a file, a place that cannot be made."""
    site.tree.touch()
    complaint(site, FileProblem)
    complaint(site, FileProblem, site.tree / "below")
    complaint(site, FileProblem, Path("/proc/nowhere"))


def test_a_folder_without_rights(site: Site) -> None:
    """A folder that may be read and not written, one that may not even be read."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "tree").mkdir()
    if root := os.geteuid() == 0:
        os.seteuid(OTHER_USER)
    try:
        for mode in (0o555, 0o000):
            if not root:
                (folder / "tree").chmod(mode)
            tree = output_folder.OutputFolder(folder / "tree", {"provider": "x"})
            with pytest.raises(FileProblem, match=r"Permission denied"):
                tree.claim()
            tree.release()
    finally:
        if root:
            os.seteuid(0)
        (folder / "tree").chmod(0o755)
        shutil.rmtree(folder)


def test_a_read_only_disk(site: Site) -> None:
    """An export that was moved onto one is refused with that reason."""
    with mounted(site.tree, "size=100m") as tree:
        site.export()
        before = contents(tree)
        remount(tree, "ro")
        assert "Read-only file system" in complaint(site, FileProblem)
        assert contents(tree) == before


def test_two_exports_at_once(site: Site) -> None:
    """The second is refused with advice to wait, and the first is not disturbed."""
    first = output_folder.OutputFolder(site.tree, json.loads('{"provider": "x"}'))
    first.claim()
    assert "another export is using this folder" in complaint(site, FileProblem)
    first.release()
    assert "another export (" in complaint(site, DirectoryNotOurs)


def test_what_a_killed_run_left_half_written_is_swept(exported: Site) -> None:
    """Temporary files of an earlier run are gone before anything else happens."""
    site = exported
    before = contents(site.tree)
    (next(site.tree.glob("*/recordings/*")) / ".video.webm.part").write_bytes(b"half")
    (site.tree / ".manifest.json.part").write_bytes(b"half")
    site.export()
    assert contents(site.tree) == before


def whole(tree: Path) -> list[str]:
    """What is in a tree; nothing of it is half-written."""
    found = contents(tree)
    assert [path for path in found if path.endswith(".part")] == []
    return sorted(found)


def test_too_little_room_from_the_start(site: Site) -> None:
    """It says how much is missing, and sends nothing."""
    with mounted(site.tree, "size=10m"):
        assert re.search(r" 5\d MiB more are needed on this disk", complaint(site, DiskFull))
        assert site.arrivals() == []


def test_room_runs_out_on_the_way(site: Site) -> None:
    """Every file that is there is whole; with room, the same export goes on and ends as if nothing had been."""
    with mounted(site.tree, "size=66048k") as tree:
        with pytest.raises(DiskFull, match=r"MiB more are needed on this disk; make room and run the same again"):
            site.export()
        assert 3 < len(whole(tree)) < 200
        remount(tree, "size=100m")
        report, called = site.watched(site.export)
        assert report.verdict == "complete"
        assert called.count("recordings.get") < ITEMS
        assert "recordings.list" not in called
        check_manifest(tree)
        check_truth(tree, site.truth())


def test_the_disk_fills_up_while_a_file_is_written(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else takes the reserve: no space is left in the middle of a file, and no half of it stays."""
    monkeypatch.setattr(output_folder, "RESERVE", -(1 << 40))
    with mounted(site.tree, "size=512k") as tree:
        with pytest.raises(DiskFull, match=r"the disk is full; make room and run the same again"):
            site.export()
        assert 3 < len(whole(tree)) < 200
        remount(tree, "size=100m")
        assert site.export().verdict == "complete"
        check_manifest(tree)
        check_truth(tree, site.truth())


def test_files_that_may_not_grow(site: Site) -> None:
    """A limit on the size of files ends it with the file's name, and leaves no half of it."""
    with (
        limited_files(60_000),
        pytest.raises(FileProblem, match=r"video\.webm: cannot be written: File too large"),
    ):
        site.export(state="memory:")
    whole(site.tree)
    assert site.export().verdict == "complete"
