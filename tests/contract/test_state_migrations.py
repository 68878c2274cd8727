# SPDX-License-Identifier: Apache-2.0
"""Two versions of the code at work on one state: a migration that only adds stops no process, a greater one the old."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from callwell.errors import StateError
from callwell.state import open_state, postgres_schema, sqlite
from callwell.state.base import Cell
from callwell.state.migrations import Migration, Schema, pending
from callwell.state.postgres import PostgresState
from callwell.state.sqlite import SqliteState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

COUNT = Cell("count", int, 0)

COUNTING = """
import sys
from callwell.state import open_state
from callwell.state.base import Cell
state = open_state(sys.argv[1])
print(flush=True)
for _ in sys.stdin:
    print(state.update(Cell("count", int, 0), lambda count: (count + 1, count + 1)), flush=True)
"""


def _add(connection: Any) -> None:
    table = "cells" if isinstance(connection, sqlite3.Connection) else "callwell_cells"
    connection.execute(f"ALTER TABLE {table} ADD COLUMN later INTEGER")


def _nothing(connection: Any) -> None:
    del connection


class Store:
    """One kind of store, opened by code that knows more migrations than ours."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.migrations = sqlite.MIGRATIONS if url.startswith("sqlite") else postgres_schema.MIGRATIONS
        self.known = self.migrations[-1].version

    def open(self, migrations: Sequence[Migration]) -> SqliteState | PostgresState:
        """As code would that knows these migrations."""
        if self.url.startswith("sqlite"):
            return SqliteState(self.url.removeprefix("sqlite:///"), migrations=migrations)
        return PostgresState(self.url, migrations=migrations)

    @property
    def adding(self) -> tuple[Migration, ...]:
        """One more migration, which older code does not notice."""
        return (*self.migrations, Migration(self.known + 1, self.migrations[-1].needs, _add))

    @property
    def breaking(self) -> tuple[Migration, ...]:
        """And one that older code must not survive."""
        return (*self.adding, Migration(self.known + 2, self.known + 2, _nothing))


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store of each kind."""
    if request.param == "postgresql":
        return Store(request.getfixturevalue("postgres_url"))
    return Store(f"sqlite:///{tmp_path / 'state.db'}")


@pytest.fixture
def old(store: Store) -> Iterator[subprocess.Popen[str]]:
    """A process of today's version, which counts when it gets a line."""
    command = [sys.executable, "-c", COUNTING, store.url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload] # a mapping
        assert process.stdout.readline() == "\n"
        yield process
        process.kill()


def _ask(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_two_versions_at_work(store: Store, old: subprocess.Popen[str]) -> None:
    """They take turns while one migrates; a migration that the old one must not survive stops it before it writes."""
    assert _ask(old) == "1"
    new = store.open(store.adding)
    assert new.schema == Schema(store.known + 1, store.migrations[-1].needs)
    for count in (2, 4, 6):
        assert new.update(COUNT, lambda count: (count + 1, count + 1)) == count
        assert _ask(old) == f"{count + 1}"
    open_state(store.url).close()  # the old one may even be started anew
    newest = store.open(store.breaking)
    assert _ask(old) == ""
    assert old.stderr is not None
    last_line = old.stderr.read().strip().splitlines()[-1]
    assert f"was written by a newer version of Callwell (schema {store.known + 2}, this one knows" in last_line
    with pytest.raises(StateError, match="was written by a newer version of Callwell"):
        open_state(store.url)
    with pytest.raises(StateError, match="was written by a newer version of Callwell"):
        new.update(COUNT, lambda count: (count + 1, None))
    assert newest.read(COUNT) == 7
    new.close()
    newest.close()


def test_many_migrate_at_once(store: Store) -> None:
    """Each migration is carried out once, whoever is first."""
    open_state(store.url).close()
    opened: list[SqliteState | PostgresState] = []
    threads = [threading.Thread(target=lambda: opened.append(store.open(store.breaking))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [state.schema for state in opened] == [Schema(store.known + 2, store.known + 2)] * 6
    for state in opened:
        state.close()


def test_a_step_that_fails_changes_nothing(store: Store) -> None:
    """The next one who opens the store tries it again."""

    def fail(connection: Any) -> None:
        _add(connection)
        connection.execute("SELECT * FROM nowhere")

    open_state(store.url).close()
    with pytest.raises(StateError):
        store.open((*store.migrations, Migration(store.known + 1, 1, fail)))
    store.open(store.adding).close()


def test_a_file_of_the_first_version(tmp_path: Path) -> None:
    """It lacks times and the table of migrations: it gets them, and the old code, which writes no times, goes on."""
    path = tmp_path / "state.db"
    state = SqliteState(str(path))
    state.update(COUNT, lambda count: (count + 1, None))
    state.close()
    direct = sqlite3.connect(path, isolation_level=None)
    direct.executescript("DROP TABLE steps; ALTER TABLE cells DROP COLUMN changed_at")
    migrated = SqliteState(str(path))
    assert migrated.schema == Schema(2, 1)
    assert [entry.changed_at for entry in migrated.entries()] == [None]
    insert = (
        "INSERT INTO cells (key, value) VALUES ('old', x'00') ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    )
    direct.execute(insert)
    direct.close()
    migrated.update(COUNT, lambda count: (count + 1, None))
    count, old = migrated.entries()
    assert (count.key, old.key, old.changed_at) == ("count", "old", None)
    assert count.changed_at is not None
    migrated.close()


def test_steps_that_a_store_lacks() -> None:
    """Those above its version; none of a store that needs newer code."""
    migrations = [Migration(number, 1, _nothing) for number in (1, 2, 3)]
    assert pending(Schema(0, 0), migrations, name="x") == migrations
    assert pending(Schema(2, 1), migrations, name="x") == migrations[2:]
    assert pending(Schema(9, 3), migrations, name="x") == []
    with pytest.raises(
        StateError, match=r"^x was written by a newer version of Callwell \(schema 4, this one knows 3\)"
    ):
        pending(Schema(9, 4), migrations, name="x")


def test_the_steps_of_this_version() -> None:
    """They count up from 1, and none needs more than itself."""
    for migrations in (sqlite.MIGRATIONS, postgres_schema.MIGRATIONS):
        assert [migration.version for migration in migrations] == list(range(1, len(migrations) + 1))
        assert all(migration.needs <= migration.version for migration in migrations)
