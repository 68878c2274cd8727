# SPDX-License-Identifier: Apache-2.0
"""By how much the provider's clock is ahead of ours, as the `Date` of its responses shows.

A `Date` of d means that the server's clock showed something in [d, d + 1) when it answered: after we had sent, and
before we had received::

    ours      sent ────────────────────── received        ahead by more than  d - received
    server             [d ─── d + 1)                      and by less than    d + 1 - sent

Each response gives such an interval, and the truth is in all of them: they are intersected. Two clocks drift, so what
was known widens with time. If nothing is left, one of the clocks was set, and it begins again. The machine's own time
of day takes no part: it may be wrong or jump without harm.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from callwell.core.quota.resets import STRETCH

DRIFT: Final = STRETCH - 1.0
"""Seconds by which two clocks may come apart in a second."""

TICK_S: Final = 1.0
"""Seconds that a `Date` leaves out: it has whole ones (RFC 9110, 5.6.7)."""


class ClockSkew(NamedTuple):
    """By how many seconds a server's clock is ahead of the monotonic one.

    Attributes:
        low: at least so many.
        high: at most so many.
        at: when that was known, in monotonic seconds.
    """

    low: float
    high: float
    at: float


def observe(skew: ClockSkew | None, date_s: float, sent_at: float, received_at: float) -> ClockSkew:
    """What is known after one more answer.

    Args:
        skew: what was known before.
        date_s: the response's `Date`, in seconds since the epoch.
        sent_at: when its request left, in monotonic seconds.
        received_at: when it arrived.
    """
    fresh = ClockSkew(low=date_s - received_at, high=date_s + TICK_S - sent_at, at=received_at)
    if skew is None:
        return fresh
    known = widen(skew, received_at)
    low = max(known.low, fresh.low)
    high = min(known.high, fresh.high)
    return ClockSkew(low, high, received_at) if low <= high else fresh


def widen(skew: ClockSkew, now: float) -> ClockSkew:
    """What is still known at `now`."""
    drift_s = DRIFT * max(0.0, now - skew.at)
    return ClockSkew(low=skew.low - drift_s, high=skew.high + drift_s, at=max(now, skew.at))


def clock_error_s(skew: ClockSkew, now: float, wall_s: float) -> float:
    """By how many seconds this machine's time of day is surely behind the server's (ahead, if below zero).

    Args:
        skew: what is known.
        now: monotonic seconds.
        wall_s: this machine's time of day, in seconds since the epoch.
    """
    low, high, _ = widen(skew, now)
    behind_s = now + low - wall_s
    if behind_s > 0.0:
        return behind_s
    return min(0.0, now + high - wall_s)
