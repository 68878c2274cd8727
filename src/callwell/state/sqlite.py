# SPDX-License-Identifier: Apache-2.0
"""State in one SQLite file, for the processes of one machine.

Write-ahead logging with `synchronous = NORMAL`: what is committed outlives the process at once, and the machine's
power failure may cost the last moments, which a permit's W + D covers only in part; the docs say so. Every thread of a
process takes turns on one connection; a forked child opens its own.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from callwell.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.state.base import Cell

T = TypeVar("T")
R = TypeVar("R")

APPLICATION: Final = 0x43414C4C
"""The application id in the file's header ("CALL"), by which a file is known to be ours."""

BUSY_S: Final = 30.0
"""How long one process waits for the others' turns before it says that the file is locked."""

AFTER_ALL: Final = "\U0010ffff"


def _queries() -> dict[str, str]:
    text = (files("callwell.state") / "queries.sql").read_text(encoding="utf-8")
    blocks = (block.strip().partition("\n") for block in text.split("\n-- ")[1:])
    return {name.strip(): query.strip() for name, _, query in blocks}


QUERIES: Final = _queries()


class SqliteState:
    """Records in one SQLite file.

    Args:
        path: the file, made with its folders if it is not there; `~` is the home directory.

    Raises:
        StateError: the file cannot be opened, or is no state of ours.
    """

    shared = True

    def __init__(self, path: str) -> None:
        self.path = Path(path).expanduser()
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._connection: sqlite3.Connection | None = None
        with self._told("open"):
            self._open()

    def update(self, cell: Cell[T], change: Callable[[T], tuple[T, R]]) -> R:
        """Replace a record by what `change` makes of it, in one step."""
        with self._told("write"), self._lock:
            connection = self._open()
            connection.execute(QUERIES["begin"])
            try:
                record, answer = change(self._decoded(connection, cell))
                connection.execute(QUERIES["write"], (cell.key, msgspec.msgpack.encode(record)))
                connection.execute(QUERIES["commit"])
            except BaseException:
                connection.execute(QUERIES["rollback"])
                raise
        return answer

    def read(self, cell: Cell[T]) -> T:
        """The record as it is now."""
        with self._told("read"), self._lock:
            return self._decoded(self._open(), cell)

    def keys(self, prefix: str) -> list[str]:
        """The keys of all written records that begin with `prefix`, in order."""
        with self._told("read"), self._lock:
            return [key for (key,) in self._open().execute(QUERIES["keys"], (prefix, prefix + AFTER_ALL))]

    def remove(self, prefix: str) -> None:
        """Forget all records whose keys begin with `prefix`."""
        with self._told("write"), self._lock:
            self._open().execute(QUERIES["remove"], (prefix, prefix + AFTER_ALL))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    def _decoded(self, connection: sqlite3.Connection, cell: Cell[T]) -> T:
        row = connection.execute(QUERIES["read"], (cell.key,)).fetchone()
        return cell.empty if row is None else msgspec.msgpack.decode(row[0], type=cell.type)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            _claim(connection, self.path)
            self._connection = connection
        return self._connection

    @contextmanager
    def _told(self, verb: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StateError(f"cannot {verb} the state {self.path}: {error}; name another with --state") from error
        except OSError as error:
            raise StateError(f"cannot {verb} the state {self.path}: {error.strerror}") from error
        except msgspec.MsgspecError as error:
            what = f"the state {self.path} has a record of another version or a damaged one: {error}"
            raise StateError(f"{what}; move the file away") from error


def _claim(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    (stamp,) = connection.execute(QUERIES["stamp"]).fetchone()
    (tables,) = connection.execute(QUERIES["tables"]).fetchone()
    if stamp != APPLICATION:
        if tables:
            connection.close()
            raise StateError(f"{path} is an SQLite file of another program; name another with --state")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(QUERIES["create"])
