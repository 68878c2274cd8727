# SPDX-License-Identifier: Apache-2.0
"""`callwell generate` and `init` on full and read-only disks, and killed: all files are the old ones or all are new."""

from __future__ import annotations

import json
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from callwell.cli.main import main
from callwell.folders import Folder
from tests.description.tiny import OPENAPI, write
from tests.processes.disks import limited_files, mounted, remount, run_killed

if TYPE_CHECKING:
    from pathlib import Path


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a command says when it cannot write, with exit code 7."""
    capsys.readouterr()
    assert main([*arguments]) == 7
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    return line


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A generated package of a description that has changed since."""
    folder = write(tmp_path / "tiny")
    package = tmp_path / "package"
    assert main(["generate", str(folder), "--to", str(package)]) == 0
    text = json.dumps(OPENAPI).replace("Bring things in", "Take things in").replace('"x-depth"', '"x-height"')
    (folder / "openapi.json").write_text(text, encoding="utf-8")
    return package


def test_generate_without_room(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The old package stays, whichever file is the one too many; with room the same command ends well."""
    before = contents(package)
    arguments = ("generate", str(package.parent / "tiny"), "--to", str(package))
    for size in (0, 1000, max(map(len, before.values())) - 1):
        with limited_files(size):
            assert complaint(capsys, *arguments) == f"callwell: {package} cannot be written: File too large"
        assert contents(package) == before
    assert main([*arguments]) == 0
    changed = {name for name, text in contents(package).items() if before[name] != text}
    assert changed == {"schemas.py", "async_groups/things.py", "sync_groups/things.py"}


def test_generate_on_full_and_read_only_disks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line says which folder and why, and no file is there."""
    folder = write(tmp_path / "tiny")
    with mounted(tmp_path / "disk", "size=16k") as disk:
        arguments = ("generate", str(folder), "--to", str(disk / "package"))
        assert complaint(capsys, *arguments).endswith("cannot be written: No space left on device")
        assert contents(disk) == {}
        remount(disk, "size=1m")
        assert main([*arguments]) == 0
        before = contents(disk)
        shutil.rmtree(disk / "package" / "sync_groups")
        remount(disk, "ro")
        assert complaint(capsys, *arguments).endswith("cannot be written: Read-only file system")
        assert contents(disk).items() <= before.items()


def test_generate_that_is_killed(package: Path) -> None:
    """A process that ends in the middle of a write leaves the old package, and the next one clears up after it."""
    before = contents(package)
    arguments = ["generate", str(package.parent / "tiny"), "--to", str(package)]
    assert run_killed(package.parent, 1000, *arguments) == -signal.SIGXFSZ
    after = contents(package)
    assert {name: after[name] for name in before} == before
    assert [name for name in after if name not in before and not name.endswith(".part")] == []
    assert len(after) > len(before)
    assert main(arguments) == 0
    assert contents(package).keys() == before.keys()


def test_two_at_once(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One waits for nothing and removes nothing of the other."""
    with Folder.at(package) as folder:
        assert folder.lock()
        output = complaint(capsys, "generate", str(package.parent / "tiny"), "--to", str(package))
    assert output == f"callwell: {package}: another process writes to it; wait until it has ended"


def test_init_without_room(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--force` on a full disk loses neither the old document nor the old profile, even if the new document fits."""
    folder = write(tmp_path / "tiny")
    before = contents(folder)
    source = tmp_path / "openapi.json"
    small = {"openapi": "3.1.0", "info": {"title": "Tiny", "version": "2"}, "paths": {}}
    source.write_text(json.dumps(small), encoding="utf-8")
    for size in (100, source.stat().st_size):
        with limited_files(size):
            output = complaint(capsys, "init", str(source), "--to", str(folder), "--force")
        assert output == f"callwell: {folder} cannot be written: File too large"
        assert contents(folder) == before
