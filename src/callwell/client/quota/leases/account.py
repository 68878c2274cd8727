# SPDX-License-Identifier: Apache-2.0
"""One process's part of an account in a shared state: calls use the permits it holds, and never wait for the store.

It has the same methods as `client.quota.account.Account`. Each is one change of a `Holding` under a lock, decided by
`core.quota.holdings`. A call that finds no permit wakes the keeper, which performs the exchanges (`keeper`).
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
"""Seconds between two exchanges with a failing state, during which its error is raised: the usual interval."""


class LeasedAccount:
    """The permits that this process holds of one account.

    Args:
        profile: the provider's profile, with the quotas.
        name: of the account: provider, environment, origin and account.
        state: the state with the pool's record.
        clock: the source of times.
        wake: called when an exchange may be due sooner than before; it must not block.

    Attributes:
        own: the quotas by this profile.
        now: the clock for the end of a lease. It continues while the machine sleeps, if the clock supports that
            (`SystemClock.through_sleep`), since others may get the permits meanwhile.
        observed: the state of quotas by name, as of the last responses with quota headers.
        cell: the record of the pool.
        clock_offset: by how much the provider's time of day is ahead of the clock's monotonic seconds, if known.
        callers: the callers that wait for a permit.
        other_wait_reason: see `Account`.
        poll_s: seconds after which a caller that waits asks again without being woken: exchanges wake it.
        flush: brings the holding up to date: returns permits acquired ahead, and makes deferred releases.
        forget: forgets both, because the lease was lost.
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
        """Start with nothing, since the permits belong to the parent process."""
        self._lock = threading.RLock()
        self._holding = self._open_holding()
        self._ends_at = -inf
        self._error = None

    def make_lock(self) -> AbstractContextManager[object]:
        """The lock for batches of permits: the account's own, so that batches end together with a lease."""
        return self._lock

    def hold_until_released(self) -> None:
        """Do nothing: a process's permits come back when they are released, and never expire."""

    def add_queue(self, queue: Queue) -> None:
        """Count and wake the callers of a queue."""
        self.callers.add(queue)

    @property
    def usable_until(self) -> float:
        """When the lease ends, according to `now`: permits that were acquired ahead are not used after that."""
        return self._ends_at

    @property
    def void_until(self) -> float:
        """Permits that were acquired before that time belong to a lost lease, and are not released."""
        return self._holding.since

    @property
    def error(self) -> StateError | None:
        """Why the last exchange failed; None if it did not."""
        return self._error

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to report to the pool."""
        return holder_exchange.due_at(self._holding, self.own, {}) == inf

    def acquire(self, names: Names, *, retrying: bool, extra_s: float = 0.0) -> Permit | float:
        """Acquire a permit of each quota: see `acquire_batch`."""
        return self.acquire_batch(names, 1, retrying=retrying, extra_s=extra_s)[0]

    def acquire_batch(
        self, names: Names, wanted: int, *, retrying: bool, extra_s: float = 0.0
    ) -> tuple[Permit | float, int]:
        """Acquire permits of each quota from the process's holding.

        Args:
            names: the quotas.
            wanted: how many.
            retrying: the first is for a retry.
            extra_s: how much longer than usual the requests may take.

        Returns:
            The permit and the number of permits, or when to ask again and 0; infinite if only an exchange can bring
            one.

        Raises:
            StateError: there is no permit, and the state has just failed permanently.
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
        """Release a permit after its Send; returns whether the retry budget allows a retry."""
        call = self._calls[names]
        with self._lock:
            self._holding, released = holdings.release(self._holding, call, permit, end, self._clock.now())
        if end.status == TOO_MANY_REQUESTS or end.status >= SERVER_ERROR or not end.status:
            self._wake()
        return released.may_retry

    def release_batch(self, names: Names, batch: AnsweredBatch) -> None:
        """Release the permits of several answered requests together."""
        call = self._calls[names]
        with self._lock:
            self._holding = holdings.release_batch(self._holding, call, batch, self._clock.now())

    def return_unused(self, names: Names, permit: Permit, count: int = 1) -> None:
        """Return permits that were certainly not used."""
        call = self._calls[names]
        with self._lock:
            self._holding = holdings.return_unused(self._holding, call, permit, count, self._clock.now())

    def abandon(self, names: Names, permit: Permit, closes_at: float) -> Permit:
        """Hold the permit of a cancelled caller until its request ends."""
        call = self._calls[names]
        with self._lock:
            self._holding, abandoned = holdings.abandon(self._holding, call, permit, closes_at, self._clock.now())
        return abandoned

    def reconcile(self, in_hand: Mapping[str, int], maybe_used: Mapping[str, int], closes_at: float) -> None:
        """Reconcile the holding with its callers after an interrupt."""
        with self._lock:
            self._holding = holdings.reconcile(self._holding, self.own, in_hand, maybe_used, closes_at)

    def spent(self, *, refresh: bool = False) -> Mapping[str, tuple[int, int]]:
        """By quota: unavailable permits of the whole fleet, and the limit.

        Args:
            refresh: read the record, which waits for the store; otherwise use the result of the last exchange.

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
        """For how many more seconds the circuit breaker is open; 0 if it is closed."""
        with self._lock:
            now = self._clock.now()
            return max(0.0, breaker.available_at(self._holding.record.breaker, now) - now)

    def due_at(self) -> float:
        """When the next exchange is due, in monotonic seconds; infinite if none is."""
        waiting = self.callers.count()
        with self._lock:
            at = holder_exchange.due_at(self._holding, self.own, waiting)
            if self._holding.has_lease and self.now() >= self._ends_at:
                at = -inf  # the machine has slept: waiting callers need another lease
            return at if self._error is None else max(at, self._failed_at + RETRY_S)

    def exchange(self, waiting: Mapping[Names, int] | None = None, *, leaving: bool = False) -> Grant:
        """Exchange permits with the pool: one change of its record. Called by the keeper alone.

        Args:
            waiting: how many callers wait for a permit, by their quotas; by default those in the queues.
            leaving: the process ends, and keeps nothing.

        Returns:
            The pool's answer.

        Raises:
            StateError: the record cannot be changed; the same report is sent again next time.
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
        """Record that an exchange failed; returns whether that is new, and calls can continue for a while."""
        with self._lock:
            now = self._clock.now()
            is_news = self._error is None and now < self._holding.usable_until
            self._error = error
            self._failed_at = now
        return is_news

    def _begin(self) -> None:
        """Start a new pool from the record of earlier versions, if there is one."""
        earlier = self._earlier
        if earlier.key in self._state.keys(earlier.key):
            self.cell = self.cell._replace(empty=begin(self._state.read(earlier)))
        self._has_begun = True

    def _evidence(self) -> ClockReading:
        return ClockReading(self._boot, self._clock.now(), self._clock.wall(), self._state.server_wall)

    def _open_holding(self) -> Holding:
        return holdings.open_holding(f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(6)}", self.own)


def _do_nothing() -> None:
    """Do nothing: there are no batches."""
