# SPDX-License-Identifier: Apache-2.0
"""Queues of callers that wait for permits, in the order they are served.

There is one queue for each set of quotas, so that an exhausted daily quota of uploads does not block reads. The first
caller in a queue asks the account and sleeps until the time that it returns; the others sleep until they are first.
`interactive` goes before `batch`, but a batch call that has waited `BATCH_AGING_S` longer than an interactive one goes
first, so nothing starves.
"""

from __future__ import annotations

import threading
from bisect import insort
from math import inf
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
"""A batch call that has waited this many seconds longer than an interactive one goes first: half of the interactive
deadline, so that the interactive call can still be served in time."""


class AsyncWaiter:
    """One caller in a queue.

    Attributes:
        rank: the lowest is served first.
        latch: wakes the caller.
        awaits_release: the caller can go on only when a permit is released.
    """

    __slots__ = ("awaits_release", "latch", "rank")

    def __init__(self, rank: float) -> None:
        self.rank = rank
        self.latch = AsyncLatch()
        self.awaits_release = False


class AsyncPermitQueue:
    """The callers that wait for permits of the same quotas.

    Args:
        account: the account of the permits.
        names: the quotas.
        clock: the source of times.

    Attributes:
        names: the quotas.
        waiters: the waiting callers, in the order they are served.
        is_closed: the client was closed, so nobody is served.
    """

    def __init__(self, account: Account | PermitBatcher, names: tuple[str, ...], clock: Clock) -> None:
        self.names = names
        self._account = account
        self._clock = clock
        self.waiters: list[AsyncWaiter] = []
        self.is_closed = False
        self._available_at = -inf
        self._lock = threading.Lock()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Forget the waiters: a child process has none."""
        self.waiters = []
        self._available_at = -inf
        self._lock = threading.Lock()

    def try_acquire(self, extra_s: float, *, retrying: bool) -> Permit | None:
        """Acquire a permit of each quota without waiting; None if that is not possible.

        Args:
            extra_s: how much longer than usual the request may take.
            retrying: the permit is for a retry.
        """
        if self.waiters:
            return None
        acquired = self._account.acquire(self.names, retrying=retrying, extra_s=extra_s)
        return acquired if isinstance(acquired, Permit) else None

    async def acquire(
        self,
        deadline_at: float,
        priority: Priority,
        extra_s: float = 0.0,
        *,
        retrying: bool,
        on_wait: Callable[[float], None],
    ) -> Permit | float:
        """Acquire a permit of each quota, after waiting in the queue if necessary.

        Args:
            deadline_at: monotonic seconds.
            priority: who goes first.
            extra_s: how much longer than usual the request may take.
            retrying: the permit is for a retry.
            on_wait: called with the expected wait in seconds, if the caller has to wait.

        Returns:
            The permit, or the time at which one could be acquired if that is after the deadline; an arbitrary time if
            the queue was closed.
        """
        now = self._clock.now()
        if now >= deadline_at:
            return now
        if not self.waiters:
            acquired = self._account.acquire(self.names, retrying=retrying, extra_s=extra_s)
            if isinstance(acquired, Permit) or deadline_at < _earliest_certain(acquired) < inf:
                return acquired
        waiter = AsyncWaiter(now + (BATCH_AGING_S if priority == "batch" else 0.0))
        try:
            with self._lock:
                insort(self.waiters, waiter, key=lambda other: other.rank)
            try:
                return await self._wait_turn(waiter, deadline_at, retrying=retrying, on_wait=on_wait, extra_s=extra_s)
            finally:
                self._leave(waiter)
        except KeyboardInterrupt:
            self._leave(waiter)  # it may have struck on the way in or out, and all later callers would wait behind it
            raise

    def _leave(self, waiter: AsyncWaiter) -> None:
        """Remove a waiter, unless it has left already, and let the next one check."""
        with self._lock:
            if waiter in self.waiters:
                self.waiters.remove(waiter)
            first = self._first()
        if first is not None:
            first.latch.set()

    def close(self) -> None:
        """Turn away all waiting callers."""
        self.is_closed = True
        with self._lock:
            waiters = tuple(self.waiters)
        for waiter in waiters:
            waiter.latch.set()

    def count_waiting(self) -> int:
        """How many callers wait."""
        with self._lock:
            return len(self.waiters) if self._first() is not None else 0

    def wake(self) -> None:
        """Wake the first caller if it waits for a release: a permit was released, in this queue or another."""
        with self._lock:
            first = self._first()
        if first is not None and first.awaits_release:
            first.latch.set()

    def wake_first(self) -> None:
        """Wake the first caller, no matter what it waits for."""
        with self._lock:
            first = self._first()
        if first is not None:
            first.latch.set()

    def _first(self) -> AsyncWaiter | None:
        while self.waiters and self.waiters[0].latch.is_dead:
            del self.waiters[0]
        return self.waiters[0] if self.waiters else None

    async def _wait_turn(
        self,
        waiter: AsyncWaiter,
        deadline_at: float,
        *,
        retrying: bool,
        on_wait: Callable[[float], None],
        extra_s: float,
    ) -> Permit | float:
        is_announced = False
        while not self.is_closed:
            with self._lock:
                is_first = self._first() is waiter
            at = inf
            if is_first:
                # Set before asking, so that no release in between is missed.
                waiter.awaits_release = True
                acquired = self._account.acquire(self.names, retrying=retrying, extra_s=extra_s)
                if isinstance(acquired, Permit):
                    return acquired
                at = acquired
                self._available_at = _earliest_certain(acquired)
                waiter.awaits_release = self._available_at == inf
            if deadline_at < self._available_at < inf:
                return self._available_at
            now = self._clock.now()
            if now >= deadline_at:
                return now
            expected_at = at if self._account.poll_s < inf else self._available_at
            if not is_announced and now < expected_at < inf:
                is_announced = True
                on_wait(expected_at - now)
            wake_at = min(at, deadline_at)
            if waiter.awaits_release:
                wake_at = min(wake_at, now + self._account.poll_s)
            await waiter.latch.wait(self._clock.real_s(wake_at - now))
        return self._clock.now()


class AsyncPermitQueues(dict[tuple[str, ...], AsyncPermitQueue]):
    """The queues of one client, by the names of their quotas; each is created on first use.

    Args:
        account: the account of the permits.
        clock: the source of times.

    Attributes:
        all: the queues.
    """

    def __init__(self, account: Account | PermitBatcher, clock: Clock) -> None:
        super().__init__()
        self.all: tuple[AsyncPermitQueue, ...] = ()
        self._account = account
        self._clock = clock

    def __missing__(self, names: tuple[str, ...]) -> AsyncPermitQueue:
        queue = self.setdefault(names, AsyncPermitQueue(self._account, names, self._clock))
        self._account.add_queue(queue)
        self.all = tuple(self.values())
        return queue

    def wake(self) -> None:
        """Wake the callers that wait for a release."""
        for queue in self.all:
            queue.wake()

    def close(self) -> None:
        """Turn away all waiting callers: the client was closed, and permits may never come."""
        for queue in self.all:
            queue.close()


def _earliest_certain(at: float) -> float:
    """The time if it cannot come sooner; infinite if a holder may release its permit at any moment."""
    return inf if isinstance(at, AtLatest) else at
