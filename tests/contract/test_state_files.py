# SPDX-License-Identifier: Apache-2.0
"""The state in a file: what is wrong with it is one clear sentence, and no file of another program is changed."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import stat
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from callwell.core.paging import Walk
from callwell.errors import StateError
from callwell.state import open_state, sqlite
from callwell.state.base import Cell
from callwell.state.migrations import Migration
from callwell.state.sqlite import SqliteState
from tests.patience import PATIENCE_S
from tests.processes.program import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COUNT = Cell("count", int, 0)
OTHER_USER = 65534


def plus(path: Path, times: int = 1) -> int:
    """Count in a record of the state in a file."""
    state = open_state(f"sqlite:///{path}")
    try:
        for _ in range(times):
            count = state.update(COUNT, lambda count: (count + 1, count + 1))
    finally:
        state.close()
    return count


def complaint(path: Path) -> str:
    """What is said about a file that cannot be used."""
    with pytest.raises(StateError) as raised:
        plus(path)
    text = str(raised.value)
    assert str(path) in text
    assert "\n" not in text
    return text


@contextmanager
def as_nobody() -> Iterator[Path]:
    """A folder of a user without rights, who is the one that runs."""
    folder = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    if root:
        os.chown(folder, OTHER_USER, OTHER_USER)
        os.seteuid(OTHER_USER)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


def test_the_file_is_private(tmp_path: Path) -> None:
    """Whatever the umask: the file and those beside it are for the user alone, and nothing else is left behind."""
    old = os.umask(0)
    try:
        state = open_state(f"sqlite:///{tmp_path / 'a' / 'state.db'}")
        state.update(COUNT, lambda count: (count + 1, None))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a").iterdir()}
        assert modes == dict.fromkeys(["state.db", "state.db-shm", "state.db-wal"], 0o600)
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
        state.close()
        assert [path.name for path in (tmp_path / "a").iterdir()] == ["state.db"]
    finally:
        os.umask(old)


def test_odd_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spaces, signs that mean something in addresses, relative paths and `~`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (tmp_path / "a b?c#d%20é" / "s.db", Path("relative.db"), Path("~/home.db")):
        assert (plus(path), plus(path)) == (1, 2)
    assert (tmp_path / "home.db").exists()


def test_a_file_of_another_program_is_not_touched(tmp_path: Path) -> None:
    """It is refused, and not a byte of it is changed."""
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE cells (key TEXT PRIMARY KEY, value BLOB)")
    other.close()
    before = path.read_bytes()
    assert "of another program" in complaint(path)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])


@pytest.mark.parametrize("what", ["garbage", "short garbage", "empty", "truncated", "overwritten"])
def test_damaged_files(tmp_path: Path, what: str) -> None:
    """Damage is reported, with what it means for the quota and what to do; no record starts again in silence."""
    path = tmp_path / "state.db"
    plus(path, 3)
    whole = path.read_bytes()
    damaged = {
        "garbage": random.Random(1).randbytes(len(whole)),
        "short garbage": b"hello",
        "empty": b"",
        "truncated": whole[: len(whole) // 2],
        "overwritten": whole[:100] + bytes(len(whole) - 100),
    }[what]
    path.write_bytes(damaged)
    text = complaint(path)
    assert "is damaged" in text
    assert "wait until its window has passed, then remove the file" in text
    assert path.read_bytes() == damaged


def test_damaged_records(tmp_path: Path) -> None:
    """A record that cannot be read is an error that names it, unless its cell says what it is to be taken for."""
    path = tmp_path / "state.db"
    plus(path)
    strict = Cell("walk", Walk, Walk())
    lenient = Cell("walk", Walk, Walk(), Walk(pages=-1))
    state = open_state(f"sqlite:///{path}")
    for blob in (b"", b"\xc1", b"\x93\x01\x02", b"\x81\xa1a\x01", random.Random(2).randbytes(50)):
        direct = sqlite3.connect(path)
        direct.execute("INSERT OR REPLACE INTO cells (key, value) VALUES ('walk', ?)", (blob,))
        direct.commit()
        direct.close()
        with pytest.raises(StateError, match=r"is damaged \(record walk, of another version\?"):
            state.read(strict)
        with pytest.raises(StateError):
            state.update(strict, lambda walk: (walk, None))
        assert state.read(lenient) == Walk(pages=-1)
        assert state.read(COUNT) == 1
    assert state.update(lenient, lambda walk: (walk._replace(pages=5), None)) is None
    assert state.read(strict) == Walk(pages=5)
    state.close()


def test_random_damage_never_escapes(tmp_path: Path) -> None:
    """Whatever bits of a record flip, it is read as something of its type or reported as damaged."""
    path = tmp_path / "state.db"
    cell = Cell("walk", Walk, Walk())
    state = open_state(f"sqlite:///{path}")
    state.update(cell, lambda _old: (Walk("next", pages=3, totals=(4, 5), repeated=("a", "ü")), None))
    direct = sqlite3.connect(path, isolation_level=None)
    (whole,) = direct.execute("SELECT value FROM cells").fetchone()
    dice = random.Random(3)
    reported = 0
    for _ in range(500):
        blob = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            blob[dice.randrange(len(blob))] = dice.randrange(256)
        direct.execute("UPDATE cells SET value = ?", (bytes(blob),))
        try:
            assert isinstance(state.read(cell), Walk)
        except StateError:
            reported += 1
    direct.close()
    state.close()
    assert reported > 100


def test_places_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A folder, a place below a file, a place that cannot be made."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    assert complaint(tmp_path / "folder").startswith("cannot open the state")
    assert "Not a directory" in complaint(tmp_path / "file" / "state.db") or "File exists" in complaint(
        tmp_path / "file" / "state.db"
    )
    assert complaint(Path("/proc/nowhere/state.db")).startswith("cannot open the state")


def test_folders_and_files_without_rights() -> None:
    """A read-only folder, a read-only file, one that may not be read."""
    with as_nobody() as folder:
        path = folder / "state.db"
        plus(path)
        path.chmod(0o400)
        assert "readonly database" in complaint(path)
        path.chmod(0)
        assert "cannot open the state" in complaint(path)
        path.unlink()
        folder.chmod(0o500)
        assert "Permission denied" in complaint(path)
        assert not path.exists()


def test_a_state_that_another_process_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, and reported after the time limit; reading goes on all the time."""
    path = tmp_path / "state.db"
    plus(path)
    monkeypatch.setattr(sqlite, "BUSY_S", 0.2)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    state = open_state(f"sqlite:///{path}")
    assert state.read(COUNT) == 1
    with pytest.raises(StateError, match=r"another process has kept it locked for 0\.2 s"):
        state.remove("x")
    assert "another process has kept it locked" in complaint(path)
    other.execute("ROLLBACK")
    other.close()
    assert plus(path) == 2
    state.close()


def migrated(path: Path) -> int:
    """Count in a state that must be migrated first."""
    state = SqliteState(str(path), migrations=(*sqlite.MIGRATIONS, Migration(3, 1, lambda _: None)))
    try:
        return state.update(COUNT, lambda count: (count + 1, count + 1))
    finally:
        state.close()


@pytest.mark.parametrize("use", [plus, migrated])
def test_a_state_that_another_process_keeps_holds_up_no_other(use: Callable[[Path], int], tmp_path: Path) -> None:
    """Threads that use another state, such as the one that exchanges permits, get their turns meanwhile."""
    kept = tmp_path / "kept.db"
    free = tmp_path / "free.db"
    plus(kept)
    other = sqlite3.connect(kept, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    counts: list[int] = []
    waiting = threading.Thread(target=lambda: counts.append(use(kept)))
    waiting.start()
    for _ in range(4):
        plus(free)
    assert counts == []
    other.execute("ROLLBACK")
    other.close()
    waiting.join(PATIENCE_S)
    assert counts == [2]


def test_a_full_disk(tmp_path: Path) -> None:
    """It is called so, and another file is not what helps: it would know nothing of the quota. What was there stays."""
    path = tmp_path / "state.db"
    plus(path)
    state = SqliteState(str(path))
    state._open().execute("PRAGMA max_page_count = 1")  # as many as there are: SQLite's own way to have no room
    with pytest.raises(StateError) as raised:
        state.update(Cell("long", str, ""), lambda _: ("x" * 100_000, None))
    reported = str(raised.value)
    assert reported == f"cannot write the state {path}: the disk is full; make room and run the same again"
    assert state.read(COUNT) == 1
    state.close()
    assert plus(path) == 2


def test_a_killed_process_leaves_the_state_usable(tmp_path: Path) -> None:
    """What it committed is there, what it did not is not, and no process is locked out."""
    path = tmp_path / "state.db"
    program = (
        "import os, signal, sys\n"
        "from callwell.state import open_state\n"
        "from callwell.state.base import Cell\n"
        "state = open_state(sys.argv[1])\n"
        "state.update(Cell('count', int, 0), lambda count: (41, None))\n"
        "state.update(Cell('count', int, 0), lambda count: (os.kill(os.getpid(), signal.SIGKILL), None))\n"
    )
    done = run(["-c", program, f"sqlite:///{path}"], timeout=PATIENCE_S)
    assert (done.returncode, plus(path)) == (-9, 42)
