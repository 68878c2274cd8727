# SPDX-License-Identifier: Apache-2.0
"""The state of a fleet's quotas, and who has which permits, for display only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.core.quota import adaptive, buckets
from callwell.core.quota.account import bucket_of
from callwell.core.quota.holdings import free_slots

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.core.quota.lease_records import FleetRecord, Holding, Lease
    from callwell.core.quota.record import AccountQuotas


def spent(
    record: FleetRecord, holding: Holding, own: AccountQuotas, at: float, now: float
) -> dict[str, tuple[int, int]]:
    """By quota: permits that nobody could use now, and the limit; for undocumented quotas, requests in flight.

    A permit that a process holds unused is not spent.

    Args:
        record: the pool's record.
        holding: this process's holding.
        own: the account's quotas.
        at: store time.
        now: monotonic seconds.
    """
    leases = [lease for name, lease in record.leases.items() if name != holding.holder and at < lease.expires_at]
    found = {}
    for name in own.adaptives:
        state = adaptive.expire(record.account.adaptives.get(name, adaptive.UNUSED_QUOTA), at)
        here = free_slots(holding.record, name) if now < holding.usable_until else 0
        unused = _unused(leases, name) + max(0, here)
        found[name] = (max(0, adaptive.in_flight(state) - unused), int(state.limit))
    for name, quota in own.documented.items():
        key = own.keys[name]
        pool = buckets.refill(quota, bucket_of(record.account, key, quota, at), at)
        held = holding.record.buckets.get(key) if now < holding.usable_until else None
        here = 0 if held is None else max(0, buckets.refill(quota, held, now).available)
        free = max(0, pool.available) + _unused(leases, key) + here
        found[name] = (max(0, quota.limit - free), quota.limit)
    return found


def _unused(leases: Iterable[Lease], key: str) -> int:
    return sum([lease.unused.get(key, 0) for lease in leases])
