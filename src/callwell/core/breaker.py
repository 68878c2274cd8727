# SPDX-License-Identifier: Apache-2.0
"""When to stop knocking: a provider that failed ten times in a row is left alone for a while.

::

               10 failures in a row                  its time is over
        CLOSED ────────────────────> OPEN (5 s, 10 s … 60 s) ────> HALF-OPEN: one attempt at a time
           ^                           ^                             │      │
           └───────────────────────────┼──────── success ────────────┘      │
                                       └──────── failure ───────────────────┘

A failure is a 5xx or no answer at all; a 429 is none, for somebody is alive to say it. An open breaker is a wait like
any other: a call whose deadline allows it stands in line, others are told at once when to come back. Failures of
requests that were already under way when it opened do not lengthen the time.
"""

from __future__ import annotations

from math import inf
from typing import Final, NamedTuple

FAILURE_THRESHOLD: Final = 10
"""Failures that open it: more than one unlucky moment with a few calls in flight."""

FIRST_OPEN_S: Final = 5.0
"""For how long, the first time (Polly's default); twice as long each time after that."""

MAX_OPEN_S: Final = 60.0


class Breaker(NamedTuple):
    """The breaker of one account.

    Attributes:
        failures: in a row.
        openings: in a row.
        open_until: when the present opening is over.
        trial_until: until then at the latest, one attempt is under way to see whether the provider is back.
    """

    failures: int = 0
    openings: int = 0
    open_until: float = -inf
    trial_until: float = -inf


CLOSED: Final = Breaker()


def available_at(breaker: Breaker, now: float) -> float:
    """When the next attempt may be made: `now` or earlier if it may be made at once."""
    if breaker.failures < FAILURE_THRESHOLD:
        return now
    return max(breaker.open_until, breaker.trial_until)


def is_half_open(breaker: Breaker, now: float) -> bool:
    """Whether the next attempt is one to see whether the provider is back."""
    return breaker.failures >= FAILURE_THRESHOLD and now >= breaker.open_until


def admit(breaker: Breaker, now: float, hold_s: float) -> Breaker:
    """The breaker after an attempt was let through.

    Args:
        breaker: the breaker.
        now: monotonic seconds.
        hold_s: the longest that the attempt can take.
    """
    return breaker._replace(trial_until=now + hold_s) if is_half_open(breaker, now) else breaker


def release(breaker: Breaker) -> Breaker:
    """The breaker after an attempt that was let through was given up before it was sent."""
    return breaker if breaker.trial_until == -inf else breaker._replace(trial_until=-inf)


def record_attempt(breaker: Breaker, now: float, *, failed: bool) -> Breaker:
    """The breaker after an attempt has ended.

    Args:
        breaker: the breaker.
        now: monotonic seconds.
        failed: there was no answer, or a 5xx.
    """
    if not failed:
        return CLOSED if breaker.failures else breaker
    if breaker.failures >= FAILURE_THRESHOLD and now < breaker.open_until:
        return breaker
    failures = breaker.failures + 1
    if failures < FAILURE_THRESHOLD:
        return breaker._replace(failures=failures)
    openings = breaker.openings + 1
    pause = min(MAX_OPEN_S, FIRST_OPEN_S * 2.0 ** (min(openings, 32) - 1))
    return Breaker(failures, openings, now + pause)


def shift(breaker: Breaker, by: float) -> Breaker:
    """The breaker with its times moved, for a record of a clock that began elsewhere."""
    return breaker._replace(open_until=breaker.open_until + by, trial_until=breaker.trial_until + by)
