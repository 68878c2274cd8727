# SPDX-License-Identifier: Apache-2.0
"""Was the quota kept, and was it used: pure arithmetic over times of arrival."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callwell.emulator.quota import Limit


def count_over_quota(arrivals: Sequence[float], limit: Limit) -> int:
    """How many arrivals made some window of `limit.window_s`, however aligned, hold more than `limit.most`.

    Args:
        arrivals: times in clock seconds, ascending.
        limit: the quota. Two arrivals exactly one window apart are never in one window.
    """
    return sum(
        late - early < limit.window_s for early, late in zip(arrivals, arrivals[limit.max_requests :], strict=False)
    )


def share_of_quota_used(arrivals: Sequence[float], limit: Limit, waits: Iterable[tuple[float, float]]) -> float | None:
    """The share of the quota that was used while work was waiting.

    Windows are laid end to end from the first arrival on. Those before the window of the last arrival count, for in
    them there was more to do. Time in which the server had told the client to wait is not held against it.

    Args:
        arrivals: times in clock seconds, ascending.
        limit: the quota.
        waits: from when until when the server had told the client to wait, clock seconds.

    Returns:
        Arrivals over what the quota allowed in that time; None if the work fitted one window, or waiting filled it all.
    """
    if not arrivals:
        return None
    first = arrivals[0]
    windows = floor((arrivals[-1] - first) / limit.window_s)
    end = first + windows * limit.window_s
    time_s = windows * limit.window_s - _covered_s(waits, first, end)
    if time_s <= 0.0:
        return None
    return sum(arrival < end for arrival in arrivals) / (limit.max_requests * time_s / limit.window_s)


def _covered_s(intervals: Iterable[tuple[float, float]], start: float, end: float) -> float:
    """The length of the union of `intervals` between `start` and `end`."""
    covered, reached = 0.0, start
    for since, until in sorted(intervals):
        since, until = max(since, reached), min(until, end)  # noqa: PLW2901 - the clipped interval
        if until > since:
            covered += until - since
            reached = until
    return covered
