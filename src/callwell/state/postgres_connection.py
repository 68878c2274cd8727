# SPDX-License-Identifier: Apache-2.0
"""What all that talks to PostgreSQL shares: a connection's type, the queries, and connections across a fork."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import psycopg

from callwell.state.queries import load_queries

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

QUERIES: Final = load_queries("postgres_queries.sql")

_PARENTS: Final[list[Connection]] = []
"""Connections of the parent process: closing one here, or collecting it as garbage, would end the parent's session."""


def leave_to_parent(connection: Connection | None) -> None:
    """Keep a connection that came with a fork, and never close it in this process."""
    if connection is not None:
        _PARENTS.append(connection)
