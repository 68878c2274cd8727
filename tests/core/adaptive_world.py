# SPDX-License-Identifier: Apache-2.0
"""A provider that documents no quota, and callers who want as much as they can get, in virtual time."""

from __future__ import annotations

from collections import deque
from functools import partial
from heapq import heappop, heappush
from math import floor, inf
from typing import TYPE_CHECKING

from callwell.core.quota import adaptive

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


class Provider:
    """What is hidden. Each limit may be changed at any time; those that are not given do not bind.

    Args:
        dice: for the service's time.
        sliding: requests in any second.
        minute: requests in a fixed minute.
        refuse_above: requests in service at once; more are refused.
        workers: requests in service at once; more wait in a queue.
        service_s: how long one takes.
        names_wait: a refusal says for how long it holds.
    """

    def __init__(
        self,
        dice: random.Random,
        *,
        sliding: float = inf,
        minute: float = inf,
        refuse_above: float = inf,
        workers: int = 0,
        service_s: float = 0.1,
        names_wait: bool = False,
    ) -> None:
        self.dice = dice
        self.sliding = sliding
        self.minute = minute
        self.refuse_above = refuse_above
        self.workers = workers
        self.service_s = service_s
        self.names_wait = names_wait
        self.inside = 0
        self.most_inside = 0
        self._log: deque[float] = deque()
        self._counts: dict[int, int] = {}
        self._free: list[float] = [0.0] * workers

    def arrive(self, now: float) -> tuple[float, float | None]:
        """Seconds that the response takes, and for how long a refusal holds: below zero for none, None if unsaid."""
        while self._log and self._log[0] <= now - 1.0:
            self._log.popleft()
        minute = floor(now / 60.0)
        if self.inside >= self.refuse_above:
            return 0.02, 1.0 if self.names_wait else None
        if len(self._log) >= self.sliding:
            return 0.02, self._log[0] + 1.0 - now if self.names_wait else None
        if self._counts.get(minute, 0) >= self.minute:
            return 0.02, (minute + 1) * 60.0 - now if self.names_wait else None
        self._log.append(now)
        self._counts[minute] = self._counts.get(minute, 0) + 1
        takes = self.service_s * self.dice.uniform(0.9, 1.1)
        if self.workers:
            at = max(now, heappop(self._free))
            heappush(self._free, at + takes)
            takes = at + takes - now
        return takes, -1.0


class AdaptiveSimulation:
    """Callers who share one record.

    Args:
        provider: what they call.
    """

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.one = adaptive.UNUSED_QUOTA
        self.done: list[float] = []
        self.refused: list[float] = []
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._asks_at = inf

    def run(self, until: float) -> None:
        """Let time pass while everything that may be called is called."""
        self._ask()
        while self._events and self._events[0][0] <= until:
            self.now, _, event = heappop(self._events)
            event()

    def rates(self, since: float, until: float) -> tuple[float, float]:
        """Requests done in a second of that time, and which part of all was refused."""
        done = sum(since <= at < until for at in self.done)
        refused = sum(since <= at < until for at in self.refused)
        return done / (until - since), refused / max(1, done + refused)

    def _at(self, when: float, event: Callable[[], None]) -> None:
        self._number += 1
        heappush(self._events, (when, self._number, event))

    def _woken(self, at: float) -> None:
        if at == self._asks_at:
            self._asks_at = inf
            self._ask()

    def _ask(self) -> None:
        while True:
            at = adaptive.available_at(self.one, self.now)
            if at > self.now:
                if at < self._asks_at or self._asks_at <= self.now:
                    self._asks_at = at
                    self._at(at, partial(self._woken, at))
                return
            self.one = adaptive.acquire(self.one, self.now, inf, 60.0)
            takes, wait_s = self.provider.arrive(self.now)
            fine = wait_s is not None and wait_s < 0.0
            self.provider.inside += fine
            self.provider.most_inside = max(self.provider.most_inside, self.provider.inside)
            self._at(self.now + takes, partial(self._end, self.now, wait_s, fine=fine))

    def _end(self, acquired_at: float, wait_s: float | None, *, fine: bool) -> None:
        self.provider.inside -= fine
        if fine:
            self.done.append(self.now)
            self.one = adaptive.release_answered(self.one, acquired_at, inf, self.now)
        else:
            self.refused.append(self.now)
            self.one = adaptive.release_throttled(self.one, acquired_at, inf, self.now, wait_s)
        self._ask()
