# SPDX-License-Identifier: Apache-2.0
"""What the PostgreSQL modules share: the connection class, the queries, and handling of forks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import psycopg

from callwell.state.queries import load_queries

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

QUERIES: Final = load_queries("postgres_queries.sql")

RESPONSE_TIMEOUT_S: Final = 40.0
"""Seconds without a response after which a connection is given up: a row may be locked for 30 s (`begin`). A network
that loses packets is noticed sooner (`postgres_url`), but a server or a pooler that is up but unresponsive is not."""

_INHERITED: Final[list[Connection]] = []
"""Connections of the parent process: closing one here, or garbage-collecting it, would end the parent's session."""


class TimeoutConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that is closed with an error if its server does not respond for `RESPONSE_TIMEOUT_S`."""

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **named: Any) -> T:
        """Wait for a result as psycopg does, which resumes the generator ten times a second."""
        return super().wait(self._with_timeout(gen), *args, **named)

    def _with_timeout(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        until = time.monotonic() + RESPONSE_TIMEOUT_S
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready:
                    until = now + RESPONSE_TIMEOUT_S
                elif now >= until:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"the server has not answered for {RESPONSE_TIMEOUT_S:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result


def leave_to_parent(connection: Connection | None) -> None:
    """Keep a connection inherited through a fork, and never close it in this process."""
    if connection is not None:
        _INHERITED.append(connection)
