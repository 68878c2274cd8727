# SPDX-License-Identifier: Apache-2.0
"""A pool and its holders in a few lines: exchanges take no time, all clocks agree and stand still until they are set.

What may go wrong on the way, and clocks that differ, are in `lease_world`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.core.quota import buckets, holder_exchange, holdings, leases
from callwell.core.quota.lease_records import FleetRecord, Holding
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import PLAIN_SUCCESS, SendEnd, to_account_quotas, to_call_quotas, to_private
from callwell.core.quota.store_time import ClockReading
from callwell.core.rules.profile import QuotaRule, RetryRule

if TYPE_CHECKING:
    from callwell.core.quota.account import Released
    from callwell.core.quota.lease_records import Grant, Report
    from callwell.core.quota.record import AccountQuotas

ATTEMPT_S: Final = 4.0
RETRY: Final = RetryRule(attempt_s=ATTEMPT_S, max_transit_s=3.0)
LIMIT: Final = 20
MINUTE: Final = {"minute": QuotaRule(limit=LIMIT, window_s=60.0)}


def quotas(rules: dict[str, QuotaRule]) -> AccountQuotas:
    """The quotas of an account."""
    return to_account_quotas(rules, RETRY)


class Pool:
    """The record, and the time on all clocks.

    Attributes:
        boot: who exchanges from now on.
    """

    def __init__(self, now: float = 1_000.0) -> None:
        self.record = FleetRecord()
        self.now = now
        self.boot = "boot"

    def answer(self, report: Report, own: AccountQuotas) -> Grant:
        """Apply a report to the record; every permit of the pool stays in one place."""
        clocks = ClockReading(self.boot, self.now, 1e9 + self.now)
        self.record, grant = leases.exchange(self.record, report, own, clocks)
        for key, rule in self.record.account.rules.items():
            assert buckets.is_consistent(rule.quota, self.record.account.buckets[key]), key
        return grant


class Member:
    """A holder with calls that all have the same quotas."""

    def __init__(self, pool: Pool, name: str, own: AccountQuotas, names: tuple[str, ...] = ("minute",)) -> None:
        self.pool = pool
        self.own = own
        self.names = names
        self.call = to_call_quotas(to_private(own), names)
        self.holding: Holding = holdings.open_holding(name, own)

    def ask(self, waiting: int = 0, *, leaving: bool = False) -> Report:
        """Make a report."""
        callers = {self.names: waiting} if waiting else {}
        self.holding, report = holder_exchange.prepare(self.holding, self.own, callers, self.pool.now, leaving=leaving)
        return report

    def receive(self, grant: Grant) -> None:
        """Take an answer."""
        self.holding = holder_exchange.receive(self.holding, self.own, grant, self.pool.now)

    def exchange(self, waiting: int = 0, *, leaving: bool = False) -> Grant:
        """A whole exchange: afterwards the pool knows what the holder has."""
        grant = self.pool.answer(self.ask(waiting, leaving=leaving), self.own)
        self.receive(grant)
        lease = self.pool.record.leases.get(self.holding.holder)
        for key, rule in self.holding.record.rules.items():
            bucket = self.holding.record.buckets[key]
            assert buckets.is_consistent(rule.quota, bucket), key
            leased = lease.counts.get(key, 0) if lease is not None else 0
            assert leased == rule.quota.limit - bucket.elsewhere, key
        for name, state in self.holding.record.adaptives.items():
            assert int(state.limit) == (lease.slots.get(name, 0) if lease is not None else 0), name
        return grant

    def try_acquire(self, **options: Any) -> Permit | float:
        """Acquire a permit, or learn when to ask again."""
        self.holding, (permit, _) = holdings.acquire(self.holding, self.call, self.pool.now, **options)
        return permit

    def acquire(self, **options: Any) -> Permit:
        """Acquire a permit that is there."""
        permit = self.try_acquire(**options)
        assert isinstance(permit, Permit), permit
        return permit

    def acquire_all(self) -> list[Permit]:
        """Acquire all permits that are there."""
        permits = []
        while isinstance(permit := self.try_acquire(), Permit):
            permits.append(permit)
        return permits

    def release(self, permit: Permit, end: SendEnd = PLAIN_SUCCESS) -> Released:
        """Release a permit."""
        self.holding, released = holdings.release(self.holding, self.call, permit, end, self.pool.now)
        return released

    def send(self, *ends: SendEnd, lasts_s: float = 0.1) -> None:
        """Requests one after the other, which end like this."""
        for end in ends:
            permit = self.acquire()
            self.pool.now += lasts_s
            self.release(permit, end)

    @property
    def available(self) -> int:
        """Permits of its first quota that it can use at once."""
        return self.holding.record.buckets[self.call.keys[0]].available
