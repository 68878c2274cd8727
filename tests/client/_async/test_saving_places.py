# SPDX-License-Identifier: Apache-2.0
"""Saves into a folder in which others plant links and pipes, and saves that are killed at any call to the system."""

from __future__ import annotations

import io
import os
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors, folders
from callwell.client.downloads.partial_file import PartialFile
from callwell.core.download import Download
from callwell.core.storage_head import FileVersion
from tests.client._async.scripted_client import connect
from tests.client.dying import DyingOs, Killed
from tests.client.running import run
from tests.client.storage import CONTENT, Storage
from tests.client.world import PIECE, ScriptedProvider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def save(storage: Storage, path: Path, **options: Any) -> Any:
    """Save it, or what is said instead."""
    asset = connect(ScriptedProvider(storage)).asset("things.file", thing_id="1")
    try:
        return run(partial(asset.save, path, **options))
    except errors.FileProblem as error:
        return str(error)


def linked(path: Path, victim: Path) -> None:
    """A symbolic link."""
    path.symlink_to(victim)


def named_twice(path: Path, victim: Path) -> None:
    """Another name of the same file."""
    path.hardlink_to(victim)


def piped(path: Path, _victim: Path) -> None:
    """A pipe at which everyone waits."""
    os.mkfifo(path)


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("name", ["f", ".f.part", ".f.part.json", ".f.part.json.new"])
@pytest.mark.parametrize("plant", [linked, named_twice, piped])
def test_nothing_else_is_written(
    tmp_path: Path,
    plant: Callable[[Path, Path], None],
    name: str,
    resume: bool,  # noqa: FBT001 - drawn
) -> None:
    """What was planted is replaced or refused with a sentence; what it leads to stays as it was, and no call waits."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "folder"
    folder.mkdir()
    plant(folder / name, victim)
    result = save(Storage(), folder / "f", resume=resume)
    assert victim.read_text() == "precious"
    if name == "f" and plant is piped:
        assert result == f"{folder / name}: it is a device, a pipe or a socket; name a file"
    elif isinstance(result, str):
        assert (resume, name) == (True, ".f.part")
        assert str(folder / name) in result
        assert "remove it" in result
    else:
        assert (folder / "f").read_bytes() == CONTENT
        assert not (folder / "f").is_symlink()


def test_a_folder_that_is_a_link_is_the_users_own(tmp_path: Path) -> None:
    """Who names it means what it leads to."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk", target_is_directory=True)
    save(Storage(), tmp_path / "link" / "f", resume=True)
    assert (tmp_path / "disk" / "f").read_bytes() == CONTENT


def test_what_belongs_to_somebody_else_is_not_gone_on_with(tmp_path: Path) -> None:
    """Neither a beginning of a file nor what is said about it."""
    if os.geteuid() != 0:
        pytest.skip("giving a file away needs root")
    (tmp_path / ".f.part").write_bytes(b"theirs")
    os.chown(tmp_path / ".f.part", 65534, 65534)
    assert "belongs to another user" in save(Storage(), tmp_path / "f", resume=True)
    os.chown(tmp_path / ".f.part", 0, 0)
    record = f'{{"etag":"\\"one\\"","size":{len(CONTENT)},"safe":[[0,6]]}}'
    (tmp_path / ".f.part.json").write_text(record)
    os.chown(tmp_path / ".f.part.json", 65534, 65534)
    save(Storage(), tmp_path / "f", resume=True)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_file_that_was_exchanged_is_not_published(tmp_path: Path) -> None:
    """Somebody who may write to the folder puts another file took the place of what has come."""

    def exchange(size: int) -> None:
        if size == len(CONTENT):
            (tmp_path / ".f.part").unlink()
            (tmp_path / ".f.part").write_bytes(b"theirs")

    assert "another file took the place" in save(Storage(), tmp_path / "f", resume=True, progress=exchange)
    assert not (tmp_path / "f").exists()


def test_a_folder_that_cannot_be_listed_is_written(tmp_path: Path) -> None:
    """Writing needs no right to read."""
    folder = tmp_path / "drop"
    folder.mkdir()
    if root := os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
        tmp_path.chmod(0o755)
    folder.chmod(0o300)
    with folders.Folder.at(folder) as held:
        if root:
            os.seteuid(65534)
        try:
            held.write("f", [b"whole"])
        finally:
            if root:
                os.seteuid(0)
    assert (folder / "f").read_bytes() == b"whole"


@pytest.mark.parametrize("etag", ['"one"', ""])
def test_it_goes_on_from_wherever_it_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, etag: str) -> None:
    """At any call to the system, with and without a strong ETag: the next save ends with the file."""
    for after in range(100):
        path = tmp_path / str(after)
        path.mkdir()
        storage = Storage()
        storage.etag = etag
        storage.spoil = [storage.cut(PIECE)]
        dying = DyingOs(after)
        with monkeypatch.context() as patch:
            patch.setattr(folders, "os", dying)
            try:
                save(storage, path / "f", resume=True)
            except Killed:
                assert dying.died
            else:
                break
        assert save(storage, path / "f", resume=True).size == len(CONTENT)
        assert (path / "f").read_bytes() == CONTENT
    assert 4 < after < 99


def test_a_version_that_a_date_tells_is_gone_on_with(tmp_path: Path) -> None:
    """Where there is no strong ETag, and the date is old enough."""
    with PartialFile(tmp_path / "f", resume=True, progress=None) as saving:
        saving.set_version(Download(size=len(CONTENT), version=FileVersion('W/"x"', "day", has_strong_date=True)))
        saving.writer.write(0, CONTENT[:100])
    with PartialFile(tmp_path / "f", resume=True, progress=None) as saving:
        assert saving.start.offset == 100
        assert saving.start.version == FileVersion('W/"x"', "day", has_strong_date=True)
    with PartialFile(tmp_path / "f", resume=True, progress=None) as saving:
        saving.set_version(Download(size=len(CONTENT), version=FileVersion('W/"x"', "day")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", [None, 3, b"name", io.BytesIO()])
def test_a_file_is_saved_by_its_name_alone(path: Any) -> None:
    """Whatever else is given is named, and nothing is requested."""
    storage = Storage()
    with pytest.raises(errors.InvalidOption, match="path cannot be"):
        save(storage, path)
