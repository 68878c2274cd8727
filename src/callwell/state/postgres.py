# SPDX-License-Identifier: Apache-2.0
"""State in a PostgreSQL database, for the processes of many machines.

An update is one transaction of two round trips: begin, lock and read the row; write it and commit. The transaction ends
on its own if its process is stopped in between, so no process keeps a record from the others for more than ten seconds.
Nothing depends on a session or on prepared statements, so a pooler in transaction mode may sit in front of the server.

A broken connection is reopened, once. If it breaks during a commit, the row shows afterwards whether the change was
made; if not, it is made then.

A forked child opens its own connection, and does not touch its parent's: closing it would end the parent's session.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg import errors

from callwell.errors import StateError
from callwell.forks import reset_after_fork
from callwell.state import postgres_schema
from callwell.state.base import DELETE
from callwell.state.listeners import Listeners
from callwell.state.migrations import Migration, Schema, check_complete, check_needs
from callwell.state.postgres_connection import QUERIES, TimeoutConnection, leave_to_parent
from callwell.state.postgres_errors import explain_error
from callwell.state.postgres_signals import PostgresSignals
from callwell.state.postgres_url import parse
from callwell.state.queries import LAST_CHARACTER
from callwell.state.stored_records import StoredRecord, StoreLocation, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from callwell.state.base import Cell
    from callwell.state.postgres_connection import Connection

T = TypeVar("T")
R = TypeVar("R")

REMEDY: Final = "drop its tables (callwell_cells, callwell_signals, callwell_schema)"


class PostgresState:
    """Records in a table of a PostgreSQL database.

    Args:
        url: `postgresql://USER@HOST/DATABASE`, as in libpq; several hosts for failover.
        migrations: the schema's migrations that this code knows.
        existing: use existing tables: none is created or changed.
        open_now: connect now instead of on first use.

    Raises:
        InvalidOption: the URL is invalid.
        StateError: the database is unreachable or unusable.
    """

    shared = True
    call_locks: Path | None = None

    def __init__(
        self,
        url: str,
        *,
        migrations: Sequence[Migration] = postgres_schema.MIGRATIONS,
        existing: bool = False,
        open_now: bool = True,
    ) -> None:
        self._url = url
        self.server_wall: float | None = None
        self.schema = Schema(0, 0)
        self._address = parse(url)
        self._place = StoreLocation(self._address.name, REMEDY)
        self._migrations = migrations
        self._existing = existing
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        signals = PostgresSignals(self.connect, self._probe, name=self._address.name)
        self._listeners = Listeners(signals.receive)
        reset_after_fork(self)
        if open_now:
            with self._lock:
                self._open()

    @property
    def address(self) -> str:
        """The URL."""
        return self._url

    @property
    def name(self) -> str:
        """The URL without its password."""
        return self._address.name

    def __repr__(self) -> str:
        """Without the password."""
        return f"PostgresState({self.name!r})"

    def after_fork(self) -> None:
        """The connection is the parent's."""
        leave_to_parent(self._connection)
        self._connection = None
        self._lock = threading.Lock()

    def update(self, cell: Cell[T], change: Callable[[T], tuple[T, R]]) -> R:
        """Replace a record with the result of `change`, in one transaction."""
        key = cell.key.encode()
        with self._translate_errors("write"):
            before = self._retry_once(lambda connection: self._begin_update(connection, key))
            try:
                stored = None if before is None else bytes(before)
                record, result = change(cell.empty if stored is None else decode(cell, stored, self._place))
                after = None if record is DELETE else encode(cell.key, record)
                try:
                    self._commit(self._open(), key, after)
                except psycopg.OperationalError:
                    self._commit_again(key, stored, after)
            except BaseException:
                self._roll_back()
                raise
        return result

    def read(self, cell: Cell[T]) -> T:
        """The current record."""
        with self._translate_errors("read"):
            rows = self._query("read", (cell.key.encode(),))
            return decode(cell, bytes(rows[0][0]), self._place) if rows else cell.empty

    def keys(self, prefix: str) -> list[str]:
        """The keys of all stored records that begin with `prefix`, in order."""
        with self._translate_errors("read"):
            return [bytes(key).decode() for (key,) in self._query("keys", _range(prefix))]

    def remove(self, prefix: str) -> None:
        """Delete all records whose keys have this prefix."""
        with self._translate_errors("write"):
            self._query("remove", _range(prefix))

    def entries(self) -> list[StoredRecord]:
        """The metadata of each stored record, in the order of the keys."""
        with self._translate_errors("read"):
            rows = self._query("entries", ())
            self.server_wall = rows[0][3] if rows else None
            return [StoredRecord(bytes(key).decode(), size, at) for key, size, at, _ in rows]

    def contents(self) -> list[tuple[str, bytes]]:
        """Each record as stored, with its key, in the order of the keys."""
        with self._translate_errors("read"):
            return [(bytes(key).decode(), bytes(record)) for key, record in self._query("contents", ())]

    def notify(self, topic: str) -> None:
        """Notify all listeners, on every machine."""
        written = topic.encode()
        with self._translate_errors("write"):
            self._query("notify", {"topic": written, "payload": written.hex()})

    def listen(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` with each topic that is notified from now on, in a thread of this state."""
        with self._translate_errors("listen to", locked=False):
            return self._listeners.add(callback)

    def clone(self) -> PostgresState:
        """A state of the same database, with its own connections."""
        return PostgresState(self._url, migrations=self._migrations, existing=self._existing, open_now=False)

    def close(self) -> None:
        """Close the connections, and end all listening."""
        self._listeners.close()
        with self._lock:
            self._disconnect()

    def connect(self) -> Connection:
        """A new connection, which commits each statement on its own.

        Raises:
            psycopg.Error: the server cannot be reached.
        """
        return TimeoutConnection.connect(
            **self._address.parameters,  # type: ignore[arg-type] # libpq takes its parameters as texts
            autocommit=True,
            prepare_threshold=None,
            cursor_factory=psycopg.ClientCursor,
        )

    def _probe(self, payload: str) -> None:
        """Notify the probe channel, on the connection that is not listening."""
        with self._translate_errors("write"):
            self._query("probe", (payload,))

    def _open(self) -> Connection:
        if self._connection is None:
            with self._translate_errors("open", locked=False):
                connection = self.connect()
                try:
                    self.schema = self._check_schema(connection)
                except BaseException:
                    connection.close()
                    raise
            self._connection = connection
        return self._connection

    def _check_schema(self, connection: Connection) -> Schema:
        if not self._existing:
            return postgres_schema.migrate(connection, self._migrations, name=self.name)
        schema = postgres_schema.read_schema(connection, name=self.name)
        if not schema.version:
            raise StateError(f"{self.name} has no Callwell state yet: no client has used it")
        check_complete(schema, self._migrations, name=self.name)
        return schema

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
        self._connection = None

    def _retry_once(self, act: Callable[[Connection], T]) -> T:
        """Use the connection, and retry on a new one if it was broken or now leads to a standby."""
        was_open = self._connection is not None
        try:
            return act(self._open())
        except (psycopg.OperationalError, errors.ReadOnlySqlTransaction) as error:
            is_broken = self._connection is not None and self._connection.closed
            if not was_open or not (is_broken or isinstance(error, errors.ReadOnlySqlTransaction)):
                self._roll_back()
                raise
        except BaseException:
            self._roll_back()
            raise
        self._disconnect()
        return act(self._open())

    def _query(self, name: str, arguments: Any) -> list[tuple[Any, ...]]:
        """The rows of a query that may run twice."""

        def run(connection: Connection) -> list[tuple[Any, ...]]:
            with connection.execute(QUERIES[name], arguments) as cursor:
                return cursor.fetchall() if cursor.description else []

        return self._retry_once(run)

    def _begin_update(self, connection: Connection, key: bytes) -> bytes | None:
        """Begin a transaction, and lock a row; returns its record, or None if there was none."""
        row = _last_row(connection, f"{QUERIES['begin']}; {QUERIES['lock']}", (key,))
        while row[0] is None:
            with connection.execute(QUERIES["reserve"], (key,)) as cursor:
                reserved = cursor.fetchone()
            if reserved is not None:
                self.server_wall = reserved[0]
                break
            row = _last_row(connection, QUERIES["lock"], (key,))
        else:
            self.server_wall = row[1]
        check_needs(row[2], self._migrations, name=self.name)
        record: bytes | None = row[0]
        return record

    def _commit(self, connection: Connection, key: bytes, after: bytes | None) -> None:
        if after is None:
            connection.execute(f"{QUERIES['delete']}; {QUERIES['commit']}", (key,))
        else:
            connection.execute(f"{QUERIES['write']}; {QUERIES['commit']}", (after, key))

    def _commit_again(self, key: bytes, before: bytes | None, after: bytes | None) -> None:
        """Find out whether a change was committed when the connection broke, and make it if it was not."""
        self._disconnect()
        connection = self._open()
        found = self._begin_update(connection, key)
        if found == before:
            self._commit(connection, key, after)
        elif found == after:
            self._roll_back()
        else:
            unknown = StateError(
                f"cannot write the state {self.name}: the connection broke during a commit, and others have changed "
                "the record since, so it is unknown whether the change was made; run the same again"
            )
            unknown.may_pass = True  # an exchange of permits is sent again, but counts only once
            raise unknown

    def _roll_back(self) -> None:
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        except psycopg.Error:
            self._disconnect()

    @contextmanager
    def _translate_errors(self, verb: str, *, locked: bool = True) -> Iterator[None]:
        try:
            if not locked:
                yield
                return
            with self._lock:
                yield
        except psycopg.Error as error:
            raise explain_error(self._address, verb, error) from None  # psycopg's text may contain the password


def _range(prefix: str) -> tuple[bytes, bytes]:
    return prefix.encode(), (prefix + LAST_CHARACTER).encode()


def _last_row(connection: Connection, query: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The row of the last of several statements, sent in one round trip."""
    with connection.execute(query, arguments) as cursor:
        while cursor.nextset():
            pass
        row = cursor.fetchone()
    if row is None:
        raise psycopg.InternalError("a query that always has a row had none")
    return row
