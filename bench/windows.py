# SPDX-License-Identifier: Apache-2.0
"""What a server's record of arrivals says about a quota: the fullest window of any alignment, and how much was used."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def fullest(arrivals: Sequence[float], window_s: float) -> int:
    """How many arrivals the fullest window holds, wherever it begins.

    Args:
        arrivals: seconds, in order.
        window_s: the window's length; two arrivals that far apart are not in one window.
    """
    most = 0
    first = 0
    for last, at in enumerate(arrivals):
        while at - arrivals[first] >= window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def used_share(arrivals: Sequence[float], limit: int, window_s: float, begin: float, end: float) -> float:
    """Arrivals of a span of time over those that the quota allows in it.

    Args:
        arrivals: seconds, in order.
        limit: arrivals that are allowed in a window.
        window_s: the window's length in seconds.
        begin: of the span, in seconds.
        end: of the span.
    """
    within = bisect_left(arrivals, end) - bisect_left(arrivals, begin)
    return within / (limit * (end - begin) / window_s)
