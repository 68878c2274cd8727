# SPDX-License-Identifier: Apache-2.0
"""Checks, without writing, whether a role may keep a state in a PostgreSQL database."""

from __future__ import annotations

import psycopg

from callwell.state.postgres_errors import NO_PRIVILEGES, explain_error
from callwell.state.postgres_url import parse
from callwell.state.queries import load_queries


def find_write_problem(url: str) -> str:
    """Why a state cannot be written, and what to do; empty if it can.

    Args:
        url: as for `PostgresState`.

    Raises:
        InvalidOption: the URL is invalid.
        StateError: the database cannot be queried.
    """
    address = parse(url)
    query = load_queries("postgres_queries.sql")["rights"]
    try:
        with psycopg.connect(**address.parameters, autocommit=True) as connection:  # type: ignore[arg-type] # as strings
            row = connection.execute(query).fetchone()
    except psycopg.Error as error:
        raise explain_error(address, "examine", error) from None  # psycopg's text may contain the password
    return "" if row and row[0] else "; ".join(NO_PRIVILEGES)
