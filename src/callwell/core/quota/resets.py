# SPDX-License-Identifier: Apache-2.0
"""When a server's fixed window ends according to its responses, and when that is believed.

A response says "d seconds until the reset", rounded, at some time between our sending and our receiving: the end is
between two times. Permits that were answered before the earlier one come back at the later one (see `permits`). That is
right if the response is, but servers and caches can be wrong: "1 s" in every response, or an outdated value. So

* **nothing is believed until the time was seen to count down**: a second response, to a request sent late enough that
  an unchanged value would contradict the first, still names the same end. A constant value never does, and a single
  stale response is not enough;
* **ends are W apart**: a response that names another end less than W before or after the known one contradicts it. Then
  nothing is learned from it, the known end is forgotten, and nothing is learned for a window;
* a response that took so long that it could mean either of two windows teaches nothing;
* the end is between the earliest and the latest time that any agreeing response names: a slightly stale response does
  not narrow it.

An end that is believed is used once, when its latest time has come; until then a contradiction still undoes it.
"""

from __future__ import annotations

from math import inf
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

STRETCH: Final = 1.001
"""Windows are assumed to be longer by a thousandth: twice 500 ppm, the most that each of two bad clocks may be off."""


class WindowEnd(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The end of the server's present window, in monotonic seconds. Stored by position.

    Attributes:
        earliest_at: the earliest end according to any response.
        latest_at: the latest end according to any response.
        not_before: the latest time that a response rules out as too early.
        not_after: the earliest time that a response rules out as too late.
        proven_after: an agreeing response proves the countdown if its permit was acquired after this.
        believed: the time was seen to count down.
        due_at: when permits next come back early; infinite if none do.
        free_before: permits that were answered before this come back then.
        ignored_until: nothing is learned from responses to requests whose permit is older than this.
    """

    earliest_at: float = -inf
    latest_at: float = -inf
    not_before: float = -inf
    not_after: float = -inf
    proven_after: float = inf
    believed: bool = False
    due_at: float = inf
    free_before: float = -inf
    ignored_until: float = -inf


def learn(  # noqa: PLR0917 - a response and its times
    end: WindowEnd | None, window_s: float, acquired_at: float, now: float, delta_s: float, uncertainty_s: float
) -> WindowEnd | None:
    """What is known after one more response.

    Args:
        end: what was known before, if anything.
        window_s: seconds of the quota's window, stretched.
        acquired_at: when the permit of the request was acquired.
        now: when the response arrived.
        delta_s: seconds until the reset, according to the response.
        uncertainty_s: the possible rounding error in seconds.
    """
    if delta_s > window_s + uncertainty_s:
        return end
    earliest_at = acquired_at + (delta_s - uncertainty_s) / STRETCH
    latest_at = now + (delta_s + uncertainty_s) * STRETCH
    named = WindowEnd(
        earliest_at=earliest_at,
        latest_at=latest_at,
        not_before=earliest_at,
        not_after=latest_at,
        proven_after=latest_at - (delta_s - uncertainty_s) / STRETCH,
    )
    if end is None or (end.earliest_at == -inf and acquired_at >= end.ignored_until):
        return named
    if acquired_at < end.ignored_until:
        return end
    # W on the server, in seconds of a clock that may run slower than ours.
    shortest_s = window_s / STRETCH / STRETCH
    is_same = earliest_at <= end.not_after and latest_at >= end.not_before
    is_later = latest_at >= end.earliest_at + shortest_s
    is_earlier = earliest_at <= end.latest_at - shortest_s
    # A response about the previous window, or an ambiguous one: nothing is learned.
    if is_earlier or (is_same and is_later):
        return end
    if is_same:
        return _merge(end, named, acquired_at)
    if is_later:
        # The next window: the believed end of this one is still due.
        return replace(named, due_at=end.due_at, free_before=end.free_before)
    return WindowEnd(ignored_until=now + window_s)


def _merge(end: WindowEnd, named: WindowEnd, acquired_at: float) -> WindowEnd:
    """What is known when another response names the same end."""
    earliest_at = min(end.earliest_at, named.earliest_at)
    latest_at = max(end.latest_at, named.latest_at)
    believed = end.believed or acquired_at > end.proven_after
    return replace(
        end,
        earliest_at=earliest_at,
        latest_at=latest_at,
        not_before=max(end.not_before, named.not_before),
        not_after=min(end.not_after, named.not_after),
        believed=believed,
        due_at=latest_at if believed else end.due_at,
        free_before=earliest_at if believed else end.free_before,
    )
