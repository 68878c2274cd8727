# SPDX-License-Identifier: Apache-2.0
"""State in one SQLite file, for the processes of one machine.

Write-ahead logging with `synchronous = NORMAL`: a committed change survives the process immediately. A power failure
may lose the last moments, which a permit's cooling time covers only in part; the docs mention that.

The threads of a process take turns under one lock. A file is created under another name and renamed when it is
complete, so an empty file is known to be damaged. A connection must not survive a fork, because the child's copy would
assume locks that it does not hold: all connections are closed before a fork, and parent and child open their own.
Before each use the path is compared with the file that was opened: see `file_identity`.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from callwell.errors import StateError
from callwell.state.base import DELETE
from callwell.state.checksums import add_checksum, strip_checksum
from callwell.state.file_identity import FileIdentity
from callwell.state.listeners import Listeners
from callwell.state.migrations import Migration, Schema, check_complete, check_needs, pending
from callwell.state.queries import LAST_CHARACTER, load_queries
from callwell.state.signals import SignalFolder
from callwell.state.stored_records import StoredRecord, StoreLocation, assume_damaged, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from callwell.state.base import Cell

T = TypeVar("T")
R = TypeVar("R")

TRANSIENT: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
"""Codes of errors that may be temporary."""

APPLICATION_ID: Final = 0x43414C4C
"""The application ID in the file's header ("CALL"), which marks a file as a Callwell state."""

BUSY_S: Final = 30.0
"""How long a process waits for others to release the file: a change takes milliseconds, so a longer wait means a stuck
process."""

CLONE_BUSY_S: Final = 2.0
"""The same for a background thread, which tries again later. For opening the file it waits as long as others: one of
them may be migrating it."""

TURN_S: Final = 0.1
"""Seconds for which a waiting thread blocks other threads of its process from their states: changes take milliseconds,
and SQLite retries often at first."""

PAUSE_S: Final = 0.002
"""Seconds between two rounds of waiting, in which other threads get their turn."""

QUERIES: Final = load_queries("queries.sql")


def _add_checksums(connection: sqlite3.Connection) -> None:
    for key, record in connection.execute(QUERIES["all"]).fetchall():
        connection.execute(QUERIES["rewrite"], (add_checksum(key, record), key))


def _add_times(connection: sqlite3.Connection) -> None:
    connection.execute(QUERIES["add_times"])
    connection.execute(QUERIES["create_steps"])


CHECKSUMS_VERSION: Final = 1
"""The last schema version without a migrations table."""

MIGRATIONS: Final = (Migration(1, 1, _add_checksums), Migration(2, 1, _add_times))
"""All migrations, in order. A released migration is never changed; see `migrations` for what it may do.

`Migration.needs` is stored as the file's `user_version`, which versions before the second migration also read.
"""

_LOCK: Final = threading.RLock()
"""Held while a thread of this process uses any state, and during a fork."""

_STATES: Final = weakref.WeakSet["SqliteState"]()


class SqliteState:
    """Records in one SQLite file.

    Args:
        path: the file, created with its folders if it does not exist; `~` is the home directory.
        migrations: the schema's migrations that this code knows.
        existing: open an existing file: none is created or migrated.
        open_now: open the file now instead of on first use.

    Raises:
        StateError: the file cannot be opened, or is not a Callwell state.
    """

    shared = True
    server_wall: float | None = None

    def __init__(
        self, path: str, *, migrations: Sequence[Migration] = MIGRATIONS, existing: bool = False, open_now: bool = True
    ) -> None:
        self.path = Path(path).expanduser()
        self.schema = Schema(0, 0)
        self._migrations = migrations
        self._existing = existing
        self._place = StoreLocation(str(self.path), "remove the file")
        self._file = self.path.absolute()
        self.call_locks: Path | None = self._file.with_name(f"{self._file.name}-calls")
        self._identity = FileIdentity(self._file)
        self._connection: sqlite3.Connection | None = None
        self._signals = SignalFolder(self._file)
        self._listeners = Listeners(self._signals.receive)
        self._busy_s = BUSY_S
        _STATES.add(self)
        if open_now:
            self._take_turns("open", lambda _: None)

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self.path)

    @property
    def address(self) -> str:
        """The file's identity, regardless of the path that opened it."""
        return f"sqlite:{self._file.resolve()}"

    def update(self, cell: Cell[T], change: Callable[[T], tuple[T, R]]) -> R:
        """Replace a record with the result of `change`, in one transaction."""

        def write(connection: sqlite3.Connection) -> R:
            self._check_unchanged()
            (needs,) = connection.execute(QUERIES["needs"]).fetchone()
            check_needs(needs, self._migrations, name=self.name)
            record, result = change(self._decode(connection, cell))
            if record is DELETE:
                connection.execute(QUERIES["delete"], (cell.key,))
            else:
                connection.execute(QUERIES["write"], (cell.key, encode(cell.key, record), time.time()))
            return result

        return self._take_turns("write", lambda connection: self._commit(connection, write))

    def read(self, cell: Cell[T]) -> T:
        """The current record."""
        return self._read(lambda connection: self._decode(connection, cell))

    def keys(self, prefix: str) -> list[str]:
        """The keys of all stored records that begin with `prefix`, in order."""
        bounds = (prefix, prefix + LAST_CHARACTER)
        return self._read(lambda connection: [key for (key,) in connection.execute(QUERIES["keys"], bounds)])

    def remove(self, prefix: str) -> None:
        """Delete all records whose keys have this prefix."""

        def write(connection: sqlite3.Connection) -> None:
            self._check_unchanged()
            connection.execute(QUERIES["remove"], (prefix, prefix + LAST_CHARACTER))

        self._take_turns("write", lambda connection: self._commit(connection, write))

    def entries(self) -> list[StoredRecord]:
        """The metadata of each stored record, in the order of the keys."""
        return self._read(lambda connection: [StoredRecord(*row) for row in connection.execute(QUERIES["entries"])])

    def notify(self, topic: str) -> None:
        """Notify all listeners, in every process that has the file open."""
        self._signals.send(topic)

    def listen(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` with each topic that is notified from now on, in a thread of this state."""
        try:
            return self._listeners.add(callback)
        except OSError as error:
            reason = error.strerror or error.filename
            raise StateError(f"cannot receive signals about the state {self.path}: {reason}") from error

    def clone(self) -> SqliteState:
        """Another state of the same file, which must not have been replaced; it waits less long for other processes."""
        clone = SqliteState(str(self._file), migrations=self._migrations, existing=self._existing, open_now=False)
        clone._identity = self._identity.renew()
        clone._busy_s = CLONE_BUSY_S
        return clone

    def close(self) -> None:
        """Close the file, and end all listening."""
        self._listeners.close()
        self.close_file()

    def close_file(self) -> None:
        """Close only the file, until it is used again."""
        with _LOCK:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            self._identity.forget_companions()

    def _decode(self, connection: sqlite3.Connection, cell: Cell[T]) -> T:
        row = connection.execute(QUERIES["read"], (cell.key,)).fetchone()
        if row is None:
            if cell.damaged is None or cell.damaged == cell.empty or self._is_intact(connection):
                return cell.empty
            return assume_damaged(cell, cell.damaged, self._place)
        return decode(cell, row[0], self._place)

    @staticmethod
    def _is_intact(connection: sqlite3.Connection) -> bool:
        """Whether the file is undamaged, so that a missing record was never written.

        A record with a damaged name would also be missing; its checksum covers the name.
        """
        if connection.execute(QUERIES["sound"]).fetchone() != ("ok",):
            return False
        try:
            for key, stored in connection.execute(QUERIES["all"]):
                strip_checksum(key, stored)
        except (ValueError, TypeError, AttributeError):
            return False
        return True

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if not self._existing and not self._file.exists() and not self._identity.was_opened:
                self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                _create_file(self._file)
            self._check_unchanged()
            self._connection = _connect(f"{self._file.as_uri()}?mode=rw")
            self._check(self._connection)
        return self._connection

    def _take_turns(self, verb: str, attempt: Callable[[sqlite3.Connection], R]) -> R:
        """Use the file. While another process locks it, other threads can use their states.

        Args:
            verb: the operation, for messages.
            attempt: performs it; called again if the file was busy.
        """
        began = time.monotonic()
        while True:
            now_doing = "open"
            try:
                with _LOCK:
                    connection = self._open()
                    now_doing = verb
                    return attempt(connection)
            except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
                busy_s = BUSY_S if now_doing == "open" else self._busy_s
                if not _is_busy(error) or time.monotonic() - began >= busy_s:
                    raise self._explain(now_doing, error, busy_s) from error
            time.sleep(PAUSE_S)

    def _read(self, query: Callable[[sqlite3.Connection], R]) -> R:
        def attempt(connection: sqlite3.Connection) -> R:
            self._check_unchanged()
            return query(connection)

        return self._take_turns("read", attempt)

    def _commit(self, connection: sqlite3.Connection, write: Callable[[sqlite3.Connection], R]) -> R:
        """Write in one transaction. The file can only be busy before `write` is called, so `write` is called once."""
        connection.execute(QUERIES["begin"])
        try:
            result = write(connection)
            connection.execute(QUERIES["commit"])
        except sqlite3.Error as error:
            raise self._explain("write", error, TURN_S) from error
        finally:
            if connection.in_transaction:
                connection.execute(QUERIES["rollback"])
        return result

    def _check_unchanged(self) -> None:
        trouble = self._identity.describe_change(is_open=self._connection is not None)
        if trouble:
            raise StateError(
                f"the state {self.path} {trouble} while it was in use, so it is unknown how much of the quota was "
                "used: stop all processes that use it, and start again after the quota's window has passed"
            )

    def _check(self, connection: sqlite3.Connection) -> None:
        try:
            (stamp,) = connection.execute(QUERIES["stamp"]).fetchone()
            if stamp != APPLICATION_ID:
                if not self._file.stat().st_size:
                    raise self._place.damaged("it is empty")
                raise StateError(f"{self.path} is an SQLite file of another program; name another file with --state")
            self._migrate(connection)
        except BaseException:
            self.close_file()
            raise

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Perform the migrations that the file needs; concurrent processes take turns."""
        self.schema = _read_schema(connection)
        if self._existing:
            check_complete(self.schema, self._migrations, name=self.name)
        if not pending(self.schema, self._migrations, name=self.name):
            return
        connection.execute(QUERIES["begin"])
        for migration in pending(_read_schema(connection), self._migrations, name=self.name):
            migration.apply(connection)
            _record_migration(connection, migration)
        connection.execute(QUERIES["commit"])
        self.schema = _read_schema(connection)

    def _explain(self, verb: str, error: Exception, busy_s: float) -> StateError:
        """What an error means for this state; `busy_s` is how long a busy file was retried."""
        if isinstance(error, OSError):
            return StateError(f"cannot {verb} the state {self.path}: {error.strerror}")
        code = _primary_code(error)
        # Python's own OperationalError, for text that is not UTF-8, has no code.
        if not isinstance(error, sqlite3.OperationalError) or code is None:
            return self._place.damaged(str(error))
        reason = str(error)
        advice = "name another with --state"
        if code == sqlite3.SQLITE_BUSY:
            reason = f"another process has kept it locked for {busy_s:g} s"
        elif code == sqlite3.SQLITE_FULL:
            reason = "the disk is full"
            advice = "make room and run the same again"
        explained = StateError(f"cannot {verb} the state {self.path}: {reason}; {advice}")
        explained.may_pass = code in TRANSIENT
        return explained


def _primary_code(error: Exception) -> int | None:
    """SQLite's primary code of an error, without the extended part."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _is_busy(error: Exception) -> bool:
    """Whether another process has the file locked."""
    return _primary_code(error) == sqlite3.SQLITE_BUSY


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=TURN_S, isolation_level=None, check_same_thread=False, uri=True)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _read_schema(connection: sqlite3.Connection) -> Schema:
    (needs,) = connection.execute(QUERIES["needs"]).fetchone()
    (has_table,) = connection.execute(QUERIES["has_steps"]).fetchone()
    if not has_table:
        return Schema(needs, needs)
    (version,) = connection.execute(QUERIES["version"]).fetchone()
    if not isinstance(version, int):
        raise sqlite3.DatabaseError("its table of migrations has no version")
    return Schema(version, needs)


def _record_migration(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.execute(f"PRAGMA user_version = {migration.needs}")
    if migration.version > CHECKSUMS_VERSION:
        connection.execute(QUERIES["add_step"], (migration.version, time.time()))


def _create_file(path: Path) -> None:
    """Create the complete file, readable only by its owner; another process may be first."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    try:
        connection = _connect(Path(name).absolute().as_uri())
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(QUERIES["create"])
        for migration in MIGRATIONS:
            migration.apply(connection)
            _record_migration(connection, migration)
        connection.close()
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()


def _before_fork() -> None:
    _LOCK.acquire()
    for state in _STATES:
        state.close_file()


os.register_at_fork(before=_before_fork, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)
