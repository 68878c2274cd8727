# SPDX-License-Identifier: Apache-2.0
"""Results that are remembered, so that the same request is not sent, and billed, again.

A result is kept under the digest of all that decides it: method, path, body and the operation's own headers. The end
user is none of that. It is forgotten after `KEPT_S`, and sooner if there are more than `MOST` of an account.
"""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from callwell.client.calls.responses import Answer
from callwell.client.retention import Retention
from callwell.state.base import Cell

if TYPE_CHECKING:
    from callwell.client.calls.binding import BoundRequest
    from callwell.clock import Clock
    from callwell.state.base import State

MAX_AGE_S: Final = 90 * 86_400.0
"""For how long a result is remembered."""

MAX_RESULTS: Final = 100_000
"""How many of them, for one account: packed, a report has some two thousand bytes."""

OK_STATUS: Final = 200


class CachedResult(NamedTuple):
    """One result.

    Attributes:
        body: of the answer, packed; empty where nothing was kept.
        at: when it came, in seconds since the epoch.
    """

    body: bytes = b""
    at: float = 0.0


class ResultCache:
    """The results of one account.

    Args:
        account: its name in the state.
        state: where they are.
        clock: whose time of day is noted.
        most: how many are kept.
    """

    def __init__(self, account: str, state: State, clock: Clock, *, most: int = MAX_RESULTS) -> None:
        self._records = f"remember:{account}:"
        self._state, self._clock = state, clock
        index = f"remember-old:{account}:"
        self._fading = Retention(
            self._records, index, self._kept_at, state=state, clock=clock, kept_s=MAX_AGE_S, most=most
        )

    def find(self, mark: str) -> Answer | None:
        """The answer to a request, as far as it is remembered: without headers, and it took no attempt.

        Args:
            mark: the request's digest.
        """
        kept = self._state.read(self._cell(mark))
        if not kept.body or kept.at < self._clock.wall() - MAX_AGE_S:
            return None
        body = zlib.decompress(kept.body)
        return Answer(OK_STATUS, {}, body, msgspec.json.decode(body), attempts=0)

    def keep(self, mark: str, answer: Answer) -> None:
        """Remember an answer.

        Args:
            mark: the request's digest.
            answer: a success whose body is whole.
        """
        kept = CachedResult(zlib.compress(answer.body), self._clock.wall())
        self._state.update(self._cell(mark), lambda _old: (kept, None))
        self._fading.note(mark, kept.at)

    def sweep(self) -> None:
        """Forget what is old, and the oldest of too many."""
        self._fading.sweep()

    def _kept_at(self, mark: str) -> float | None:
        kept = self._state.read(self._cell(mark))
        return kept.at if kept.body else None

    def _cell(self, mark: str) -> Cell[CachedResult]:
        return Cell(f"{self._records}{mark}", CachedResult, CachedResult(), CachedResult())


def cache_key(bound: BoundRequest) -> str:
    """What tells one request from another; on whose behalf it is made is not in it."""
    told = sha256(f"{bound.method} {bound.target}\n".encode())
    for name, value in bound.headers:
        told.update(f"{name}: {value}\n".encode())
    told.update(b"\n")
    for piece in (bound.body,) if isinstance(bound.body, bytes) else bound.body or ():
        told.update(piece)
    return told.hexdigest()
