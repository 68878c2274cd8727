# SPDX-License-Identifier: Apache-2.0
"""The tables of a state in PostgreSQL, and the migrations that made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg

from callwell.errors import StateError
from callwell.state.migrations import Migration, Schema, pending
from callwell.state.postgres_connection import QUERIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.state.postgres_connection import Connection


def _create(connection: Connection) -> None:
    connection.execute(QUERIES["create"])


MIGRATIONS: Final = (Migration(1, 1, _create),)
"""All migrations, in order. A migration is never changed once it was released; see `migrations` for what it may do."""


def migrate(connection: Connection, migrations: Sequence[Migration], *, name: str) -> Schema:
    """Carry out the migrations that a database lacks; processes that do so at once take turns.

    Args:
        connection: open, with each statement committed on its own.
        migrations: all that the code knows.
        name: the database, as messages have it.

    Returns:
        The schema as it is now.

    Raises:
        StateError: the code is too old, or the tables are another program's.
        psycopg.Error: a migration failed, and nothing of it was done.
    """
    schema = read_schema(connection, name=name)
    if not pending(schema, migrations, name=name):
        return schema
    try:
        connection.execute(QUERIES["begin_migration"])
        connection.execute(QUERIES["create_schema"])
        schema = read_schema(connection, name=name)  # another process may have been first
        for migration in pending(schema, migrations, name=name):
            migration.apply(connection)
            connection.execute(QUERIES["add_step"], (migration.version, migration.needs))
        connection.execute(QUERIES["commit"])
    except BaseException:
        connection.rollback()
        raise
    return read_schema(connection, name=name)


def read_schema(connection: Connection, *, name: str) -> Schema:
    """What the database says of its tables.

    Raises:
        StateError: there are tables of these names that Callwell did not make.
    """
    has_schema, has_cells = connection.execute(QUERIES["has_tables"]).fetchone() or (False, False)
    if not has_schema:
        if has_cells:
            raise StateError(
                f"{name} has a table callwell_cells of another program; name another database with --state"
            )
        return Schema(0, 0)
    try:
        version, needs = connection.execute(QUERIES["schema"]).fetchone() or (0, 0)
    except psycopg.errors.UndefinedColumn:
        raise StateError(
            f"{name} has a table callwell_schema of another program; name another database with --state"
        ) from None
    return Schema(version, needs)
