# SPDX-License-Identifier: Apache-2.0
"""A state file that is taken away or changed for another one while it is in use: it is said, and nothing is lent."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from callwell.client import Client
from callwell.core.rules.profile import QuotaRule
from callwell.errors import StateError
from callwell.keys import Key
from callwell.state import open_state
from callwell.state.file_identity import FileIdentity
from callwell.testing import ScriptedTransport
from tests.client.acme import KEY, acme
from tests.client.world import OK
from tests.contract.test_state_files import COUNT, plus
from tests.processes.program import popen, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLUS = """
import sys
from callwell.state import open_state
from callwell.state.file_identity import FileIdentity
from callwell.state.base import Cell
state = open_state(f"sqlite:///{sys.argv[1]}")
state.update(Cell("count", int, 0), lambda count: (count + 1, None))
"""


def elsewhere(path: Path) -> None:
    """Count in another process, which has locks of its own."""
    run(["-c", PLUS, str(path)], timeout=60).check_returncode()


def removed(path: Path) -> None:
    """The file is removed, and nothing comes in its place."""
    path.unlink()


def removed_with_all(path: Path) -> None:
    """The file is removed with those beside it."""
    for item in path.parent.glob(f"{path.name}*"):
        item.unlink()


def begun_anew(path: Path) -> None:
    """The file is removed, and another process begins a new one."""
    removed_with_all(path)
    elsewhere(path)


def replaced(path: Path) -> None:
    """A new file is moved over it."""
    elsewhere(path.with_name("new.db"))
    path.with_name("new.db").replace(path)


def replaced_by_a_copy(path: Path) -> None:
    """A backup of it is moved over it."""
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)


def emptied(path: Path) -> None:
    """It is cut to nothing."""
    os.truncate(path, 0)


def cut(path: Path) -> None:
    """It loses its last page."""
    os.truncate(path, path.stat().st_size - 4096)


def without_log(path: Path) -> None:
    """Its log is removed."""
    path.with_name(f"{path.name}-wal").unlink()


def without_index(path: Path) -> None:
    """Its shared index is removed."""
    path.with_name(f"{path.name}-shm").unlink()


def with_another_log(path: Path) -> None:
    """Log and index are removed, and another process makes new ones."""
    without_log(path)
    without_index(path)
    with popen(["-c", PLUS + "import time; print(flush=True); time.sleep(60)", str(path)]) as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()


def folder_moved(path: Path) -> None:
    """The folder gets another name."""
    path.parent.rename(path.parent.with_name("moved"))


def folder_replaced(path: Path) -> None:
    """The folder gets another name, and another process makes a new one."""
    folder_moved(path)
    elsewhere(path)


HAPPENINGS = [
    removed,
    removed_with_all,
    begun_anew,
    replaced,
    replaced_by_a_copy,
    emptied,
    cut,
    without_log,
    without_index,
    with_another_log,
    folder_moved,
    folder_replaced,
]


@pytest.mark.parametrize("happening", HAPPENINGS)
def test_it_is_noticed_at_each_use(tmp_path: Path, happening: Callable[[Path], None]) -> None:
    """Whatever is done with the state, it says in one line what happened and what to do, every time."""
    path = tmp_path / "folder" / "state.db"
    state = open_state(f"sqlite:///{path}")
    state.update(COUNT, lambda count: (count + 1, None))
    happening(path)
    for use in (
        lambda: state.update(COUNT, lambda count: (count + 1, None)),
        lambda: state.read(COUNT),
        lambda: state.keys("c"),
        lambda: state.remove("c"),
        lambda: state.read(COUNT),
    ):
        with pytest.raises(StateError) as raised:
            use()
        text = str(raised.value)
        assert f"the state {path} " in text
        assert (
            "while it was in use, so it is unknown how much of the quota was used: stop all processes that use it"
            in text
        )
        assert "\n" not in text
    state.close()


@pytest.mark.parametrize("happening", [removed, begun_anew, replaced_by_a_copy, emptied, without_log, folder_moved])
def test_it_is_never_a_second_quota(tmp_path: Path, happening: Callable[[Path], None]) -> None:
    """A client uses the permits that it holds, and sends nothing more, whatever becomes of its state."""
    path = tmp_path / "folder" / "state.db"
    transport = ScriptedTransport(lambda _: OK)
    provider = acme({"hour": QuotaRule(limit=4, window_s=3600)})
    client = Client(provider, key=Key(KEY), transport=transport, state=f"sqlite:///{path}", deadline_s=5)
    for _ in range(2):
        client.call("things.get", thing_id="1")
    happening(path)
    failed = 0
    while failed < 4:
        try:
            client.call("things.get", thing_id="1")
        except StateError:
            failed += 1
    assert len(transport.requests) <= 4


def test_a_link_that_leads_elsewhere(tmp_path: Path) -> None:
    """A symbolic link is followed, and noticed when it leads to another file; the files beside are those of its end."""
    first = tmp_path / "first.db"
    second = tmp_path / "second.db"
    link = tmp_path / "link.db"
    plus(first)
    plus(second)
    link.symlink_to(first)
    state = open_state(f"sqlite:///{link}")
    assert state.update(COUNT, lambda count: (count + 1, count + 1)) == 2
    assert state.read(COUNT) == 2
    link.unlink()
    link.symlink_to(second)
    with pytest.raises(StateError, match="was replaced by another file while it was in use"):
        state.update(COUNT, lambda count: (count + 1, None))
    state.close()
    assert (plus(first), plus(second)) == (3, 2)


def test_a_relative_path_is_that_of_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that goes to another folder keeps its state."""
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    state = open_state("sqlite:///state.db")
    state.update(COUNT, lambda count: (count + 1, None))
    monkeypatch.chdir("other")
    state.close()
    assert state.update(COUNT, lambda count: (count + 1, count + 1)) == 2
    state.close()
    assert list((tmp_path / "other").iterdir()) == []


def test_a_state_that_was_closed_is_not_begun_anew(tmp_path: Path) -> None:
    """A fork closes the file for a moment: one that is gone then is missed, and not made again."""
    path = tmp_path / "state.db"
    state = open_state(f"sqlite:///{path}")
    state.update(COUNT, lambda count: (count + 1, None))
    state.close()
    path.unlink()
    with pytest.raises(StateError, match="was removed or moved away"):
        state.update(COUNT, lambda count: (count + 1, None))
    assert not path.exists()


def test_other_processes_come_and_go(tmp_path: Path) -> None:
    """Processes that open, grow and close the same file are not trouble, nor is a state that is closed in between."""
    path = tmp_path / "state.db"
    state = open_state(f"sqlite:///{path}")
    for number in range(3):
        state.update(COUNT, lambda count: (count + 1, None))
        elsewhere(path)
        if number == 1:
            state.close()
            elsewhere(path)
    assert state.read(COUNT) == 7
    state.close()


def test_files_beside_a_state_that_others_close(tmp_path: Path) -> None:
    """Whoever opens a file while the last other process closes it finds other files beside it, and nothing is wrong."""
    path = tmp_path / "state.db"
    identity = FileIdentity(path)
    for _ in range(2):
        other = open_state(f"sqlite:///{path}")
        other.update(COUNT, lambda count: (count + 1, None))
        assert path.with_name("state.db-wal").exists()
        assert identity.describe_change(is_open=False) == ""
        other.close()
        assert not path.with_name("state.db-wal").exists()
    other = open_state(f"sqlite:///{path}")
    other.update(COUNT, lambda count: (count + 1, None))
    assert identity.describe_change(is_open=True) == ""
    other.close()
    assert identity.describe_change(is_open=True) == "has lost its -wal file"
