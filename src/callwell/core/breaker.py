# SPDX-License-Identifier: Apache-2.0
"""The circuit breaker: a provider that failed ten times in a row is left alone for a while.

::

               10 failures in a row                  its time is over
        CLOSED ────────────────────> OPEN (5 s, 10 s … 60 s) ────> HALF-OPEN: one trial at a time
           ^                           ^                             │      │
           └───────────────────────────┼──────── success ────────────┘      │
                                       └──────── failure ───────────────────┘

A failure is a 5xx or no response at all. A 429 is not: the provider is alive to send it. An open breaker is a wait like
any other: a call with time to wait joins the queue, others learn at once when to come back. Failures of requests that
were in flight when it opened do not lengthen the time.
"""

from __future__ import annotations

from math import inf
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

FAILURE_THRESHOLD: Final = 10
"""Failures in a row that open it: more than one unlucky moment with a few calls in flight."""

FIRST_OPEN_S: Final = 5.0
"""Seconds for which it is open the first time (Polly's default); twice as many each time after that."""

MAX_OPEN_S: Final = 60.0
"""The most of those: a provider that is back is found within a minute."""

MAX_DOUBLINGS: Final = 31
"""Doublings after which the time no longer grows, so that a record can be as old as it likes without overflow."""


class Breaker(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The breaker of one account. Stored by position.

    Attributes:
        failures: in a row.
        openings: in a row.
        open_until: when the present opening is over.
        trial_until: the latest time at which a trial, which shows whether the provider is back, can be in flight.
    """

    failures: int = 0
    openings: int = 0
    open_until: float = -inf
    trial_until: float = -inf


CLOSED: Final = Breaker()


def available_at(breaker: Breaker, now: float) -> float:
    """When the next attempt may be made: no later than `now` if at once."""
    if breaker.failures < FAILURE_THRESHOLD:
        return now
    return max(breaker.open_until, breaker.trial_until)


def is_half_open(breaker: Breaker, now: float) -> bool:
    """Whether the next attempt is a trial, or one is in flight."""
    return breaker.failures >= FAILURE_THRESHOLD and now >= breaker.open_until


def admit(breaker: Breaker, now: float, hold_s: float) -> Breaker:
    """The breaker after an attempt was let through.

    Args:
        breaker: the breaker.
        now: monotonic seconds.
        hold_s: the longest that the attempt can take.
    """
    return replace(breaker, trial_until=now + hold_s) if is_half_open(breaker, now) else breaker


def release(breaker: Breaker) -> Breaker:
    """The breaker after an attempt that was let through ended without saying anything about the provider."""
    return breaker if breaker.trial_until == -inf else replace(breaker, trial_until=-inf)


def record_attempt(breaker: Breaker, now: float, *, failed: bool) -> Breaker:
    """The breaker after an attempt has ended.

    Args:
        breaker: the breaker.
        now: monotonic seconds.
        failed: there was no response, or a 5xx.
    """
    if not failed:
        return CLOSED if breaker.failures else breaker
    if breaker.failures >= FAILURE_THRESHOLD and now < breaker.open_until:
        return breaker
    failures = breaker.failures + 1
    if failures < FAILURE_THRESHOLD:
        return replace(breaker, failures=failures)
    open_s = min(MAX_OPEN_S, FIRST_OPEN_S * 2.0 ** min(breaker.openings, MAX_DOUBLINGS))
    return Breaker(failures=failures, openings=breaker.openings + 1, open_until=now + open_s)


def shift(breaker: Breaker, by: float) -> Breaker:
    """The breaker with `by` seconds added to its times, for a record of a clock that began elsewhere."""
    return replace(breaker, open_until=breaker.open_until + by, trial_until=breaker.trial_until + by)
