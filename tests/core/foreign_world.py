# SPDX-License-Identifier: Apache-2.0
"""A server that counts, says what is left in every response, and has other customers on the same account."""

from __future__ import annotations

from collections import deque
from functools import partial
from heapq import heappop, heappush
from math import ceil, inf
from typing import TYPE_CHECKING, Literal

from callwell.core.quota import foreign, permits
from callwell.core.quota.hint import QuotaHint
from callwell.core.quota.permits import Permit

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from callwell.core.rules.profile import QuotaRule

Kind = Literal["aligned", "begun", "sliding", "tokens"]
KINDS: tuple[Kind, ...] = ("aligned", "begun", "sliding", "tokens")


class Counter:
    """How a server counts.

    Args:
        kind: fixed windows at multiples of W, fixed windows that the first request begins, a log, or a token bucket.
        limit: requests in a window.
        window_s: its length.
        offset_s: where aligned windows begin.
    """

    def __init__(self, kind: Kind, limit: int, window_s: float, offset_s: float) -> None:
        self.kind = kind
        self.limit = limit
        self.window_s = window_s
        self._began = offset_s - window_s * ceil(offset_s / window_s + 1) if kind == "aligned" else -inf
        self._used = 0
        self._log: deque[float] = deque()
        self._tokens = float(limit)
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Whether a request is admitted."""
        if self.left(now) < 1:
            return False
        if self.kind == "begun" and self._used == 0:
            self._began = now
        self._used += 1
        self._log.append(now)
        self._tokens -= 1.0
        return True

    def left(self, now: float) -> int:
        """How many more would be."""
        if self.kind == "tokens":
            self._tokens = min(self.limit, self._tokens + (now - self._at) * self.limit / self.window_s)
            self._at = now
            return int(self._tokens)
        if self.kind == "sliding":
            while self._log and self._log[0] <= now - self.window_s:
                self._log.popleft()
            return self.limit - len(self._log)
        while now >= self._began + self.window_s:
            self._began = self._began + self.window_s if self.kind == "aligned" else now
            self._used = 0
        return self.limit - self._used

    def reset_s(self, now: float) -> float | None:
        """Seconds until there are more."""
        if self.kind == "tokens":
            return None
        if self.kind == "sliding":
            return self._log[0] + self.window_s - now if self._log else self.window_s
        return self._began + self.window_s - now


class Account:
    """One client, its quota, and the server.

    Args:
        rule: the quota.
        counter: how the server counts.
        dice: for delays and the others' requests.
        most: requests of ours that are under way at once.
        slow_s: the longest way there, and the longest way back.
        rate: local seconds in a server second.
        learns: answers are learnt from.
    """

    def __init__(
        self,
        rule: QuotaRule,
        counter: Counter,
        dice: random.Random,
        most: int = 4,
        slow_s: float = 0.2,
        *,
        rate: float = 1.0,
        learns: bool = True,
    ) -> None:
        self.quota = permits.to_quota(rule, 60.0)
        self.bucket = permits.full_bucket(self.quota)
        self.sent: list[float] = []
        self.refused: list[float] = []
        self.theirs = 0
        self.set_aside = 0
        self._counter = counter
        self._dice = dice
        self._most = most
        self._slow_s = slow_s
        self._rate = rate
        self._learns = learns
        self._out = 0
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def others(self, at: float) -> None:
        """Somebody else makes a request at that time."""

        def arrive() -> None:
            self.theirs += self._counter.take(self._now / self._rate)

        self._at(at, arrive)

    def ours(self, at: float) -> None:
        """We want to make as many as we may, from that time on."""
        self._at(at, self._want)

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._events and self._events[0][0] <= until:
            self._now, _, event = heappop(self._events)
            before = self.bucket
            event()
            if self.bucket is before:
                continue  # most events find nothing
            own = sum(permits.count(bins) for bins in (self.bucket.held, self.bucket.cooling, self.bucket.in_transit))
            aside = permits.count(self.bucket.foreign)
            assert self.bucket.available + own + aside + self.bucket.withheld == self.quota.limit
            self.set_aside = max(self.set_aside, aside)

    def _at(self, when: float, event: Callable[[], None]) -> None:
        self._number += 1
        heappush(self._events, (when, self._number, event))

    def _want(self) -> None:
        while self._out < self._most:
            (self.bucket,), got = permits.acquire((self.quota,), (self.bucket,), self._now)
            if not isinstance(got, Permit):
                if got < inf:
                    self._at(got, self._want)
                return
            self._out += 1
            self._at(self._now + self._dice.random() * self._slow_s, partial(self._arrive, got))

    def _arrive(self, permit: Permit) -> None:
        there = self._now / self._rate
        self.sent.append(self._now)
        fine = self._counter.take(there)
        if not fine:
            self.refused.append(self._now)
        reset_s = self._counter.reset_s(there)
        hint = QuotaHint(
            "", self._counter.limit, self._counter.left(there), None if reset_s is None else float(ceil(reset_s))
        )
        self._at(self._now + self._dice.random() * self._slow_s, partial(self._answered, permit, hint, fine=fine))

    def _answered(self, permit: Permit, hint: QuotaHint, *, fine: bool) -> None:
        self._out -= 1
        self.bucket = permits.release_answered(self.quota, self.bucket, permit, self._now, ok=fine)
        if self._learns:
            if hint.reset_s is not None:
                self.bucket = permits.learn_reset(self.quota, self.bucket, permit, self._now, hint.reset_s)
            self.bucket = foreign.learn(
                self.quota, self.bucket, permit, self._now, hint, cooled_before=permit.cooled_before[0]
            )
        if not fine:
            wait_s = hint.reset_s or 1.0
            (self.bucket,) = permits.throttle((self.quota,), (self.bucket,), permit, self._now, wait_s)
        self._want()
