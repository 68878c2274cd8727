# SPDX-License-Identifier: Apache-2.0
"""The circuit breaker: a provider that failed ten times in a row gets no requests for a while.

::

               10 failures in a row                  its time is over
        CLOSED ────────────────────> OPEN (5 s, 10 s … 60 s) ────> HALF-OPEN: one trial at a time
           ^                           ^                             │      │
           └───────────────────────────┼──────── success ────────────┘      │
                                       └──────── failure ───────────────────┘

A failure is a 5xx or no response at all. A 429 is not: the provider is alive to send it. An open breaker is a wait like
any other: a call with time to wait joins the queue, and any other fails immediately with the time to come back.
Failures of requests that were in flight when it opened do not lengthen the time.
"""

from __future__ import annotations

from math import inf
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

FAILURE_THRESHOLD: Final = 10
"""Consecutive failures that open it: more than one bad moment with a few calls in flight can cause."""

FIRST_OPEN_S: Final = 5.0
"""Seconds for which it is open the first time (Polly's default); doubled each time after that."""

MAX_OPEN_S: Final = 60.0
"""The upper limit: a provider that has recovered is found within a minute."""

MAX_DOUBLINGS: Final = 31
"""Doublings after which the time no longer grows, so that an old record cannot overflow it."""


class Breaker(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The breaker of one account. Stored by position.

    Attributes:
        failures: consecutive failures.
        openings: consecutive openings.
        open_until: when the current opening ends.
        trial_until: the latest time at which a trial, which shows whether the provider is back, can be in flight.
    """

    failures: int = 0
    openings: int = 0
    open_until: float = -inf
    trial_until: float = -inf


CLOSED: Final = Breaker()


def available_at(breaker: Breaker, now: float) -> float:
    """When the next attempt may be made; no later than `now` if it may be made immediately."""
    if breaker.failures < FAILURE_THRESHOLD:
        return now
    return max(breaker.open_until, breaker.trial_until)


def is_half_open(breaker: Breaker, now: float) -> bool:
    """Whether the next attempt is a trial, or one is in flight."""
    return breaker.failures >= FAILURE_THRESHOLD and now >= breaker.open_until


def admit(breaker: Breaker, now: float, hold_s: float) -> Breaker:
    """The breaker after an attempt was admitted.

    Args:
        breaker: the breaker.
        now: monotonic seconds.
        hold_s: the longest that the attempt can take.
    """
    return replace(breaker, trial_until=now + hold_s) if is_half_open(breaker, now) else breaker


def release(breaker: Breaker) -> Breaker:
    """The breaker after an admitted attempt ended without showing anything about the provider."""
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
    """The breaker with `by` seconds added to its times, for a record whose clock has another origin."""
    return replace(breaker, open_until=breaker.open_until + by, trial_until=breaker.trial_until + by)
