# SPDX-License-Identifier: Apache-2.0
"""Callers that wait for permits, in the order in which they are served.

One line per set of quotas, so that a full day quota of uploads keeps no read waiting. The first in line asks the
account and sleeps until the time that it is told; the others sleep until they are first. `interactive` goes before
`batch`, but a batch call that has waited `BATCH_AGING_S` longer than an interactive one goes first: nothing starves.
"""

from __future__ import annotations

import threading
from bisect import insort
from typing import TYPE_CHECKING, Final

from callwell.client.concurrency.primitives import AsyncLatch
from callwell.core.quota.permits import AtLatest, Permit
from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client.calls.options import Priority
    from callwell.client.quota.account import Account
    from callwell.client.quota.permit_batch import PermitBatcher
    from callwell.clock import Clock

BATCH_AGING_S: Final = 30.0
"""By how much longer a batch call has to have waited to go before an interactive one."""

POLL_S: Final = 0.5
"""How often the first in line looks whether another client or process has settled the permit that it waits for."""


class AsyncWaiter:
    """One caller in line."""

    __slots__ = ("awaits_release", "latch", "rank")

    def __init__(self, rank: float) -> None:
        self.rank = rank
        self.latch = AsyncLatch()
        self.awaits_release = False


class AsyncPermitQueue:
    """The callers that wait for permits of the same quotas.

    Args:
        account: which lends the permits.
        names: of the quotas.
        clock: whose seconds are meant.

    Attributes:
        waiters: in the order in which they are served.
    """

    def __init__(self, account: Account | PermitBatcher, names: tuple[str, ...], clock: Clock) -> None:
        self._account = account
        self._names = names
        self._clock = clock
        self.waiters: list[AsyncWaiter] = []
        self._ready_at = float("-inf")
        self._lock = threading.Lock()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """In a child nobody else waits."""
        self.waiters, self._ready_at = [], float("-inf")
        self._lock = threading.Lock()

    def try_acquire(self, extra_s: float, *, retrying: bool) -> Permit | None:
        """A permit of each quota, if one can be had without waiting.

        Args:
            extra_s: how much longer than others the request may take.
            retrying: the permit is for a repetition.
        """
        if self.waiters:
            return None
        got = self._account.acquire(self._names, retrying=retrying, extra_s=extra_s)
        return got if isinstance(got, Permit) else None

    async def acquire(
        self,
        until: float,
        priority: Priority,
        extra_s: float = 0.0,
        *,
        retrying: bool,
        on_wait: Callable[[float], None],
    ) -> Permit | float:
        """A permit of each quota, or the time at which one could be had if that is after `until`.

        Args:
            until: monotonic seconds.
            priority: who goes first.
            retrying: the permit is for a repetition.
            on_wait: called with the seconds that the caller will probably wait, when it has to.
            extra_s: how much longer than others the request may take.
        """
        now = self._clock.now()
        if now >= until:
            return now
        if not self.waiters:
            got = self._account.acquire(self._names, retrying=retrying, extra_s=extra_s)
            if isinstance(got, Permit) or until < _earliest_certain(got) < float("inf"):
                return got
        waiter = AsyncWaiter(now + (BATCH_AGING_S if priority == "batch" else 0.0))
        with self._lock:
            insort(self.waiters, waiter, key=lambda other: other.rank)
        try:
            return await self._wait_turn(waiter, until, retrying=retrying, on_wait=on_wait, extra_s=extra_s)
        finally:
            with self._lock:
                if waiter in self.waiters:
                    self.waiters.remove(waiter)
                first = self._first()
            if first is not None:
                first.latch.set()

    def wake(self) -> None:
        """A permit was settled, of this line or another: who waits for nothing else looks again."""
        with self._lock:
            first = self._first()
        if first is not None and first.awaits_release:
            first.latch.set()

    def _first(self) -> AsyncWaiter | None:
        while self.waiters and self.waiters[0].latch.is_dead:
            del self.waiters[0]
        return self.waiters[0] if self.waiters else None

    async def _wait_turn(
        self,
        waiter: AsyncWaiter,
        until: float,
        *,
        retrying: bool,
        on_wait: Callable[[float], None],
        extra_s: float,
    ) -> Permit | float:
        announced = False
        while True:
            with self._lock:
                first = self._first() is waiter
            at = float("inf")
            if first:
                waiter.awaits_release = True  # before asking, so that no settling is missed
                got = self._account.acquire(self._names, retrying=retrying, extra_s=extra_s)
                if isinstance(got, Permit):
                    return got
                at, self._ready_at = got, _earliest_certain(got)
                waiter.awaits_release = self._ready_at == float("inf")
            if until < self._ready_at < float("inf"):
                return self._ready_at
            now = self._clock.now()
            if now >= until:
                return now
            if not announced and at < float("inf"):
                announced = True
                on_wait(at - now)
            wait_s = min(at, until, now + POLL_S if waiter.awaits_release else at) - now
            await waiter.latch.wait(self._clock.real_s(wait_s))


class AsyncPermitQueues(dict[tuple[str, ...], AsyncPermitQueue]):
    """The lines of one client, by the names of their quotas; each is made when it is first asked for.

    Args:
        account: which lends the permits.
        clock: whose seconds are meant.

    Attributes:
        all: the lines.
    """

    def __init__(self, account: Account | PermitBatcher, clock: Clock) -> None:
        super().__init__()
        self.all: tuple[AsyncPermitQueue, ...] = ()
        self._account = account
        self._clock = clock

    def __missing__(self, names: tuple[str, ...]) -> AsyncPermitQueue:
        line = self.setdefault(names, AsyncPermitQueue(self._account, names, self._clock))
        self.all = tuple(self.values())
        return line

    def wake(self) -> None:
        """A permit was settled: see `AsyncPermitQueue`."""
        for line in self.all:
            line.wake()


def _earliest_certain(at: float) -> float:
    """A time that cannot come sooner; infinite where a holder may settle its permit any moment."""
    return float("inf") if isinstance(at, AtLatest) else at
