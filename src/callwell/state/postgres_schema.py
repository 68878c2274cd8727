# SPDX-License-Identifier: Apache-2.0
"""The tables of a state in PostgreSQL, and the migrations that create them."""

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
"""All migrations, in order. A released migration is never changed; see `migrations` for what it may do."""


def migrate(connection: Connection, migrations: Sequence[Migration], *, name: str) -> Schema:
    """Perform the migrations that a database needs; concurrent processes take turns.

    Args:
        connection: an open connection in autocommit mode.
        migrations: all migrations that the code knows.
        name: the database's name in messages.

    Returns:
        The resulting schema.

    Raises:
        StateError: the code is too old, or the tables are another program's.
        psycopg.Error: a migration failed and was rolled back.
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
    """The schema version that the database records.

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
