# SPDX-License-Identifier: Apache-2.0
"""The quota of an emulated provider: so many requests in a window, counted by the server itself.

Two kinds of window: `fixed` ones, each begun by the first request after the one before has ended, and a `sliding` log
of the requests of the last window. Refused requests are not counted by either.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

WindowKind = Literal["fixed", "sliding"]
KINDS: Final = ("fixed", "sliding")


class Limit(NamedTuple):
    """At most `most` requests in `window_s` clock seconds.

    Attributes:
        name: what it is called.
        most: how many.
        window_s: in how long.
        served: it is counted by the server's own windows, and only for the class of requests called as it is.
    """

    name: str
    most: int
    window_s: float
    served: bool = False


class Standing(NamedTuple):
    """What is left of a limit, and in how many clock seconds there is more: the whole window if nothing is used."""

    limit: Limit
    left: int
    reset_s: float


@dataclass(slots=True)
class FixedWindow:
    """Counts from the first request of a window to its end."""

    limit: Limit
    began_s: float = float("-inf")
    used: int = 0

    def wait_s(self, now: float) -> float:
        """Clock seconds until a request is admitted: 0 for at once."""
        ends = self.began_s + self.limit.window_s
        return ends - now if self.used >= self.limit.most and now < ends else 0.0

    def take(self, now: float) -> None:
        """Count one request."""
        if now >= self.began_s + self.limit.window_s:
            self.began_s, self.used = now, 0
        self.used += 1

    def standing(self, now: float) -> Standing:
        """What is left, and when the window ends."""
        ends = self.began_s + self.limit.window_s
        if now >= ends:
            return Standing(self.limit, self.limit.most, self.limit.window_s)
        return Standing(self.limit, self.limit.most - self.used, ends - now)


@dataclass(slots=True)
class SlidingLog:
    """Remembers every admitted request for one window."""

    limit: Limit
    taken: deque[float] = field(default_factory=deque)

    def wait_s(self, now: float) -> float:
        """Clock seconds until a request is admitted: 0 for at once."""
        while self.taken and self.taken[0] <= now - self.limit.window_s:
            self.taken.popleft()
        return self.taken[0] + self.limit.window_s - now if len(self.taken) >= self.limit.most else 0.0

    def take(self, now: float) -> None:
        """Count one request."""
        self.taken.append(now)

    def standing(self, now: float) -> Standing:
        """What is left, and when the oldest request leaves the window."""
        self.wait_s(now)
        reset_s = self.limit.window_s - (now - self.taken[0] if self.taken else 0.0)
        return Standing(self.limit, self.limit.most - len(self.taken), reset_s)


class Quota:
    """Several limits at once: a request is counted by all of them or by none.

    Args:
        limits: the limits.
        kind: how windows are cut.
    """

    __slots__ = ("_latest", "_windows")

    def __init__(self, limits: tuple[Limit, ...], kind: WindowKind) -> None:
        make = FixedWindow if kind == "fixed" else SlidingLog
        self._windows: list[FixedWindow | SlidingLog] = [make(limit) for limit in limits]
        self._latest = float("-inf")

    def take(self, now: float) -> float | None:
        """Admit one request that arrived at `now`.

        Returns:
            None when it is admitted, else the clock seconds after which one will be.
        """
        self._latest = now = max(now, self._latest)
        wait = max((window.wait_s(now) for window in self._windows), default=0.0)
        if wait > 0.0:
            return wait
        for window in self._windows:
            window.take(now)
        return None

    def standings(self) -> list[Standing]:
        """What was left of every limit at the latest arrival."""
        return self.standings_at(self._latest)

    def standings_at(self, now: float) -> list[Standing]:
        """What is left of every limit now."""
        return [window.standing(now) for window in self._windows]
