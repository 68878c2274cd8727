# SPDX-License-Identifier: Apache-2.0
"""Acquires permits in batches where there are plenty: a tenth of the work for a call that need not wait.

The record of an account changes twice per call. If no other process uses the record, permits are acquired in batches,
as many as were used in the last `BATCH_S` and at most a small share of the available ones, and answered requests are
released in batches. Both comply with the proof in `core.quota.permits`, where a permit is held from before its request
is sent until after its response: here it is held from when the batch was acquired, and its response counts as arriving
together with the last one of the same batch.

Anything other than a plain success, and any news about a quota, is recorded immediately, after everything that was
deferred. The same applies to every query of what is left.

Ctrl-C can interrupt a thread between any two lines, so that a permit is lost or returned twice. Each batch counts how
many permits each thread has in hand; `recover_interrupted` reconciles the record with those of all other threads.
"""

from __future__ import annotations

from contextlib import suppress
from math import inf
from threading import get_ident
from typing import TYPE_CHECKING, Final

from callwell.core.quota.account import AnsweredBatch
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import PLAIN_SUCCESS, SERVER_ERROR, TOO_MANY_REQUESTS
from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from callwell.client.quota.account import Account
    from callwell.client.quota.leases.account import LeasedAccount
    from callwell.client.quota.leases.waiting import Queue
    from callwell.clock import Clock
    from callwell.core.clock_offset import ClockOffset
    from callwell.core.quota.record import SendEnd
    from callwell.errors import StateError
    from callwell.state.base import State

MAX_BATCH: Final = 128
"""The most permits in a batch: more would save less than a hundredth of a call."""

BATCH_S: Final = 0.05
"""Seconds for which a batch is used: about one bin of a per-minute quota, so that its permits are barely held
longer."""


class PermitBatch:
    """Permits acquired ahead, and releases deferred, for the calls of one set of quotas.

    Args:
        defers_release: answered requests are released in batches; off if each response counts.

    Attributes:
        defers_release: see above.
        permit: the common value of the permits in the current batch.
        unused: permits of the batch that no call has taken yet.
        used: permits of the batch that were taken.
        size: how many permits are acquired together.
        valid_until: when the current batch expires.
        extra_s: how much longer than usual the requests of the current batch may take.
        begun: calls that took a permit of the batch, and that the retry budget has not counted yet.
        answered: answered requests that have not been released yet.
        answered_at: when the last of them was answered.
        first_acquired_at: when the first of their permits was acquired.
        in_hand: by thread, the permits of any batch that it has.
    """

    __slots__ = (
        "answered",
        "answered_at",
        "begun",
        "defers_release",
        "extra_s",
        "first_acquired_at",
        "in_hand",
        "permit",
        "size",
        "unused",
        "used",
        "valid_until",
    )

    def __init__(self, *, defers_release: bool) -> None:
        self.defers_release = defers_release
        self.permit = Permit(-inf, inf)
        self.unused = 0
        self.used = 0
        self.size = 1
        self.valid_until = -inf
        self.extra_s = 0.0
        self.begun = 0
        self.answered = 0
        self.answered_at = -inf
        self.first_acquired_at = inf
        self.in_hand: dict[int, int] = {}

    def remove_in_hand(self) -> None:
        """Count one permit less in this thread's hand."""
        thread = get_ident()
        left = self.in_hand.pop(thread, 1) - 1
        if left:
            self.in_hand[thread] = left

    def forget(self) -> None:
        """Forget unused permits and deferred releases: `reconcile` accounts for them."""
        self.unused = 0
        self.valid_until = -inf
        self.begun = 0
        self.answered = 0
        self.first_acquired_at = inf


class PermitBatcher:
    """The permits of an account that only one client uses, or of one process's part of a shared account.

    It has the same methods as the account.

    Args:
        account: the account, whose record no other process uses.
        clock: the source of times.

    Attributes:
        observed: see `Account`.
        other_wait_reason: see `Account`.
        poll_s: see `Account`.
    """

    def __init__(self, account: Account | LeasedAccount, clock: Clock) -> None:
        account.hold_until_released()
        self.observed = account.observed
        self.other_wait_reason = account.other_wait_reason
        self.poll_s = account.poll_s
        self._account = account
        self._clock = clock
        self._now = account.now
        self._batches: dict[tuple[str, ...], PermitBatch] = {}
        self._lock: AbstractContextManager[object] = account.make_lock()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """Forget the permits of the parent process, since a forked child has none of them."""
        self._batches = {}
        self._lock = self._account.make_lock()

    @property
    def clock_offset(self) -> ClockOffset | None:
        """See `Account`."""
        return self._account.clock_offset

    @clock_offset.setter
    def clock_offset(self, offset: ClockOffset | None) -> None:
        self._account.clock_offset = offset

    @property
    def error(self) -> StateError | None:
        """See `Account`."""
        return self._account.error

    def add_queue(self, queue: Queue) -> None:
        """Count the waiting callers of a queue, if permits come from other processes."""
        self._account.add_queue(queue)

    def acquire(self, names: tuple[str, ...], *, retrying: bool, extra_s: float = 0.0) -> Permit | float:
        """Acquire a permit of each quota, or say when to ask again: see `Account.acquire`.

        Permits of this account are held until they are released. Only a breaker's trial and a request of an
        undocumented quota have a time limit; neither is ever part of a batch.
        """
        with self._lock:
            batch = self._batches.get(names)
            if batch is None:
                batch = PermitBatch(defers_release=not self._account.own.adaptives)
                self._batches[names] = batch
            now = self._now()
            acquired: Permit | float
            if batch.unused and not retrying and now < batch.valid_until and extra_s <= batch.extra_s:
                batch.unused -= 1
                batch.used += 1
                batch.begun += 1
                acquired = batch.permit
            else:
                acquired = self._acquire_batch(names, batch, now, retrying=retrying, extra_s=extra_s)
                if not isinstance(acquired, Permit):
                    return acquired
            thread = get_ident()
            batch.in_hand[thread] = batch.in_hand.get(thread, 0) + 1
            return acquired

    def release(self, names: tuple[str, ...], permit: Permit, end: SendEnd) -> bool:
        """Release a permit, and learn from how its Send ended: see `Account.release`."""
        with self._lock:
            batch = self._batches[names]
            # An abandoned permit expires: it is in no thread's hand, and has its own bin.
            is_abandoned = permit.expires_at != inf
            if not is_abandoned:
                batch.remove_in_hand()
            is_plain = end is PLAIN_SUCCESS or (
                0 < end.status < SERVER_ERROR and end.status != TOO_MANY_REQUESTS and not end.hints
            )
            if is_plain and not is_abandoned and batch.defers_release:
                if permit.acquired_at < batch.first_acquired_at:
                    if permit.acquired_at <= self._account.void_until:
                        return True
                    batch.first_acquired_at = permit.acquired_at
                batch.answered += 1
                batch.answered_at = self._clock.now()
                if batch.answered >= batch.size:
                    self._release_answered(names, batch)
                return True
            self._flush()
            return self._account.release(names, permit, end)

    def abandon(self, names: tuple[str, ...], permit: Permit, closes_at: float) -> Permit:
        """Hold the permit of a cancelled caller: see `Account.abandon`."""
        with self._lock:
            self._batches[names].remove_in_hand()
            self._flush()
            return self._account.abandon(names, permit, closes_at)

    def return_unused(self, names: tuple[str, ...], permit: Permit) -> None:
        """Return a permit that was certainly not used."""
        with self._lock:
            self._batches[names].remove_in_hand()
            self._flush()
            self._account.return_unused(names, permit)

    def recover_interrupted(self, *, sent: bool, closes_at: float) -> None:
        """Reconcile the record after an interrupt of this thread, which no longer has a permit in hand.

        Args:
            sent: the thread may have sent a request.
            closes_at: the latest time at which that request's connection closes.
        """
        thread = get_ident()
        in_hand: dict[str, int] = {}
        maybe_used: dict[str, int] = {}
        with self._lock:
            # More than one in hand: other tasks of this thread's event loop, which may be sending.
            others = max(0, sum([batch.in_hand.get(thread, 0) for batch in self._batches.values()]) - 1)
            if others:
                closes_at = max(closes_at, self._clock.now() + self._account.own.max_hold_s)
            for names, batch in self._batches.items():
                batch.in_hand.pop(thread, None)
                for name in names:
                    in_hand[name] = in_hand.get(name, 0) + sum(batch.in_hand.values())
                    maybe_used[name] = maybe_used.get(name, 0) + batch.answered + sent + others
                batch.forget()
            self._account.reconcile(in_hand, maybe_used, closes_at)

    def flush(self) -> None:
        """Bring the record up to date: return permits acquired ahead, and make deferred releases."""
        with self._lock:
            self._flush()

    def forget(self) -> None:
        """Forget permits acquired ahead and deferred releases: they now belong to other processes."""
        with self._lock:
            for batch in self._batches.values():
                batch.forget()

    def spent(self, *, refresh: bool = False) -> Mapping[str, tuple[int, int]]:
        """By quota: unavailable permits and the limit. See `LeasedAccount.spent`."""
        self.flush()
        return self._account.spent(refresh=refresh)

    def breaker_open_s(self) -> float:
        """For how many more seconds the circuit breaker is open; 0 if it is closed."""
        with self._lock:
            return self._account.breaker_open_s()

    def _acquire_batch(
        self, names: tuple[str, ...], batch: PermitBatch, now: float, *, retrying: bool, extra_s: float
    ) -> Permit | float:
        # A batch that was used up in time is doubled; otherwise the next one shrinks to what was used.
        size = 2 * batch.size if now < batch.valid_until else max(1, batch.used)
        batch.size = min(MAX_BATCH, size)
        self._return_unused(names, batch)
        acquired, count = self._account.acquire_batch(names, batch.size, retrying=retrying, extra_s=extra_s)
        if not isinstance(acquired, Permit) and self._flush():
            acquired, count = self._account.acquire_batch(names, 1, retrying=retrying, extra_s=extra_s)
        if isinstance(acquired, Permit):
            batch.permit = acquired
            batch.unused = count - 1
            batch.used = 1
            batch.valid_until = min(now + BATCH_S, self._account.usable_until)
            batch.extra_s = extra_s if self._account.usable_until < inf else inf
        return acquired

    def _return_unused(self, names: tuple[str, ...], batch: PermitBatch) -> None:
        if batch.unused:
            self._account.return_unused(names, batch.permit, batch.unused)
            batch.unused = 0

    def _release_answered(self, names: tuple[str, ...], batch: PermitBatch) -> None:
        answered = AnsweredBatch(
            acquired_at=batch.first_acquired_at,
            answered=batch.answered,
            answered_at=batch.answered_at,
            begun=batch.begun,
        )
        self._account.release_batch(names, answered)
        batch.answered = 0
        batch.begun = 0
        batch.first_acquired_at = inf

    def _flush(self) -> bool:
        """Bring the record up to date, and return whether that changed it."""
        changed = False
        for names, batch in self._batches.items():
            if batch.unused or batch.answered:
                changed = True
                self._return_unused(names, batch)
                if batch.answered:
                    self._release_answered(names, batch)
        return changed


class AccountHandle:
    """A client's use of an account, until it is released.

    Args:
        account: the permits.
        release: called once, at the end; it may block on the state. None if there is nothing to do.
        state: the state through which all clients of this process poll for changes by others; None if it is not shared.

    Attributes:
        account: see above.
        state: see above.
    """

    def __init__(
        self,
        account: Account | PermitBatcher,
        release: Callable[[], None] | None = None,
        state: State | None = None,
    ) -> None:
        self.account = account
        self.state = state
        self._release = [] if release is None else [release]

    def release(self) -> None:
        """End the use. Calling it again does nothing, even from another thread at the same time."""
        with suppress(IndexError):
            release = self._release.pop()
            release()
