# SPDX-License-Identifier: Apache-2.0
"""The sockets that lie beside a state in a file: private, short enough, and none left behind."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING

import pytest

from callwell.errors import StateError
from callwell.state import open_state
from callwell.state.postgres import PostgresState
from callwell.state.postgres_signals import PostgresListener, PostgresSignals
from callwell.state.signals import SignalFolder
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.state.base import State


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a path that leaves room for the name of a socket."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def listening(path: Path) -> tuple[State, Queue[str]]:
    """A state that listens, and what it hears."""
    state = open_state(f"sqlite:///{path}")
    heard: Queue[str] = Queue()
    state.listen(heard.put)
    return state, heard


def test_the_folder_is_private_and_goes_with_the_last_listener(short: Path) -> None:
    """Whatever the umask; two listeners have two sockets."""
    old = os.umask(0)
    try:
        first, _ = listening(short / "state.db")
        second, _ = listening(short / "state.db")
        folder = short / "state.db-signals"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert len(list(folder.iterdir())) == 2
        first.close()
        assert len(list(folder.iterdir())) == 1
        second.close()
        assert [path.name for path in short.iterdir()] == ["state.db"]
    finally:
        os.umask(old)


def test_sockets_of_killed_processes_are_removed(short: Path) -> None:
    """By the next who listens, and by the next signal."""
    state, heard = listening(short / "state.db")
    dead = short / "state.db-signals" / "dead"
    other = open_state(f"sqlite:///{short / 'state.db'}")
    for act in (lambda: state.notify("x"), lambda: other.listen(heard.put)):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as killed:
            killed.bind(str(dead))
        act()
        assert not dead.exists()
    assert heard.get(timeout=PATIENCE_S) == "x"
    state.close()
    other.close()


def test_a_long_path_has_its_sockets_elsewhere(short: Path) -> None:
    """In the directory for temporary files, under a name made from the file, so by a link to it too."""
    path = short / ("x" * 100) / "state.db"
    state, heard = listening(path)
    link = short / "link"
    link.symlink_to(path.parent)
    found = path.stat()
    folder = Path(tempfile.gettempdir()) / f"callwell-{os.getuid()}-{found.st_dev:x}-{found.st_ino:x}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    other = open_state(f"sqlite:///{link / 'state.db'}")
    other.notify("by the link")
    assert heard.get(timeout=PATIENCE_S) == "by the link"
    other.close()
    state.close()
    assert not folder.exists()


def test_a_folder_that_cannot_be_used(short: Path) -> None:
    """A file in its place is a clear error for who listens; who notifies goes on."""
    state = open_state(f"sqlite:///{short / 'state.db'}")
    (short / "state.db-signals").touch()
    with pytest.raises(StateError, match=r"^cannot receive signals about the state .*state\.db: File exists"):
        state.listen(print)
    state.notify("x")
    state.close()


def test_a_slow_receiver_stops_nobody(short: Path) -> None:
    """Its signals are lost when its socket is full; sending goes on at once."""
    (short / "file").touch()
    folder = SignalFolder(short / "file")
    place = short / "file-signals"
    place.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as slow:
        slow.bind(str(place / "slow"))
        for _ in range(1000):
            folder.send("x")
        assert slow.recv(10) == b"x"


def test_a_listener_that_ends_by_itself(postgres_url: str) -> None:
    """A thread that is between two looks when it is stopped has ended before it is woken: nothing is wrong."""
    state = PostgresState(postgres_url)
    listener = PostgresListener(PostgresSignals(state.connect, lambda _nonce: None, name=state.name), print)
    listener._stopped.set()
    listener._wake.send(b".")
    listener._thread.join(PATIENCE_S)
    listener.stop()
    state.close()
