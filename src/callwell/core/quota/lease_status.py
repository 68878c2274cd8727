# SPDX-License-Identifier: Apache-2.0
"""Who holds which permits of an account, and until when: the record of a fleet, for display.

The record does not change between two exchanges. Events that are due since the last one count as having happened.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from msgspec import Struct

from callwell.core import breaker
from callwell.core.quota import adaptive
from callwell.core.quota.bins import count
from callwell.core.quota.buckets import refill, transit_bin
from callwell.core.quota.resets import STRETCH

if TYPE_CHECKING:
    from callwell.core.quota.lease_records import FleetRecord, Lease
    from callwell.core.quota.store_time import ClockReading, StoreTime
    from callwell.core.quota.versions import VersionedQuota


class QuotaStatus(Struct, frozen=True):
    """Where the permits of one quota are; the numbers add up to the limit.

    Attributes:
        quota: its name.
        limit: its permits.
        window_s: its window.
        free: permits that the next process to ask may have.
        cooling: used permits that nobody has.
        held: permits that processes hold, or held when they ended.
        spent_by_others: permits that are set aside for others' spending.
        withheld: permits that nobody gets, because the provider announces a lower limit.
        throttled_s: for how many seconds nothing is sent, after a 429; 0 if it is not throttled.
    """

    quota: str
    limit: int
    window_s: float
    free: int
    cooling: int
    held: int
    spent_by_others: int
    withheld: int
    throttled_s: float


class UndocumentedStatus(Struct, frozen=True):
    """The known state of one undocumented quota.

    Attributes:
        quota: its name.
        rate: requests per second.
        limit: requests that may be in flight.
        held: requests that are in flight, or may be sent.
        throttled_s: for how many seconds nothing is sent, after a 429; 0 if it is not throttled.
    """

    quota: str
    rate: float
    limit: int
    held: int
    throttled_s: float


class HeldQuota(Struct, frozen=True):
    """One process's permits of one quota, as of its last exchange.

    Attributes:
        quota: its name.
        limit: the quota's limit, which distinguishes two versions of a profile; None if it is undocumented.
        permits: the process's permits.
        in_flight: how many of them are in use.
        needs: permits that it is likely to use within the next second.
        free_in_s: when they are free at the latest, if the process does not come back.
    """

    quota: str
    limit: int | None
    permits: int
    in_flight: int
    needs: int
    free_in_s: float


class HolderStatus(Struct, frozen=True):
    """One process with a lease.

    Attributes:
        process: its host and process ID.
        ends_in_s: when its lease ends, if it does not come back; negative once it has ended.
        hands: its permits, by quota.
    """

    process: str
    ends_in_s: float
    hands: tuple[HeldQuota, ...]


class FleetStatus(Struct, frozen=True):
    """The state of an account that a fleet shares.

    Attributes:
        quotas: the documented ones; one with several rules, as during a rolling deployment, appears once per rule.
        undocumented: the undocumented ones.
        holders: the processes with a lease, by their names.
        breaker: `closed`, `open` (no requests are sent), or `half-open` (one request tries the provider).
        breaker_open_s: for how many more seconds it is open.
    """

    quotas: tuple[QuotaStatus, ...]
    undocumented: tuple[UndocumentedStatus, ...]
    holders: tuple[HolderStatus, ...]
    breaker: str
    breaker_open_s: float


def status(record: FleetRecord, clocks: ClockReading) -> FleetStatus:
    """The state of an account.

    Args:
        record: its record.
        clocks: the current clock readings.
    """
    now = record.time.at + max(0.0, _passed_s(record.time, clocks))
    account = record.account
    adaptives = {name: adaptive.expire(state, now) for name, state in sorted(account.adaptives.items())}
    holders = [_holder(name, lease, account.rules, now) for name, lease in sorted(record.leases.items())]
    breaker_state = account.breaker
    open_s = max(0.0, breaker_state.open_until - now) if breaker_state.failures >= breaker.FAILURE_THRESHOLD else 0.0
    state = "half-open" if breaker.is_half_open(breaker_state, now) else "closed"
    return FleetStatus(
        quotas=tuple([_quota(record, key, now) for key in sorted(account.buckets) if key in account.rules]),
        undocumented=tuple([_undocumented(name, quota, now) for name, quota in adaptives.items()]),
        holders=tuple([holder for holder in holders if holder.hands]),
        breaker="open" if open_s else state,
        breaker_open_s=open_s,
    )


def _passed_s(time: StoreTime, clocks: ClockReading) -> float:
    """Seconds since the record was changed; an estimate suffices, since no permits depend on it."""
    if clocks.boot == time.boot:
        return clocks.monotonic - time.monotonic
    if clocks.server_wall is not None and time.server_wall is not None:
        return clocks.server_wall - time.server_wall
    return clocks.wall - time.wall


def _quota(record: FleetRecord, key: str, now: float) -> QuotaStatus:
    rule = record.account.rules[key]
    bucket = refill(rule.quota, record.account.buckets[key], now)
    return QuotaStatus(
        quota=rule.name,
        limit=rule.quota.limit,
        window_s=round(rule.quota.window_s / STRETCH, 3),
        free=bucket.available,
        cooling=count(bucket.cooling) + count(bucket.in_transit),
        held=count(bucket.held),
        spent_by_others=count(bucket.foreign),
        withheld=bucket.withheld,
        throttled_s=max(0.0, bucket.throttled_until - now),
    )


def _undocumented(name: str, state: adaptive.AdaptiveQuota, now: float) -> UndocumentedStatus:
    return UndocumentedStatus(
        quota=name,
        rate=state.rate,
        limit=int(state.limit),
        held=adaptive.in_flight(state),
        throttled_s=max(0.0, state.paused_until - now),
    )


def _holder(name: str, lease: Lease, rules: dict[str, VersionedQuota], now: float) -> HolderStatus:
    keys = [key for key in sorted({**lease.counts, **lease.needs}) if key in rules]
    hands = [_permits(lease, key, rules[key], now) for key in keys] + [_slots(lease, name, now) for name in lease.slots]
    return HolderStatus(
        process=name.rpartition(":")[0] or name,
        ends_in_s=lease.ends_at - now,
        hands=tuple([hand for hand in hands if hand.free_in_s > 0.0]),
    )


def _permits(lease: Lease, key: str, rule: VersionedQuota, now: float) -> HeldQuota:
    permits = lease.counts.get(key, 0)
    return HeldQuota(
        quota=rule.name,
        limit=rule.quota.limit,
        permits=permits,
        in_flight=max(0, permits - lease.unused.get(key, 0)),
        needs=ceil(lease.needs.get(key, 0)),
        free_in_s=transit_bin(rule.quota, lease.expires_at) * rule.quota.width_s - now,
    )


def _slots(lease: Lease, quota: str, now: float) -> HeldQuota:
    # Slots of the last exchange are in `slots`, but not yet in `unused`.
    given = 0 if lease.grant is None or quota not in lease.grant.slots else lease.grant.slots[quota].slots
    slots = lease.slots[quota]
    return HeldQuota(
        quota=quota,
        limit=None,
        permits=slots,
        in_flight=max(0, slots - lease.unused.get(quota, 0) - given),
        needs=ceil(lease.needs.get(quota, 0)),
        free_in_s=lease.expires_at - now,
    )
