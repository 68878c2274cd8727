# SPDX-License-Identifier: Apache-2.0
"""Permits by the lot, where there are plenty: a tenth of the work for a call that waits for nothing.

The record of an account changes twice a call. Where nobody outside this client sees the record, permits are taken from
it several at once, as many as were lent in the last `BATCH_S`, and at most a small share of those that are cool; and
answers are booked several at once. Both keep to the proof in `core.quota.permits`, which wants a permit held from
before its request is sent until after its answer: it is held from when the lot was taken, and its answer counts as
having come when the last one of those booked with it did.

Whatever is not plain success, or teaches how a quota stands, goes to the record at once, after all that was put off.
So does every question whether something is left.

Ctrl-C can strike a thread between any two lines, so that a permit is in nobody's hand, or back twice. It is known how
many each thread has in hand; `recover` makes the record agree with what all other threads have.
"""

from __future__ import annotations

import threading
from math import inf
from threading import get_ident
from typing import TYPE_CHECKING, Final

from callwell.core.quota.permits import Permit
from callwell.core.quota.record import PLAIN_SUCCESS, TOO_MANY_REQUESTS
from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.client.quota.account import Account
    from callwell.clock import Clock
    from callwell.core.quota.record import SendEnd

MAX_BATCH: Final = 128
"""Permits of a lot, at most: more of them would save less than a hundredth of a call."""

SERVER_ERROR: Final = 500

BATCH_S: Final = 0.05
"""For how long a lot is lent from: about a bin of a quota per minute."""


class PermitBatch:
    """What was put off for the calls of one set of quotas."""

    __slots__ = ("answered", "answered_at", "begun", "lent", "out", "permit", "since", "size", "stock", "until")

    def __init__(self) -> None:
        self.permit = Permit(-inf, inf)
        self.stock = 0
        self.lent = 0
        self.size = 1
        self.until = -inf
        self.begun = 0
        self.answered = 0
        self.answered_at = -inf
        self.since = inf
        self.out: dict[int, int] = {}

    def lend(self) -> None:
        """This thread has one more in hand."""
        thread = get_ident()
        self.out[thread] = self.out.get(thread, 0) + 1

    def back(self) -> None:
        """This thread has one less in hand."""
        thread = get_ident()
        left = self.out.pop(thread, 1) - 1
        if left:
            self.out[thread] = left


class PermitBatcher:
    """The permits of an account that only one client uses. To be asked like the account itself.

    Args:
        account: whose record nobody else sees.
        clock: whose seconds are meant.

    Attributes:
        observed: see `Account`.
    """

    def __init__(self, account: Account, clock: Clock) -> None:
        account.hold_until_released()
        self.observed = account.observed
        self._account = account
        self._clock = clock
        self._drawers: dict[tuple[str, ...], PermitBatch] = {}
        self._lock = threading.Lock()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """A child has none of the permits that its parent took."""
        self._drawers = {}
        self._lock = threading.Lock()

    def acquire(self, names: tuple[str, ...], *, retrying: bool, longer_s: float = 0.0) -> Permit | float:
        """One permit of each of these quotas, or when to ask again: see `Account.acquire`.

        Permits of this account are held until they are settled. Only the attempt by which a provider is tried, and a
        slot of a quota that nobody documents, have a longest time: neither is ever one of a lot.
        """
        with self._lock:
            drawer = self._drawers.get(names)
            if drawer is None:
                drawer = self._drawers[names] = PermitBatch()
            now = self._clock.now()
            if drawer.stock and not retrying and now < drawer.until:
                drawer.lend()
                drawer.stock -= 1
                drawer.lent += 1
                drawer.begun += 1
                return drawer.permit
            got = self._draw(names, drawer, now, retrying=retrying, longer_s=longer_s)
            if isinstance(got, Permit):
                drawer.lend()
            return got

    def release(self, names: tuple[str, ...], permit: Permit, end: SendEnd) -> bool:
        """Take a permit back, and learn from the end of its Send: see `Account.release`."""
        with self._lock:
            if permit.expires_at == inf:
                self._drawers[names].back()
            plain = end is PLAIN_SUCCESS or (
                0 < end.status < SERVER_ERROR and end.status != TOO_MANY_REQUESTS and not end.hints
            )
            if plain and permit.expires_at == inf:  # one that was left has a bin of its own
                drawer = self._drawers[names]
                drawer.answered += 1
                drawer.answered_at = self._clock.now()
                drawer.since = min(drawer.since, permit.acquired_at)
                if drawer.answered >= drawer.size:
                    self._book(names, drawer)
                return True
            self._empty()
            return self._account.release(names, permit, end)

    def abandon(self, names: tuple[str, ...], permit: Permit, closes_at: float) -> Permit:
        """Hold a permit whose caller has gone until its request has ended: see `Account.abandon`."""
        with self._lock:
            self._drawers[names].back()
            self._empty()
            return self._account.abandon(names, permit, closes_at)

    def recover_interrupted(self, *, sent: bool, closes_at: float) -> None:
        """Put right what an interrupt of this thread has left: it has no permit in hand any more.

        Args:
            sent: it may have sent a request.
            closes_at: when the connection of that is closed at the latest.
        """
        lent: dict[str, int] = {}
        used: dict[str, int] = {}
        with self._lock:
            others = sum([drawer.out.get(get_ident(), 0) for drawer in self._drawers.values()]) - 1
            if others > 0:  # tasks of this thread's loop, which may be sending
                closes_at = max(closes_at, self._clock.now() + self._account.max_hold_s)
            for names, drawer in self._drawers.items():
                drawer.out.pop(get_ident(), None)
                for name in names:
                    lent[name] = lent.get(name, 0) + sum(drawer.out.values())
                    used[name] = used.get(name, 0) + drawer.answered + sent + max(0, others)
                drawer.stock = 0
                drawer.answered = 0
                drawer.begun = 0
                drawer.since = inf
                drawer.until = -inf
            self._account.reconcile(lent, used, closes_at)

    def return_unused(self, names: tuple[str, ...], permit: Permit) -> None:
        """Take a permit back that was surely not used."""
        with self._lock:
            self._drawers[names].back()
            self._empty()
            self._account.return_unused(names, permit)

    def spent(self) -> Mapping[str, tuple[int, int]]:
        """By quota: permits that are not to be had now, and the limit."""
        with self._lock:
            self._empty()
            return self._account.spent()

    def breaker_open_s(self) -> float:
        """For how long the provider is left alone after failures in a row; 0 if it is not."""
        with self._lock:
            return self._account.breaker_open_s()

    def _draw(
        self, names: tuple[str, ...], drawer: PermitBatch, now: float, *, retrying: bool, longer_s: float
    ) -> Permit | float:
        drawer.size = min(MAX_BATCH, 2 * drawer.size if now < drawer.until else max(1, drawer.lent))
        self._return(names, drawer)
        got, count = self._account.acquire_batch(names, drawer.size, retrying=retrying, longer_s=longer_s)
        if not isinstance(got, Permit) and self._empty():
            got, count = self._account.acquire_batch(names, 1, retrying=retrying, longer_s=longer_s)
        if isinstance(got, Permit):
            drawer.permit, drawer.stock, drawer.lent, drawer.until = got, count - 1, 1, now + BATCH_S
        return got

    def _return(self, names: tuple[str, ...], drawer: PermitBatch) -> None:
        if drawer.stock:
            self._account.return_unused(names, drawer.permit, drawer.stock)
            drawer.stock = 0

    def _book(self, names: tuple[str, ...], drawer: PermitBatch) -> None:
        first = Permit(drawer.since, inf)
        self._account.release_batch(names, first, drawer.answered, drawer.begun, drawer.answered_at)
        drawer.answered = drawer.begun = 0
        drawer.since = inf

    def _empty(self) -> bool:
        """Bring the record up to date, and say whether that changed it."""
        changed = False
        for names, drawer in self._drawers.items():
            if drawer.stock or drawer.answered:
                changed = True
                self._return(names, drawer)
                if drawer.answered:
                    self._book(names, drawer)
        return changed
