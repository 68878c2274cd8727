# SPDX-License-Identifier: Apache-2.0
"""An account of a shared state, as one process has it: calls use what the process holds, and never touch the store.

It has the methods of `client.quota.account.Account`. Each is one change of a `Holding` under a lock, decided by
`core.quota.holdings`. A call that finds no permit wakes the keeper, which makes the exchanges (`keeper`).
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from typing import TYPE_CHECKING, Final

from callwell.clock import boot_id
from callwell.core import breaker
from callwell.core.quota import account as decisions
from callwell.core.quota import holder_exchange, holdings
from callwell.core.quota.lease_records import FleetRecord
from callwell.core.quota.leases import exchange
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import (
    TOO_MANY_REQUESTS,
    AccountRecord,
    CallQuotasByNames,
    to_account_quotas,
    to_private,
)
from callwell.core.quota.store_time import Evidence
from callwell.forks import reset_after_fork
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.clock import Clock
    from callwell.core.quota.account import AnsweredBatch, ObservedQuota
    from callwell.core.quota.lease_records import Grant, Holding, Names
    from callwell.core.quota.record import SendEnd
    from callwell.core.rules.profile import Profile
    from callwell.errors import StateError
    from callwell.state.base import State

RETRY_S: Final = 0.5
"""Seconds between two exchanges with a state that fails, and for which its error is raised: the usual interval."""


class LeasedAccount:
    """The permits that this process holds of one account.

    Args:
        profile: the provider's profile, with the quotas.
        name: of the account: provider, environment, origin and account.
        clock: where times come from.
        wake: called when an exchange may be due sooner than before; it must not wait.

    Attributes:
        own: the quotas by this profile.
        observed: how quotas stand, by their names, after responses that said something about quotas.
        cell: the record of the pool.
        lost: how many leases were lost so far: permits acquired before belong to others.
    """

    def __init__(self, profile: Profile, name: str, clock: Clock, wake: Callable[[], None]) -> None:
        self.own = to_private(to_account_quotas(profile.quotas, profile.retry))
        self.observed: dict[str, ObservedQuota] = {}
        self.cell = Cell(
            f"fleet:{name}", FleetRecord, FleetRecord(), FleetRecord(account=AccountRecord(past_known=False))
        )
        self.lost = 0
        self._clock = clock
        self._wake = wake
        self._boot = f"{boot_id()} {clock}"
        self._calls = CallQuotasByNames(self.own)
        self._lock = threading.Lock()
        self._holding = self._open_holding()
        self._error: StateError | None = None
        self._failed_at = 0.0
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Begin with nothing: the permits are the parent process's."""
        self._lock = threading.Lock()
        self._holding = self._open_holding()
        self._error = None

    def hold_until_released(self) -> None:
        """Do nothing: what a process holds comes back when it is released, never by itself."""

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
            StateError: there is no permit, and the state has just failed.
        """
        call = self._calls[names]
        with self._lock:
            now = self._clock.now()
            self._holding, acquired = holdings.acquire(
                self._holding, call, now, wanted=wanted, retrying=retrying, extra_s=extra_s
            )
            error = self._error if now < self._failed_at + RETRY_S else None
        if isinstance(acquired[0], Permit):
            return acquired
        if error is not None:
            # A new one each time: tracebacks grow on errors that are raised again.
            raise type(error)(str(error)) from error
        self._wake()
        return acquired

    def release(self, names: Names, permit: Permit, end: SendEnd) -> bool:
        """Take a permit back after its Send; whether the retry budget allows a retry."""
        call = self._calls[names]
        with self._lock:
            self._holding, released = holdings.release(self._holding, call, permit, end, self._clock.now())
        if end.has_failed or end.status == TOO_MANY_REQUESTS:
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

    def spent(self) -> Mapping[str, tuple[int, int]]:
        """By quota: permits that this process cannot use at once, and the limit."""
        with self._lock:
            return decisions.spent(self._holding.record, self.own, self._clock.now())

    def breaker_open_s(self) -> float:
        """For how many seconds the provider is left alone after failures in a row; 0 if it is not."""
        with self._lock:
            now = self._clock.now()
            return max(0.0, breaker.available_at(self._holding.record.breaker, now) - now)

    def due_at(self, waiting: Mapping[Names, int]) -> float:
        """When the next exchange is due, in monotonic seconds; infinite if none is."""
        with self._lock:
            at = holder_exchange.due_at(self._holding, self.own, waiting)
            return at if self._error is None else max(at, self._failed_at + RETRY_S)

    def exchange(self, state: State, waiting: Mapping[Names, int], *, leaving: bool = False) -> Grant:
        """Exchange permits with the pool: one change of its record. Called by the keeper alone.

        Args:
            state: where the record is.
            waiting: callers that wait for a permit, by their quotas.
            leaving: the process ends, and keeps nothing.

        Returns:
            The pool's answer.

        Raises:
            StateError: the record cannot be changed; the same report goes again next time.
        """
        with self._lock:
            self._holding, report = holder_exchange.prepare(
                self._holding, self.own, waiting, self._clock.now(), leaving=leaving
            )
        grant = state.update(self.cell, lambda record: exchange(record, report, self.own, self._evidence(state)))
        with self._lock:
            self._error = None
            self._holding = holder_exchange.receive(self._holding, self.own, grant, self._clock.now())
            self.lost = self._holding.lost
            self.observed.update(grant.observed)
        return grant

    def fail(self, error: StateError) -> bool:
        """Note that an exchange failed; whether the one before it went well."""
        with self._lock:
            is_news = self._error is None
            self._error = error
            self._failed_at = self._clock.now()
        return is_news

    @property
    def is_failing(self) -> bool:
        """Whether the last exchange failed."""
        return self._error is not None

    def _evidence(self, state: State) -> Evidence:
        return Evidence(self._boot, self._clock.now(), self._clock.wall(), state.server_wall)

    def _open_holding(self) -> Holding:
        return holdings.open_holding(f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(6)}", self.own)
