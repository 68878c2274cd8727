# SPDX-License-Identifier: Apache-2.0
"""What is not a file keeps its name: a device, a pipe, a socket, or a link to one is never replaced by a rename."""

from __future__ import annotations

import os
import socket
import stat
from typing import TYPE_CHECKING

import pytest

from callwell import errors, folders
from tests.client._async.scripted_client import connect
from tests.client.running import run
from tests.client.storage import Storage
from tests.client.world import ScriptedProvider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def pipe(path: Path) -> None:
    """A named pipe."""
    os.mkfifo(path)


def listening(path: Path) -> None:
    """A socket."""
    with socket.socket(socket.AF_UNIX) as result:
        result.bind(os.path.relpath(path))


def link_to_pipe(path: Path) -> None:
    """A link to a pipe, as /dev/stdout is."""
    other = path.with_name("pipe")
    os.mkfifo(other)
    path.symlink_to(other.name)


def link_to_device(path: Path) -> None:
    """A link to a device that swallows everything."""
    path.symlink_to("/dev/null")


@pytest.mark.parametrize("plant", [pipe, listening, link_to_pipe, link_to_device])
@pytest.mark.parametrize("resume", [True, False])
def test_what_is_no_file_is_refused_before_a_byte_is_fetched(
    tmp_path: Path, plant: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch, *, resume: bool
) -> None:
    """It is as it was, nothing else is left in the folder, and the storage was not asked."""
    monkeypatch.chdir(tmp_path)
    plant(tmp_path / "out")
    before = {path.name: stat.S_IFMT(path.lstat().st_mode) for path in tmp_path.iterdir()}
    storage = Storage()
    asset = connect(ScriptedProvider(storage)).asset("things.file", thing_id="1")
    with pytest.raises(errors.FileProblem, match="out: it is a device, a pipe or a socket; name a file"):
        run(lambda: asset.save(tmp_path / "out", resume=resume))
    assert not storage.fetches
    assert {path.name: stat.S_IFMT(path.lstat().st_mode) for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("plant", [pipe, listening, link_to_pipe, link_to_device])
def test_no_other_writer_replaces_it_either(
    tmp_path: Path, plant: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports, pictures and generated code are written by the same rename."""
    monkeypatch.chdir(tmp_path)
    plant(tmp_path / "out")
    before = {path.name: stat.S_IFMT(path.lstat().st_mode) for path in tmp_path.iterdir()}
    with pytest.raises(errors.FileProblem, match="it is a device, a pipe or a socket"):
        folders.write(tmp_path / "out", [b"report"])
    assert {path.name: stat.S_IFMT(path.lstat().st_mode) for path in tmp_path.iterdir()} == before


def test_a_link_that_leads_nowhere_is_replaced(tmp_path: Path) -> None:
    """As a link to a file is: never followed."""
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    folders.write(tmp_path / "out", [b"report"])
    assert (tmp_path / "out").read_bytes() == b"report"
    assert not (tmp_path / "nowhere").exists()
