# SPDX-License-Identifier: Apache-2.0
"""How far the provider's clock is ahead of the monotonic clock of this machine, by the `Date` of its responses.

A `Date` of d means that the server's clock stood in [d, d + 1) when it answered: after the request was sent, and before
the response was received::

    monotonic   sent ────────────────────── received      ahead by more than  d - received
    server               [d ─── d + 1)                    and by less than    d + 1 - sent

Each response gives such an interval. The offset is in all of them, so they are intersected. Two clocks drift, so a
known interval widens with time. If the intersection is empty, one of the clocks was set, and only the newest interval
counts. The machine's own time of day is not used: it may be wrong or jump without harm.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from callwell.core.quota.resets import STRETCH

MAX_DRIFT: Final = STRETCH - 1.0
"""How far two clocks may drift apart, in seconds per second."""

DATE_RESOLUTION_S: Final = 1.0
"""The resolution of a `Date`, in seconds (RFC 9110, 5.6.7)."""


class ClockOffset(NamedTuple):
    """By how many seconds a server's clock is ahead of the monotonic one.

    Attributes:
        low: the lower bound.
        high: the upper bound.
        known_at: when that was known, in monotonic seconds.
    """

    low: float
    high: float
    known_at: float


def observe(offset: ClockOffset | None, date_at: float, sent_at: float, received_at: float) -> ClockOffset:
    """What is known after one more answer.

    Args:
        offset: what was known before.
        date_at: the response's `Date`, in seconds since the epoch.
        sent_at: when its request left, in monotonic seconds.
        received_at: when it arrived.
    """
    return narrow(
        offset, ClockOffset(low=date_at - received_at, high=date_at + DATE_RESOLUTION_S - sent_at, known_at=received_at)
    )


def narrow(offset: ClockOffset | None, fresh: ClockOffset) -> ClockOffset:
    """What is known when both are true; the newer one alone if they contradict each other."""
    if offset is None:
        return fresh
    known = widen(offset, fresh.known_at)
    low = max(known.low, fresh.low)
    high = min(known.high, fresh.high)
    return ClockOffset(low, high, fresh.known_at) if low <= high else fresh


def widen(offset: ClockOffset, now: float) -> ClockOffset:
    """What is still known at `now`."""
    drift_s = MAX_DRIFT * max(0.0, now - offset.known_at)
    return ClockOffset(low=offset.low - drift_s, high=offset.high + drift_s, known_at=max(now, offset.known_at))


def clock_error_s(offset: ClockOffset, now: float, wall_s: float) -> float:
    """By how many seconds this machine's time of day is certainly behind the server's (ahead, if below zero).

    Args:
        offset: what is known.
        now: monotonic seconds.
        wall_s: this machine's time of day, in seconds since the epoch.
    """
    low, high, _ = widen(offset, now)
    behind_s = now + low - wall_s
    if behind_s > 0.0:
        return behind_s
    return min(0.0, now + high - wall_s)
