# SPDX-License-Identifier: Apache-2.0
"""When a server's fixed window ends, as its answers say, and when that is believed.

An answer says "d seconds until the reset", rounded, of some time between sending and receiving: so the end lies between
two times. Permits that were answered before the earlier one come back at the later one (see `permits`). That is right
if the answer is. Servers and caches say what is not: "1 s" in every answer, or what was true a while ago. So

* **nothing is believed until the time was seen to run down**: a second answer, of a request that left so much later
  that an unchanged text would contradict the first one, still names the same end. A constant never does, and one stale
  answer is never alone;
* **ends lie W apart**: what names another end than the known one, less than W after it or before it, contradicts the
  record. It teaches nothing, what is known is forgotten, and for a window nothing is learnt;
* what could mean either of two windows, because it took so long, teaches nothing;
* an end lies between the least and the most that any of the agreeing answers says: one that is a little stale does not
  narrow it.

An end that was believed is used once, when its latest time has come: until then a contradiction still undoes it.
"""

from __future__ import annotations

from math import inf
from typing import Final, NamedTuple

STRETCH: Final = 1.001
"""Windows are taken to be longer by a thousandth: twice the 500 ppm by which two bad clocks may differ."""


class WindowEnd(NamedTuple):
    """The end of the server's present window.

    Attributes:
        low: it is no earlier by any answer.
        high: it is no later by any answer.
        last_low: the latest time that any of them calls too early.
        first_high: the earliest time that any of them calls too late.
        proof_at: an answer that agrees shows the time running down if its request was taken after this.
        believed: the time was seen to run down.
        due_at: when permits come back early, the next time; infinite if none do.
        free_before: which: those that were answered before this.
        deaf_until: answers to requests that were taken before this teach nothing.
    """

    low: float = -inf
    high: float = -inf
    last_low: float = -inf
    first_high: float = -inf
    proof_at: float = inf
    believed: bool = False
    due_at: float = inf
    free_before: float = -inf
    deaf_until: float = -inf


def learn(  # noqa: PLR0917 - an answer and its times
    end: WindowEnd | None, window_s: float, acquired_at: float, now: float, delta_s: float, slack_s: float
) -> WindowEnd | None:
    """What is known after one more answer.

    Args:
        end: what was known before, if anything.
        window_s: of the quota, stretched.
        acquired_at: when the permit of its request was taken.
        now: when it arrived.
        delta_s: seconds until the reset, as it says.
        slack_s: by how much rounding may have changed them.
    """
    if delta_s > window_s + slack_s:
        return end
    low = acquired_at + (delta_s - slack_s) / STRETCH
    high = now + (delta_s + slack_s) * STRETCH
    other = WindowEnd(low, high, low, high, high - (delta_s - slack_s) / STRETCH)
    if end is None or (end.low == -inf and acquired_at >= end.deaf_until):
        return other
    if acquired_at < end.deaf_until:
        return end
    # W on the server, in seconds of a clock that may run slower than ours.
    least_s = window_s / STRETCH / STRETCH
    same = low <= end.first_high and high >= end.last_low
    later = high >= end.low + least_s
    earlier = low <= end.high - least_s
    if earlier or (same and later):
        return end
    if same:
        return _agree(end, other, acquired_at)
    if later:
        return other._replace(due_at=end.due_at, free_before=end.free_before)
    return WindowEnd(deaf_until=now + window_s)


def _agree(end: WindowEnd, other: WindowEnd, acquired_at: float) -> WindowEnd:
    """What is known when another answer names the same end."""
    low = min(end.low, other.low)
    high = max(end.high, other.high)
    believed = end.believed or acquired_at > end.proof_at
    return end._replace(
        low=low,
        high=high,
        last_low=max(end.last_low, other.last_low),
        first_high=min(end.first_high, other.first_high),
        believed=believed,
        due_at=high if believed else end.due_at,
        free_before=low if believed else end.free_before,
    )
