# SPDX-License-Identifier: Apache-2.0
"""What all calls of one account share: its permits and its retry budget, in one record of the state.

The record is changed before a request is sent and after its end, each time in one step. Times in it are monotonic
seconds of this machine's present boot. A record of an earlier boot, or of another clock, is moved: what was the moment
of its last change is now as long ago as the wall clocks say, and never in the future.

A record that is damaged is taken to be the worst: all its permits cool as if they had just been used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core import breaker, permits, retry
from callwell.core.breaker import Breaker  # noqa: TC001 - a stored `Shared` is read by its annotations
from callwell.core.permits import Bucket, Permit
from callwell.core.retry import Budget
from callwell.core.types import Outcome
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.clock import Clock
    from callwell.core.permits import Quota
    from callwell.core.rules import Profile
    from callwell.state.base import State

PAUSE_S: Final = 30.0
"""The longest pause of a process between taking a permit and sending that the proof covers (P)."""

TOO_MANY: Final = 429

BOOT_FILE: Final = Path("/proc/sys/kernel/random/boot_id")


class Shared(NamedTuple):
    """The record.

    Attributes:
        buckets: by the quota's name.
        budget: the retry budget.
        boot: of which boot and clock the times are.
        at: when it was last changed.
        wall: the same by the wall clock.
        known: a quota without a bucket was never used; else its past is not known.
        knocking: the breaker.
        rules: the quotas by which the bins are made; with others, a bucket's past is not known.
    """

    buckets: dict[str, Bucket] = {}  # noqa: RUF012 - never changed in place
    budget: Budget = Budget()
    boot: str = ""
    at: float = 0.0
    wall: float = 0.0
    known: bool = True
    knocking: Breaker = breaker.CLOSED
    rules: str = ""


class End(NamedTuple):
    """How a Send ended, as far as permits and budget need to know.

    Attributes:
        outcome: `REFUSED` if nothing was sent, `UNKNOWN` if no answer came, `DONE` for any answer.
        status: the HTTP status of the answer.
        wait_s: for how long a 429 asks to be left alone.
        open_s: without an answer: for how long the request may still be sent, since it was only let go of.
    """

    outcome: Outcome
    status: int = 0
    wait_s: float | None = None
    open_s: float = 0.0


class Account:
    """The permits and the retry budget of one account.

    Args:
        profile: whose quotas they are.
        name: of the record: provider, environment, origin and account.
        state: where the record is.
        clock: whose seconds are in it.
    """

    def __init__(self, profile: Profile, name: str, state: State, clock: Clock) -> None:
        transit_s = profile.retry.max_transit_s
        self.quotas = {key: permits.quota(rule, transit_s) for key, rule in profile.quotas.items()}
        self.shared = state.shared
        self._hold_s = profile.retry.attempt_s + PAUSE_S if state.shared else float("inf")
        self._try_s = profile.retry.attempt_s + PAUSE_S
        self._sets: dict[tuple[str, ...], tuple[Quota, ...]] = {}
        self._state = state
        self._clock = clock
        self._boot = f"{_boot()} {clock}" if state.shared else ""
        self._rules = " ".join(f"{key}={q.limit}/{q.window_s:g}+{q.transit_s:g}" for key, q in self.quotas.items())
        self._cell = Cell(f"account:{name}", Shared, Shared(), Shared(known=False))

    def take(self, names: tuple[str, ...], *, retrying: bool) -> Permit | float:
        """One permit of each of these quotas, or when to ask again; infinite if a permit must be settled first.

        While one attempt is under way to see whether the provider is back, that is the one to be settled.

        Args:
            names: the quotas.
            retrying: the permit is for a repetition, which the retry budget pays for.
        """
        return self.take_lot(names, 1, retrying=retrying)[0]

    def take_lot(self, names: tuple[str, ...], most: int, *, retrying: bool) -> tuple[Permit | float, int]:
        """Several permits of each of these quotas at once, for one call and the next ones, or when to ask again.

        Args:
            names: the quotas.
            most: how many are wanted; there are fewer where permits are scarce or the provider has just failed.
            retrying: the first is for a repetition.

        Returns:
            what all of them have in common, and how many they are.
        """
        quotas = self._of(names)

        def change(shared: Shared) -> tuple[Shared, tuple[Permit | float, int]]:
            now, shared = self._present(shared)
            knocking, before = shared.knocking, self._buckets(shared, names, now)
            knock_at = breaker.ready_at(knocking, now)
            if knock_at > now:
                return shared, (float("inf") if breaker.half_open(knocking, now) else knock_at, 0)
            count = 1 if most == 1 or knocking.failures else max(1, min(most, permits.spare(quotas, before, now)))
            buckets, got = permits.take(quotas, before, now, self._hold_s, count)
            if not isinstance(got, Permit):
                return self._with(shared, names, buckets), (got, 0)
            budget = retry.spend(shared.budget) if retrying else retry.begin(shared.budget)
            knocking = breaker.admit(knocking, now, self._try_s)
            return self._with(shared, names, buckets, budget, knocking), (got, count)

        return self._state.update(self._cell, change)

    def book(self, names: tuple[str, ...], first: Permit, answered: int, begun: int, at: float) -> None:
        """Take permits back whose requests had an answer that was neither a failure nor a 429.

        Args:
            names: their quotas.
            first: the one that was taken first.
            answered: how many.
            begun: how many calls began that no permit of their own was taken for.
            at: when the last answer came.
        """
        quotas = self._of(names)

        def change(shared: Shared) -> tuple[Shared, None]:
            now, shared = self._present(shared)
            before = zip(quotas, self._buckets(shared, names, now), strict=True)
            buckets = tuple([permits.answer(q, b, first, at, count=answered) for q, b in before])
            budget = retry.succeeded(retry.begin(shared.budget, begun), answered)
            knocking = breaker.record(shared.knocking, now, failed=False) if answered else shared.knocking
            return self._with(shared, names, buckets, budget, knocking), None

        self._state.update(self._cell, change)

    def settle(self, names: tuple[str, ...], permit: Permit, end: End) -> bool:
        """Take a permit back, and learn from the end of its Send.

        Args:
            names: its quotas.
            permit: the permit.
            end: how the Send ended.

        Returns:
            whether the retry budget allows a repetition.
        """
        quotas = self._of(names)
        failed = end.status >= 500 or not end.status  # noqa: PLR2004 - server errors

        def change(shared: Shared) -> tuple[Shared, bool]:
            now, shared = self._present(shared)
            before = self._buckets(shared, names, now)
            buckets = tuple([_settled(q, b, permit, end, now) for q, b in zip(quotas, before, strict=True)])
            if end.status == TOO_MANY:
                buckets = permits.throttle(quotas, buckets, permit, now, end.wait_s)
            budget = retry.record(shared.budget, failed=failed)
            knocking = breaker.record(shared.knocking, now, failed=failed)
            return self._with(shared, names, buckets, budget, knocking), retry.allows(budget)

        return self._state.update(self._cell, change)

    def unsent(self, names: tuple[str, ...], permit: Permit) -> None:
        """Take a permit back that was surely not used."""
        self.unsold(names, permit, 1)

    def unsold(self, names: tuple[str, ...], permit: Permit, count: int) -> None:
        """Take permits back that were surely not used."""
        quotas = self._of(names)

        def change(shared: Shared) -> tuple[Shared, None]:
            now, shared = self._present(shared)
            before = zip(quotas, self._buckets(shared, names, now), strict=True)
            back = tuple([permits.unsent(q, b, permit, count) for q, b in before])
            return self._with(shared, names, back, knocking=breaker.release(shared.knocking)), None

        self._state.update(self._cell, change)

    def spent(self) -> Mapping[str, tuple[int, int]]:
        """By quota: permits that are not to be had now, and the limit."""
        now, shared = self._present(self._state.read(self._cell))
        buckets = zip(self.quotas.items(), self._buckets(shared, tuple(self.quotas), now), strict=True)
        return {
            name: (permits.spent(quota, permits.harvest(quota, bucket, now)), quota.limit)
            for (name, quota), bucket in buckets
        }

    def _of(self, names: tuple[str, ...]) -> tuple[Quota, ...]:
        quotas = self._sets.get(names)
        if quotas is None:
            quotas = self._sets[names] = tuple([self.quotas[name] for name in names])
        return quotas

    def _buckets(self, shared: Shared, names: tuple[str, ...], now: float) -> tuple[Bucket, ...]:
        return tuple([shared.buckets.get(name) or self._begun(shared, self.quotas[name], now) for name in names])

    @staticmethod
    def _begun(shared: Shared, quota: Quota, now: float) -> Bucket:
        return permits.fresh(quota) if shared.known else permits.unknown(quota, now)

    @staticmethod
    def _with(
        shared: Shared,
        names: tuple[str, ...],
        buckets: tuple[Bucket, ...],
        budget: Budget | None = None,
        knocking: Breaker | None = None,
    ) -> Shared:
        held = {**shared.buckets, **dict(zip(names, buckets, strict=True))}
        return Shared._make((held, budget or shared.budget, *shared[2:6], knocking or shared.knocking, shared.rules))

    def _present(self, shared: Shared) -> tuple[float, Shared]:
        now = self._clock.now()
        if not self.shared:
            return now, shared
        wall, buckets, knocking, known = self._clock.wall(), shared.buckets, shared.knocking, shared.known
        if shared.boot and shared.rules != self._rules:
            buckets, known = {}, False
        if shared.boot and (shared.boot != self._boot or now < shared.at):
            by = now - shared.at - max(0.0, wall - shared.wall)
            buckets = {n: permits.shift(self.quotas[n], b, by) for n, b in buckets.items() if n in self.quotas}
            knocking = breaker.shift(knocking, by)
        return now, Shared(buckets, shared.budget, self._boot, now, wall, known, knocking, self._rules)


def _settled(quota: Quota, bucket: Bucket, permit: Permit, end: End, now: float) -> Bucket:
    if end.status:
        return permits.answer(quota, bucket, permit, now, ok=end.status != TOO_MANY)
    if end.outcome is Outcome.REFUSED:
        return permits.unsent(quota, bucket, permit)
    return permits.abandon(quota, bucket, permit, now + end.open_s)


def _boot() -> str:
    try:
        return BOOT_FILE.read_text(encoding="ascii").strip()
    except OSError:
        return "boot"
