# SPDX-License-Identifier: Apache-2.0
"""One process's part of an account in a shared state: calls use the permits it holds, and never wait for the store.

It has the methods of `client.quota.account.Account`. Each is one change of a `Holding` under a lock, decided by
`core.quota.holdings`. A call that finds no permit wakes the keeper, which makes the exchanges (`keeper`).
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from math import inf
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.client.quota.leases.waiting import WaitingCallers
from callwell.clock import boot_id
from callwell.core import breaker, clock_offset
from callwell.core.quota import fleet_view, holder_exchange, holdings
from callwell.core.quota.lease_records import FleetRecord
from callwell.core.quota.leases import exchange
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import (
    SERVER_ERROR,
    TOO_MANY_REQUESTS,
    AccountRecord,
    CallQuotasByNames,
    to_account_quotas,
    to_private,
)
from callwell.core.quota.store_time import ClockReading, advance
from callwell.core.quota.takeover import begin
from callwell.forks import reset_after_fork
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from callwell.client.quota.leases.waiting import Queue
    from callwell.clock import Clock
    from callwell.core.clock_offset import ClockOffset
    from callwell.core.quota.account import AnsweredBatch, ObservedQuota
    from callwell.core.quota.lease_records import Grant, Holding, Names
    from callwell.core.quota.record import SendEnd
    from callwell.core.rules.profile import Profile
    from callwell.errors import StateError
    from callwell.state.base import State

PAST_UNKNOWN: Final = AccountRecord(past_known=False)

RETRY_S: Final = 0.5
"""Seconds between two exchanges with a state that fails, and for which its error is raised: the usual interval."""


class LeasedAccount:
    """The permits that this process holds of one account.

    Args:
        profile: the provider's profile, with the quotas.
        name: of the account: provider, environment, origin and account.
        state: where the record of the pool is.
        clock: where times come from.
        wake: called when an exchange may be due sooner than before; it must not wait.

    Attributes:
        own: the quotas by this profile.
        now: the time by which a lease ends. It goes on while the machine sleeps, where the clock can say so
            (`SystemClock.through_sleep`): others may get the permits meanwhile.
        observed: the state of quotas, by their names, after responses that said something about quotas.
        cell: the record of the pool.
        clock_offset: by how much the provider's time of day is ahead of the clock's monotonic seconds, if known.
        callers: those that wait for a permit.
        other_wait_reason: see `Account`.
        poll_s: seconds after which a caller that waits asks again without being woken: exchanges wake it.
        flush: brings the holding up to date: gives back what callers acquired ahead, and what they have put off.
        forget: forgets that, as its lease was lost.
    """

    other_wait_reason = "held by other processes, or paced after a 429"
    poll_s = inf

    def __init__(self, profile: Profile, name: str, state: State, clock: Clock, wake: Callable[[], None]) -> None:
        self.own = to_private(to_account_quotas(profile.quotas, profile.retry))
        self.observed: dict[str, ObservedQuota] = {}
        self.cell = Cell(f"fleet:{name}", FleetRecord, FleetRecord(), FleetRecord(account=PAST_UNKNOWN))
        self._earlier = Cell(f"account:{name}", AccountRecord, AccountRecord(), PAST_UNKNOWN)
        self._has_begun = False
        self.clock_offset: ClockOffset | None = None
        self.callers = WaitingCallers()
        self.flush: Callable[[], object] = _do_nothing
        self.forget: Callable[[], None] = _do_nothing
        self.now: Callable[[], float] = getattr(clock, "through_sleep", clock.now)
        self._began_at = -inf
        self._ends_at = -inf
        self._state = state
        self._clock = clock
        self._wake = wake
        self._boot = f"{boot_id()} {clock}"
        self._calls = CallQuotasByNames(self.own)
        self._lock = threading.RLock()
        self._holding = self._open_holding()
        self._pool = FleetRecord()
        self._seen_at = clock.now()
        self._error: StateError | None = None
        self._failed_at = 0.0
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Begin with nothing: the permits are the parent process's."""
        self._lock = threading.RLock()
        self._holding = self._open_holding()
        self._ends_at = -inf
        self._error = None

    def make_lock(self) -> AbstractContextManager[object]:
        """The lock under which permits are batched: the account's own, so that batches end together with a lease."""
        return self._lock

    def hold_until_released(self) -> None:
        """Do nothing: what a process holds comes back when it is released, never by itself."""

    def add_queue(self, queue: Queue) -> None:
        """Count and wake the callers in a queue."""
        self.callers.add(queue)

    @property
    def usable_until(self) -> float:
        """When the lease ends, by `now`: permits that were acquired ahead are not used from then on."""
        return self._ends_at

    @property
    def void_until(self) -> float:
        """Permits that were acquired until then belong to a lease that was lost: they are not released."""
        return self._holding.since

    @property
    def error(self) -> StateError | None:
        """Why the last exchange failed; None if it did not."""
        return self._error

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to say to the pool."""
        return holder_exchange.due_at(self._holding, self.own, {}) == inf

    def acquire(self, names: Names, *, retrying: bool, extra_s: float = 0.0) -> Permit | float:
        """Acquire a permit of each quota: see `acquire_batch`."""
        return self.acquire_batch(names, 1, retrying=retrying, extra_s=extra_s)[0]

    def acquire_batch(
        self, names: Names, wanted: int, *, retrying: bool, extra_s: float = 0.0
    ) -> tuple[Permit | float, int]:
        """Acquire permits of each quota of what the process holds.

        Args:
            names: the quotas.
            wanted: how many.
            retrying: the first is for a retry.
            extra_s: how much longer than others the requests may take.

        Returns:
            The permit and how many there are, or when to ask again and 0; infinite if an exchange must bring one.

        Raises:
            StateError: there is no permit, and the state has just failed in a way that does not end by itself.
        """
        call = self._calls[names]
        with self._lock:
            now = self._clock.now()
            if self.now() >= self._ends_at:
                self._holding = replace(self._holding, usable_until=-inf)
            self._holding, acquired = holdings.acquire(
                self._holding, call, now, wanted=wanted, retrying=retrying, extra_s=extra_s
            )
            error = self._error
            is_fresh = now < self._failed_at + RETRY_S
        if isinstance(acquired[0], Permit):
            return acquired
        if error is not None and is_fresh and not error.may_pass:
            # A new one each time: tracebacks grow on errors that are raised again.
            raise type(error)(str(error)) from error
        self._wake()
        return acquired

    def release(self, names: Names, permit: Permit, end: SendEnd) -> bool:
        """Take a permit back after its Send; whether the retry budget allows a retry."""
        call = self._calls[names]
        with self._lock:
            self._holding, released = holdings.release(self._holding, call, permit, end, self._clock.now())
        if end.status == TOO_MANY_REQUESTS or end.status >= SERVER_ERROR or not end.status:
            self._wake()
        return released.may_retry

    def release_batch(self, names: Names, batch: AnsweredBatch) -> None:
        """Take the permits of several answered requests back at once."""
        call = self._calls[names]
        with self._lock:
            self._holding = holdings.release_batch(self._holding, call, batch, self._clock.now())

    def return_unused(self, names: Names, permit: Permit, count: int = 1) -> None:
        """Take permits back that were surely not used."""
        call = self._calls[names]
        with self._lock:
            self._holding = holdings.return_unused(self._holding, call, permit, count, self._clock.now())

    def abandon(self, names: Names, permit: Permit, closes_at: float) -> Permit:
        """Hold the permit of a caller that has left until its request ends."""
        call = self._calls[names]
        with self._lock:
            self._holding, abandoned = holdings.abandon(self._holding, call, permit, closes_at, self._clock.now())
        return abandoned

    def reconcile(self, in_hand: Mapping[str, int], maybe_used: Mapping[str, int], closes_at: float) -> None:
        """Make the holding agree with its callers after an interrupt."""
        with self._lock:
            self._holding = holdings.reconcile(self._holding, self.own, in_hand, maybe_used, closes_at)

    def spent(self, *, refresh: bool = False) -> Mapping[str, tuple[int, int]]:
        """By quota: permits of the whole fleet that are not available, and the limit.

        Args:
            refresh: read the record, which waits for the store; else it is what the last exchange has shown.

        Raises:
            StateError: the record cannot be read.
        """
        if refresh:
            pool = self._state.read(self.cell)
            at = advance(pool.time, self._evidence())[0].at
        else:
            pool = self._pool
            at = pool.time.at + self._clock.now() - self._seen_at
        with self._lock:
            return fleet_view.spent(pool, self._holding, self.own, at, self._clock.now())

    def breaker_open_s(self) -> float:
        """For how many seconds the provider is left alone after failures in a row; 0 if it is not."""
        with self._lock:
            now = self._clock.now()
            return max(0.0, breaker.available_at(self._holding.record.breaker, now) - now)

    def due_at(self) -> float:
        """When the next exchange is due, in monotonic seconds; infinite if none is."""
        waiting = self.callers.count()
        with self._lock:
            at = holder_exchange.due_at(self._holding, self.own, waiting)
            if self._holding.has_lease and self.now() >= self._ends_at:
                at = -inf  # the machine has slept: callers who wait need another lease
            return at if self._error is None else max(at, self._failed_at + RETRY_S)

    def exchange(self, waiting: Mapping[Names, int] | None = None, *, leaving: bool = False) -> Grant:
        """Exchange permits with the pool: one change of its record. Called by the keeper alone.

        Args:
            waiting: how many callers wait for a permit, by their quotas; those in the queues, if not said.
            leaving: the process ends, and keeps nothing.

        Returns:
            The pool's answer.

        Raises:
            StateError: the record cannot be changed; the same report goes again next time.
        """
        if waiting is None:
            waiting = {} if leaving else self.callers.count()
        with self._lock:
            self.flush()
            if self._holding.pending is None:
                self._began_at = self.now()
            self._holding, report = holder_exchange.prepare(
                self._holding, self.own, waiting, self._clock.now(), clock=self.clock_offset, leaving=leaving
            )

        if not self._has_begun:
            self._begin()

        def change(record: FleetRecord) -> tuple[FleetRecord, tuple[FleetRecord, Grant]]:
            after, grant = exchange(record, report, self.own, self._evidence())
            return after, (after, grant)

        pool, grant = self._state.update(self.cell, change)
        with self._lock:
            now = self._clock.now()
            self._error = None
            self._pool = pool
            self._seen_at = now
            self._holding = holder_exchange.receive(self._holding, self.own, grant, now)
            if self._holding.pending is None:
                self._ends_at = self._began_at + self._holding.usable_until - self._holding.prepared_at
            if grant.lost:
                self.forget()
            if self._holding.clock is not None:
                self.clock_offset = clock_offset.narrow(self.clock_offset, self._holding.clock)
            self.observed.update(grant.observed)
        return grant

    def fail(self, error: StateError) -> bool:
        """Note that an exchange failed; whether that is news, and calls can go on for a while."""
        with self._lock:
            now = self._clock.now()
            is_news = self._error is None and now < self._holding.usable_until
            self._error = error
            self._failed_at = now
        return is_news

    def _begin(self) -> None:
        """Let a pool that does not exist yet begin with the record of earlier versions, if there is one."""
        earlier = self._earlier
        if earlier.key in self._state.keys(earlier.key):
            self.cell = self.cell._replace(empty=begin(self._state.read(earlier)))
        self._has_begun = True

    def _evidence(self) -> ClockReading:
        return ClockReading(self._boot, self._clock.now(), self._clock.wall(), self._state.server_wall)

    def _open_holding(self) -> Holding:
        return holdings.open_holding(f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(6)}", self.own)


def _do_nothing() -> None:
    """There are no batches."""
