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

from callwell.core import permits, retry
from callwell.core.permits import Bucket, Permit
from callwell.core.retry import Budget
from callwell.core.types import Outcome
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.clock import Clock
    from callwell.core.permits import Quota
    from callwell.core.rules import Profile
    from callwell.state.base import State

PAUSE_S: Final = 30.0
"""The longest pause of a process between taking a permit and sending that the proof covers (P)."""

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
    """

    buckets: dict[str, Bucket] = {}  # noqa: RUF012 - never changed in place
    budget: Budget = Budget()
    boot: str = ""
    at: float = 0.0
    wall: float = 0.0
    known: bool = True


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
        self._state = state
        self._clock = clock
        self._boot = f"{_boot()} {clock}" if state.shared else ""
        self._cell = Cell(f"account:{name}", Shared, Shared(), Shared(known=False))

    def take(self, names: tuple[str, ...], *, retrying: bool) -> Permit | float:
        """One permit of each of these quotas, or when to ask again; infinite if a permit must be settled first.

        Args:
            names: the quotas.
            retrying: the permit is for a repetition, which the retry budget pays for.
        """
        quotas = tuple(map(self.quotas.__getitem__, names))

        def change(shared: Shared) -> tuple[Shared, Permit | float]:
            shared = self._present(shared)
            buckets, got = permits.take(quotas, self._buckets(shared, names), shared.at, self._hold_s)
            budget = shared.budget
            if isinstance(got, Permit):
                budget = retry.spend(budget) if retrying else retry.begin(budget)
            return self._with(shared, names, buckets)._replace(budget=budget), got

        return self._state.update(self._cell, change)

    def settle(self, names: tuple[str, ...], permit: Permit, end: End) -> bool:
        """Take a permit back, and learn from the end of its Send.

        Args:
            names: its quotas.
            permit: the permit.
            end: how the Send ended.

        Returns:
            whether the retry budget allows a repetition.
        """
        quotas = tuple(map(self.quotas.__getitem__, names))

        def change(shared: Shared) -> tuple[Shared, bool]:
            shared = self._present(shared)
            buckets = tuple(map(_settler(permit, end, shared.at), quotas, self._buckets(shared, names)))
            if end.status == 429:  # noqa: PLR2004 - Too Many Requests
                buckets = permits.throttle(quotas, buckets, permit, shared.at, end.wait_s)
            failed = end.status >= 500 or not end.status  # noqa: PLR2004 - server errors
            budget = retry.record(shared.budget, failed=failed)
            return self._with(shared, names, buckets)._replace(budget=budget), retry.allows(budget)

        return self._state.update(self._cell, change)

    def unsent(self, names: tuple[str, ...], permit: Permit) -> None:
        """Take a permit back that was surely not used."""
        quotas = tuple(map(self.quotas.__getitem__, names))

        def change(shared: Shared) -> tuple[Shared, None]:
            shared = self._present(shared)
            buckets = self._buckets(shared, names)
            back = tuple(permits.unsent(q, b, permit) for q, b in zip(quotas, buckets, strict=True))
            return self._with(shared, names, back), None

        self._state.update(self._cell, change)

    def spent(self) -> Mapping[str, tuple[int, int]]:
        """By quota: permits that are not to be had now, and the limit."""
        shared = self._present(self._state.read(self._cell))
        buckets = zip(self.quotas.items(), self._buckets(shared, tuple(self.quotas)), strict=True)
        return {
            name: (permits.spent(quota, permits.harvest(quota, bucket, shared.at)), quota.limit)
            for (name, quota), bucket in buckets
        }

    def _buckets(self, shared: Shared, names: tuple[str, ...]) -> tuple[Bucket, ...]:
        return tuple(shared.buckets.get(name) or self._begun(shared, self.quotas[name]) for name in names)

    def _begun(self, shared: Shared, quota: Quota) -> Bucket:
        return permits.fresh(quota) if shared.known else permits.unknown(quota, shared.at)

    def _with(self, shared: Shared, names: tuple[str, ...], buckets: tuple[Bucket, ...]) -> Shared:
        return shared._replace(buckets=shared.buckets | dict(zip(names, buckets, strict=True)))

    def _present(self, shared: Shared) -> Shared:
        now, wall, buckets = self._clock.now(), self._clock.wall(), shared.buckets
        if shared.boot and (shared.boot != self._boot or now < shared.at):
            by = now - shared.at - max(0.0, wall - shared.wall)
            buckets = {n: permits.shift(self.quotas[n], b, by) for n, b in buckets.items() if n in self.quotas}
        return shared._replace(buckets=buckets, boot=self._boot, at=now, wall=wall)


def _settler(permit: Permit, end: End, now: float) -> Callable[[Quota, Bucket], Bucket]:
    def settle(quota: Quota, bucket: Bucket) -> Bucket:
        if end.outcome is Outcome.REFUSED:
            return permits.unsent(quota, bucket, permit)
        if end.outcome is Outcome.UNKNOWN:
            return permits.abandon(quota, bucket, permit, now + end.open_s)
        return permits.answer(quota, bucket, permit, now, ok=end.status != 429)  # noqa: PLR2004 - Too Many Requests

    return settle


def _boot() -> str:
    try:
        return BOOT_FILE.read_text(encoding="ascii").strip()
    except OSError:
        return "boot"
