# SPDX-License-Identifier: Apache-2.0
"""The provider's clock, as the `Date` of its answers shows it.

A `Date` of d means that the server's clock showed something in [d, d + 1) when it answered, which was after we had
sent and before we had received. So the server's clock is ahead of our monotonic one by more than `d - received` and
less than `d + 1 - sent`. Each answer gives such an interval, and the truth lies in all of them: they are intersected.
Two clocks drift, so what was known widens with time. If nothing is left, one of the clocks was set anew, and it
begins again.

The machine's own time of day takes no part: it may be wrong or jump without harm.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from callwell.core.quota.resets import STRETCH

DRIFT: Final = STRETCH - 1.0
"""By how much of a second two clocks may come apart in a second."""

TICK_S: Final = 1.0
"""What a `Date` leaves out."""


class ClockSkew(NamedTuple):
    """By how much a server's clock is ahead of the monotonic one.

    Attributes:
        low: at least so much.
        high: at most so much.
        at: when that was known, in monotonic seconds.
    """

    low: float
    high: float
    at: float


def observe(skew: ClockSkew | None, date: float, sent: float, received: float) -> ClockSkew:
    """What is known after one more answer.

    Args:
        skew: what was known before.
        date: the answer's, in seconds since the epoch.
        sent: when its request left, in monotonic seconds.
        received: when it arrived.
    """
    fresh = ClockSkew(date - received, date + TICK_S - sent, received)
    if skew is None:
        return fresh
    old = widen(skew, received)
    low, high = max(old.low, fresh.low), min(old.high, fresh.high)
    return ClockSkew(low, high, received) if low <= high else fresh


def widen(skew: ClockSkew, now: float) -> ClockSkew:
    """What is still known now."""
    wider = DRIFT * max(0.0, now - skew.at)
    return ClockSkew(skew.low - wider, skew.high + wider, max(now, skew.at))


def clock_error_s(skew: ClockSkew, now: float, wall: float) -> float:
    """By how much this machine's time of day is surely behind the server's (or ahead, if below zero).

    Args:
        skew: what is known.
        now: monotonic seconds.
        wall: this machine's time of day.
    """
    low, high, _ = widen(skew, now)
    behind, ahead = now + low - wall, now + high - wall
    return behind if behind > 0.0 else min(0.0, ahead)
