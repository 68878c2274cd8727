# SPDX-License-Identifier: Apache-2.0
"""The quota of an emulated provider: limits on the requests in a window, counted by the server itself.

A quota has one or more limits, and a request must fit all of them:

    request at t ──> minute: 120 of 120 used ──> wait 12 s ┐
                └──> day: 900 of 10,000 used ──> wait 0 s  ┴─> refused, and counted by neither

There are two kinds of window. A *fixed* window begins with the first request after the previous one has ended, so two
bursts of the whole quota can meet at its edge:

    |<─── 60 s ───>|   idle   |<─── 60 s ───>|
    ^ first request           ^ first request after the end

A *sliding* log remembers the requests of the last window, so no span of 60 s ever holds more than the limit.

Requests are counted by the time at which their first byte arrived. The server may handle two of them in another order
than they arrived, so `ServerQuota` never lets its time go back: a window that has begun stays begun.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

WindowKind = Literal["fixed", "sliding"]
WINDOW_KINDS: Final = ("fixed", "sliding")


class Limit(NamedTuple):
    """At most `max_requests` in `window_s` seconds of the emulator's clock.

    Attributes:
        name: the limit's name, as quota headers and the score show it.
        max_requests: how many requests.
        window_s: in how many seconds.
        per_class: the limit holds only for the class of requests of the same name (api.video's reads, writes and
            uploads), and the score counts what the server itself refused.
    """

    name: str
    max_requests: int
    window_s: float
    per_class: bool = False


class LimitStatus(NamedTuple):
    """What is left of one limit.

    Attributes:
        limit: the limit.
        remaining: how many more requests it admits now.
        reset_s: seconds until it admits more; the whole window if nothing is used.
    """

    limit: Limit
    remaining: int
    reset_s: float


@dataclass(slots=True)
class FixedWindow:
    """Counts the requests between the first request of a window and the window's end."""

    limit: Limit
    started_s: float = float("-inf")
    used: int = 0

    def wait_s(self, now: float) -> float:
        """Return the seconds until the next request is admitted; 0 if immediately."""
        ends = self.started_s + self.limit.window_s
        is_full = self.used >= self.limit.max_requests and now < ends
        return ends - now if is_full else 0.0

    def count(self, now: float) -> None:
        """Count one admitted request."""
        if now >= self.started_s + self.limit.window_s:
            self.started_s = now
            self.used = 0
        self.used += 1

    def status(self, now: float) -> LimitStatus:
        """Return what is left, and the time until the window ends."""
        ends = self.started_s + self.limit.window_s
        if now >= ends:
            return LimitStatus(self.limit, remaining=self.limit.max_requests, reset_s=self.limit.window_s)
        return LimitStatus(self.limit, remaining=self.limit.max_requests - self.used, reset_s=ends - now)


@dataclass(slots=True)
class SlidingLog:
    """Remembers when each request of the last window was admitted."""

    limit: Limit
    admitted_s: deque[float] = field(default_factory=deque)

    def wait_s(self, now: float) -> float:
        """Return the seconds until the next request is admitted; 0 if immediately."""
        while self.admitted_s and self.admitted_s[0] <= now - self.limit.window_s:
            self.admitted_s.popleft()
        if len(self.admitted_s) < self.limit.max_requests:
            return 0.0
        return self.admitted_s[0] + self.limit.window_s - now

    def count(self, now: float) -> None:
        """Count one admitted request."""
        self.admitted_s.append(now)

    def status(self, now: float) -> LimitStatus:
        """Return what is left, and the time until the oldest request leaves the window."""
        self.wait_s(now)
        oldest_s = now - self.admitted_s[0] if self.admitted_s else 0.0
        return LimitStatus(
            self.limit,
            remaining=self.limit.max_requests - len(self.admitted_s),
            reset_s=self.limit.window_s - oldest_s,
        )


class ServerQuota:
    """Several limits together: a request is counted by all of them or by none.

    Args:
        limits: the limits.
        kind: the kind of their windows.
    """

    __slots__ = ("_latest_s", "_windows")

    def __init__(self, limits: tuple[Limit, ...], kind: WindowKind) -> None:
        make = FixedWindow if kind == "fixed" else SlidingLog
        self._windows: list[FixedWindow | SlidingLog] = [make(limit) for limit in limits]
        self._latest_s = float("-inf")

    def admit(self, now: float) -> float | None:
        """Admit the request that arrived at `now`, or refuse it.

        Returns:
            None if it is admitted, else the seconds until a request would be.
        """
        now = max(now, self._latest_s)
        self._latest_s = now
        wait_s = max((window.wait_s(now) for window in self._windows), default=0.0)
        if wait_s > 0.0:
            return wait_s
        for window in self._windows:
            window.count(now)
        return None

    def latest_statuses(self) -> list[LimitStatus]:
        """Return the status of every limit at the latest arrival."""
        return self.statuses_at(self._latest_s)

    def statuses_at(self, now: float) -> list[LimitStatus]:
        """Return the status of every limit at `now`."""
        return [window.status(now) for window in self._windows]
