# SPDX-License-Identifier: Apache-2.0
"""Was the quota kept, and was it used: pure arithmetic over times of arrival.

    arrivals   |││  │   |││││    |│
    windows    |<──────>|<──────>|<──── …     laid end to end from the first arrival
    waits         ▒▒▒                         times in which the server had asked to wait, or the clock jumped

Used = arrivals in the whole windows / what the quota allowed in them, waits left out.
"""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callwell.emulator.quota import Limit


def count_over_quota(arrivals: Sequence[float], limit: Limit) -> int:
    """Count arrivals that made some span of `limit.window_s`, however aligned, hold more than the limit.

    Args:
        arrivals: times in clock seconds, ascending.
        limit: the quota. Two arrivals exactly one window apart are never in one span.
    """
    later = arrivals[limit.max_requests :]
    return sum(late - early < limit.window_s for early, late in zip(arrivals, later, strict=False))


def share_of_quota_used(arrivals: Sequence[float], limit: Limit, waits: Iterable[tuple[float, float]]) -> float | None:
    """Return the share of the quota that was used while there was work.

    Windows before that of the last arrival count, because more work was waiting in them. Time in which the server had
    asked the client to wait is left out.

    Args:
        arrivals: times in clock seconds, ascending.
        limit: the quota.
        waits: start and end of each time that the client could not use, clock seconds.

    Returns:
        Arrivals over what the quota allowed; None if the work fitted one window, or waits filled the time.
    """
    if not arrivals:
        return None
    first = arrivals[0]
    windows = floor((arrivals[-1] - first) / limit.window_s)
    end = first + windows * limit.window_s
    usable_s = windows * limit.window_s - _covered_s(waits, first, end)
    if usable_s <= 0.0:
        return None
    allowed = limit.max_requests * usable_s / limit.window_s
    return sum(arrival < end for arrival in arrivals) / allowed


def _covered_s(intervals: Iterable[tuple[float, float]], start: float, end: float) -> float:
    """Return the length of the union of `intervals` between `start` and `end`."""
    covered_s = 0.0
    reached = start
    for interval_start, interval_end in sorted(intervals):
        clipped_start = max(interval_start, reached)
        clipped_end = min(interval_end, end)
        if clipped_end > clipped_start:
            covered_s += clipped_end - clipped_start
            reached = clipped_end
    return covered_s
