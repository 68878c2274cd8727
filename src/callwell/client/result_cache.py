# SPDX-License-Identifier: Apache-2.0
"""Caches results, so that the same request is not sent and billed again.

The key of a result is a digest of everything that determines it: method, path, body and the operation's own headers.
The end user does not determine it, and is not part of the digest.
"""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from callwell.client.calls.responses import Answer
from callwell.client.retention import Retention
from callwell.state.base import DELETE, Cell

if TYPE_CHECKING:
    from callwell.client.calls.binding import BoundRequest
    from callwell.clock import Clock
    from callwell.state.base import State

MAX_AGE_S: Final = 90 * 86_400.0
"""Seconds for which a result is kept: a quarter, after which most providers have changed their models."""

MAX_RESULTS: Final = 100_000
"""Results kept per account: a compressed report takes about 2 kB, so these take 200 MB."""

OK_STATUS: Final = 200
"""The status of every cached result: only successes are kept, without their status."""


class CachedResult(NamedTuple):
    """One result.

    Attributes:
        body: the compressed body; empty if nothing is kept.
        at_wall: when it was received, in seconds since the epoch.
    """

    body: bytes = b""
    at_wall: float = 0.0


class ResultCache:
    """The results of one account.

    Args:
        account: the account's name in the state.
        state: holds the results.
        clock: the clock for their age.
        max_results: the most results that are kept.
    """

    def __init__(self, account: str, state: State, clock: Clock, *, max_results: int = MAX_RESULTS) -> None:
        self._records = f"remember:{account}:"
        self._state = state
        self._clock = clock
        self._retention = Retention(
            f"remember-old:{account}:",
            self._delete_old,
            state=state,
            clock=clock,
            max_age_s=MAX_AGE_S,
            max_records=max_results,
        )

    def get(self, key: str) -> Answer | None:
        """The cached response to a request, without headers and with 0 attempts; None if there is none.

        Args:
            key: the request's `cache_key`.
        """
        cached = self._state.read(self._cell(key))
        if not cached.body or cached.at_wall < self._clock.wall() - MAX_AGE_S:
            return None
        body = zlib.decompress(cached.body)
        return Answer(OK_STATUS, {}, body, msgspec.json.decode(body), attempts=0)

    def put(self, key: str, answer: Answer) -> None:
        """Cache a response.

        Args:
            key: the request's `cache_key`.
            answer: a success with a complete body.
        """
        cached = CachedResult(body=zlib.compress(answer.body), at_wall=self._clock.wall())
        self._state.update(self._cell(key), lambda _old: (cached, None))
        self._retention.add(key, cached.at_wall)

    def sweep(self) -> None:
        """Remove results that are too old, and the oldest if there are too many."""
        self._retention.sweep()

    def _delete_old(self, key: str, cached_at_wall: int) -> None:
        """Remove a result, unless it was cached again in the meantime: see `Retention`."""

        def change(cached: CachedResult) -> tuple[CachedResult, None]:
            is_old = not cached.body or int(cached.at_wall) == cached_at_wall
            return (DELETE if is_old else cached), None

        self._state.update(self._cell(key), change)

    def _cell(self, key: str) -> Cell[CachedResult]:
        return Cell(key=f"{self._records}{key}", type=CachedResult, empty=CachedResult(), damaged=CachedResult())


def cache_key(bound: BoundRequest) -> str:
    """The digest of everything that determines a request's result."""
    digest = sha256(f"{bound.method} {bound.target}\n".encode())
    for name, value in bound.headers:
        digest.update(f"{name}: {value}\n".encode())
    digest.update(b"\n")
    for chunk in bound.body_chunks():
        digest.update(chunk)
    return digest.hexdigest()
