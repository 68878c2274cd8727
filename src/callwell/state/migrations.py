# SPDX-License-Identifier: Apache-2.0
"""Migrations between versions of a store's schema, safe while two versions of Callwell use the store.

During a rolling update, old and new processes run at the same time. So a migration must not surprise a process that has
the store open. A migration has two numbers: its own, and the oldest version that code must know to work with the store
afterwards (`needs`). A migration that only adds things that older code ignores has the same `needs` as the one before
it. The store records both numbers, and each change of a record reads `needs` again: as soon as a migration is too new
for the running code, that code stops with one clear message, before it writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Migration(NamedTuple):
    """One step of a schema from a version to the next.

    Attributes:
        version: the schema's version after it; versions count from 1.
        needs: the oldest version that code must know to use the store afterwards.
        apply: performs it on an open connection, within a transaction.
    """

    version: int
    needs: int
    apply: Callable[[Any], None]


class Schema(NamedTuple):
    """The schema version that a store records.

    Attributes:
        version: the version of its last migration; 0 if there was none.
        needs: the oldest version that code must know.
    """

    version: int
    needs: int


def check_needs(needs: int, migrations: Sequence[Migration], *, name: str) -> None:
    """Refuse a store that needs newer code.

    Args:
        needs: the oldest version that code must know.
        migrations: all migrations that the code knows.
        name: the store's name in messages.

    Raises:
        StateError: the code is too old.
    """
    known = migrations[-1].version
    if needs > known:
        raise StateError(
            f"{name} was written by a newer version of Callwell (schema {needs}, this one knows {known}); update "
            "Callwell, or name another with --state"
        )


def pending(schema: Schema, migrations: Sequence[Migration], *, name: str) -> list[Migration]:
    """The migrations that a store needs.

    Raises:
        StateError: the code is too old for the store.
    """
    check_needs(schema.needs, migrations, name=name)
    return [migration for migration in migrations if migration.version > schema.version]


def check_complete(schema: Schema, migrations: Sequence[Migration], *, name: str) -> None:
    """Refuse a store that needs migrations, if none may be performed.

    Args:
        schema: the store's schema version.
        migrations: all migrations that the code knows.
        name: the store's name in messages.

    Raises:
        StateError: it has an older version, or the code is too old for it.
    """
    if pending(schema, migrations, name=name):
        raise StateError(
            f"{name} was written by an older version of Callwell (schema {schema.version}, this one knows "
            f"{migrations[-1].version}); the next client that uses it updates it"
        )
