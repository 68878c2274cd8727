# SPDX-License-Identifier: Apache-2.0
"""A folder that is held open: what is in it is found whatever it is, and what is written to it stays."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from callwell.folders import Folder
from callwell.staged_files import StagedFiles

OTHER_USER = 65534
LONGEST = 255
"""Bytes of a file's name on the file systems of Linux and macOS."""


def test_a_link_to_a_folder_is_walked_over(tmp_path: Path) -> None:
    """It is no folder, whatever it leads to: it is named, and not followed."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").touch()
    root = tmp_path / "root"
    (root / "below").mkdir(parents=True)
    (root / "below" / "file").touch()
    (root / "below" / "link").symlink_to(tmp_path / "outside")
    (root / "dangling").symlink_to(tmp_path / "nothing")
    with Folder.at(root) as folder:
        found = {path: inner.path / name for path, name, inner in folder.walk()}
    assert found == {path: root / path for path in ("below/file", "below/link", "dangling")}


def test_a_folder_below_that_may_not_be_listed() -> None:
    """As a folder that the caller names: files in it can be written and read by their names."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    (root / "closed").mkdir()
    (root / "closed").chmod(0o333)
    if is_root := os.geteuid() == 0:
        os.seteuid(OTHER_USER)
    try:
        with Folder.at(root) as folder, folder.subfolder("closed") as closed:
            closed.write("a", [b"1"], sync=True)
            assert closed.read("a") == b"1"
    finally:
        if is_root:
            os.seteuid(0)
        (root / "closed").chmod(0o755)
        shutil.rmtree(root)


@pytest.mark.parametrize("name", ["n" * LONGEST, "é" * (LONGEST // 2), "n" * 200])
def test_the_longest_names(tmp_path: Path, name: str) -> None:
    """A name that the file system takes can be written to: its temporary name is no longer."""
    with Folder.at(tmp_path) as folder:
        folder.write(name, [b"1"])
        assert folder.list_names() == [name]
        assert folder.read(name) == b"1"


def test_leftovers_of_the_longest_names(tmp_path: Path) -> None:
    """What a killed run left is removed for the same name, and for no other with the same beginning."""
    one = "n" * LONGEST
    two = "n" * (LONGEST - 1) + "m"
    with Folder.at(tmp_path) as folder:
        kept = folder.stage(two, [b"2"])
        folder.stage(one, [b"1"])
    with StagedFiles(tmp_path) as staged:
        staged.write(one, b"3")
        staged.commit()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([kept, one])


def test_a_name_that_must_survive_a_power_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new name is an entry of the folder, so the folder is synchronized after the file and the rename."""
    synced: list[tuple[bool, bool]] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), (tmp_path / "a").exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    with Folder.at(tmp_path) as folder:
        folder.write("a", [b"1"], sync=True)
        assert synced == [(False, False), (True, True)]
        folder.write("a", [b"2"])
    assert len(synced) == 2
