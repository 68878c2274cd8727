# SPDX-License-Identifier: Apache-2.0
"""The account of a client: its permits, retry budget and breaker, in one record of the state.

Each method is one atomic change of the record, which `core.quota.account` decides; the clock is read inside the change,
so that times in the record never go back.
"""

from __future__ import annotations

import threading
from math import inf
from typing import TYPE_CHECKING, Final

from callwell.core import breaker
from callwell.core.quota import account as decisions
from callwell.core.quota.record import AccountRecord, CallQuotasByNames, to_account_quotas, to_private
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from callwell.clock import Clock
    from callwell.core.clock_offset import ClockOffset
    from callwell.core.quota.account import AnsweredBatch, ObservedQuota
    from callwell.core.quota.permits import Permit
    from callwell.core.quota.record import SendEnd
    from callwell.core.rules.profile import Profile
    from callwell.errors import StateError
    from callwell.state.base import State

POLL_S: Final = 0.5
"""Seconds after which a caller that waits for a release asks again: another client, which cannot wake it, may have
released a permit."""


class Account:
    """The permits, the retry budget and the breaker of one account.

    Args:
        profile: the provider's profile, with the quotas.
        name: of the record: provider, environment, origin and account.
        state: the state with the record.
        clock: the source of its times.

    Attributes:
        own: the quotas by this profile.
        observed: the state of quotas by name, as of the last responses with quota headers.
        clock_offset: by how much the provider's time of day is ahead of the clock's monotonic seconds, if known.
        other_wait_reason: why a quota that is not used up may have no permit, for display.
        poll_s: seconds after which a caller that waits asks again without being woken.
        now: the clock for the expiry of permits that were acquired ahead; see `LeasedAccount`.
        usable_until: the latest time at which they may be used.
        void_until: permits that were acquired before that time are not released.
        error: why the state is unusable.
    """

    other_wait_reason = "paced after a 429"
    poll_s = POLL_S
    usable_until = inf
    void_until = -inf
    error: StateError | None = None

    def __init__(self, profile: Profile, name: str, state: State, clock: Clock) -> None:
        self.own = to_account_quotas(profile.quotas, profile.retry)
        self.observed: dict[str, ObservedQuota] = {}
        self.clock_offset: ClockOffset | None = None
        self._calls = CallQuotasByNames(self.own)
        self.now = clock.now
        self._state = state
        self._clock = clock
        self._cell = Cell(f"account:{name}", AccountRecord, AccountRecord())

    def hold_until_released(self) -> None:
        """Declare that only one client uses the record: permits come back when they are released, and never expire."""
        self.own = to_private(self.own)
        self._calls = CallQuotasByNames(self.own)

    def make_lock(self) -> AbstractContextManager[object]:
        """The lock for batches of permits."""
        return threading.Lock()

    def add_queue(self, queue: object) -> None:
        """Do nothing: waiting callers ask again by themselves."""

    def acquire(self, names: tuple[str, ...], *, retrying: bool, extra_s: float = 0.0) -> Permit | float:
        """Acquire a permit of each quota.

        Args:
            names: the quotas.
            retrying: the permit is for a retry, which the retry budget pays for.
            extra_s: how much longer than usual the request may take.

        Returns:
            The permit, or when to ask again; infinite if a permit must be released first.
        """
        return self.acquire_batch(names, 1, retrying=retrying, extra_s=extra_s)[0]

    def acquire_batch(
        self, names: tuple[str, ...], wanted: int, *, retrying: bool, extra_s: float = 0.0
    ) -> tuple[Permit | float, int]:
        """Acquire several permits of each quota, for this call and later ones: see `core.quota.account.acquire`.

        Args:
            names: the quotas.
            wanted: how many.
            retrying: the first is for a retry.
            extra_s: how much longer than usual the requests may take.

        Returns:
            The permit and how many there are, or when to ask again and 0.
        """
        call = self._calls[names]

        def change(record: AccountRecord) -> tuple[AccountRecord, tuple[Permit | float, int]]:
            return decisions.acquire(record, call, self._clock.now(), wanted=wanted, retrying=retrying, extra_s=extra_s)

        return self._state.update(self._cell, change)

    def release(self, names: tuple[str, ...], permit: Permit, end: SendEnd) -> bool:
        """Release a permit after its Send, and learn from how it ended.

        Args:
            names: the permit's quotas.
            permit: the permit.
            end: how the Send ended.

        Returns:
            Whether the retry budget allows a retry.
        """
        call = self._calls[names]

        def change(record: AccountRecord) -> tuple[AccountRecord, decisions.Released]:
            return decisions.release(record, call, permit, end, self._clock.now())

        released = self._state.update(self._cell, change)
        self.observed.update(released.observed)
        return released.may_retry

    def release_batch(self, names: tuple[str, ...], batch: AnsweredBatch) -> None:
        """Release the permits of several answered requests together.

        Args:
            names: the permits' quotas.
            batch: the requests.
        """
        call = self._calls[names]
        self._change(lambda record, now: decisions.release_batch(record, call, batch, now))

    def return_unused(self, names: tuple[str, ...], permit: Permit, count: int = 1) -> None:
        """Return permits that were certainly not used.

        Args:
            names: the permits' quotas.
            permit: what they have in common.
            count: how many.
        """
        call = self._calls[names]
        self._change(lambda record, now: decisions.return_unused(record, call, permit, count, now))

    def abandon(self, names: tuple[str, ...], permit: Permit, closes_at: float) -> Permit:
        """Hold the permit of a cancelled caller until its request ends.

        Args:
            names: the permit's quotas.
            permit: the permit.
            closes_at: the latest time at which the connection closes.

        Returns:
            The permit to release when the request has ended.
        """
        call = self._calls[names]

        def change(record: AccountRecord) -> tuple[AccountRecord, Permit]:
            return decisions.abandon(record, call, permit, closes_at, self._clock.now())

        return self._state.update(self._cell, change)

    def recover_interrupted(self, *, sent: bool, closes_at: float) -> None:
        """Do nothing after an interrupt of a thread that may have held a permit: permits of this record expire."""

    def reconcile(self, in_hand: Mapping[str, int], maybe_used: Mapping[str, int], closes_at: float) -> None:
        """Reconcile a private record with its holders after an interrupt.

        Args:
            in_hand: by quota, the permits that holders have.
            maybe_used: by quota, further permits that may have been used.
            closes_at: the latest time at which the last of their connections closes.
        """
        self._change(lambda record, _: decisions.reconcile(record, self.own, in_hand, maybe_used, closes_at))

    def spent(self, *, refresh: bool = False) -> Mapping[str, tuple[int, int]]:  # noqa: ARG002 - there is one record
        """By quota: unavailable permits and the limit; requests in flight if no limit is documented."""
        return decisions.spent(self._state.read(self._cell), self.own, self._clock.now())

    def breaker_open_s(self) -> float:
        """For how many more seconds the circuit breaker is open; 0 if it is closed."""
        now = self._clock.now()
        return max(0.0, breaker.available_at(self._state.read(self._cell).breaker, now) - now)

    def _change(self, decide: Callable[[AccountRecord, float], AccountRecord]) -> None:
        """Apply a decision to the record, in one step."""

        def change(record: AccountRecord) -> tuple[AccountRecord, None]:
            return decide(record, self._clock.now()), None

        self._state.update(self._cell, change)
