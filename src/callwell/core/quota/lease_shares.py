# SPDX-License-Identifier: Apache-2.0
"""How many permits of each bucket a holder gets from the pool, and how many it may keep: see `leases`, `fair_share`."""

from __future__ import annotations

from math import ceil, floor, inf
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from callwell.core.quota.bins import count, drain, earliest
from callwell.core.quota.fair_share import water_level
from callwell.core.quota.holder_exchange import HORIZON_S
from callwell.core.quota.lease_records import BucketGrant
from callwell.core.quota.permits import CATCH_UP
from callwell.core.quota.record import counting_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.core.quota.buckets import Bucket, Quota
    from callwell.core.quota.lease_records import Counts, Lease, Report
    from callwell.core.quota.record import AccountQuotas, AccountRecord

FINE: Final = 8
"""Permits are handed out before they are cool only where so many of a bucket's bins fit into the horizon."""


class Division(Struct, frozen=True):
    """What a holder gets of one bucket.

    Attributes:
        grant: permits that it gets.
        need: unused permits that it needs until the horizon.
        keep: unused permits that it may keep; minus one if nobody else wants them.
        met: it has all that it needs.
        movable: others have unused permits, which may come back at any time.
    """

    grant: int
    need: int
    keep: int
    met: bool
    movable: bool


def divide(
    account: AccountRecord, lease: Lease, others: Sequence[Lease], report: Report, own: AccountQuotas
) -> dict[str, Division]:
    """What a holder gets, by the keys of the buckets.

    Args:
        account: the pool.
        lease: of the holder, with what it has kept.
        others: the leases of others with needs that are fresh.
        report: of the holder.
        own: its quotas.
    """
    now = lease.exchanged_at
    offers = {key: offer(rule.quota, account.buckets[key], now) for key, rule in account.rules.items()}
    counted_by = [counting_keys(account, own, need.names) for need in report.needs]
    wished: Counts = dict.fromkeys(offers, 0)
    for need, counted in zip(report.needs, counted_by, strict=True):
        for key in counted:
            wished[key] += need.permits
    levels = {key: _level(key, offers[key], wished[key], lease, others) for key in offers}
    needs: Counts = dict.fromkeys(offers, 0)
    reserves: Counts = dict.fromkeys(offers, 0)
    spare = {key: _spare(key, offers[key], levels[key], others) for key in offers}
    for need, counted in zip(report.needs, counted_by, strict=True):
        # No more of one quota than can be used with the others.
        level = min([levels[key] for key in counted], default=inf)
        permits = min(need.permits, ceil(level)) if level < inf else need.permits
        reserve = max(0, min([need.reserve, *[spare[key] for key in counted]]))
        for key in counted:
            needs[key] += permits
            reserves[key] += reserve
    divided = {}
    for key, offered in offers.items():
        unused = lease.unused.get(key, 0)
        unmet = max(0, needs[key] - unused)
        is_contended = levels[key] < inf or _unmet(key, others) > offered - min(unmet, offered)
        wanted = unmet if is_contended else max(0, needs[key] + reserves[key] - unused)
        divided[key] = Division(
            grant=min(offered, wanted),
            need=wished[key],
            keep=needs[key] if is_contended else -1,
            met=unmet <= offered and levels[key] == inf,
            movable=any(other.unused.get(key, 0) for other in others),
        )
    return divided


def offer(quota: Quota, bucket: Bucket, now: float) -> int:
    """How many permits the pool can hand out: those that are cool, or will be within the horizon.

    Args:
        quota: the quota.
        bucket: its bucket in the pool, at `now`.
        now: store time.
    """
    if bucket.available < 0:
        return 0
    due = count(bucket.cooling[: len(bucket.cooling) - len(_later(quota, bucket, now))])
    if not _is_paced(quota, bucket, now):
        return bucket.available + due
    slots = floor((now + HORIZON_S - first_slot_at(quota, bucket, now)) / quota.step_s) + 1
    return max(0, min(bucket.available + due, slots))


def first_slot_at(quota: Quota, bucket: Bucket, now: float) -> float:
    """When the next of permits that are let out one by one may go."""
    catch_up_s = 0.0 if quota.paced else CATCH_UP * quota.step_s
    earliest_at = now if bucket.next_at > now else now - catch_up_s
    return max(earliest_at, bucket.throttled_until, bucket.next_at)


def hand_out(quota: Quota, bucket: Bucket, n: int, now: float) -> tuple[Bucket, BucketGrant]:
    """A bucket of the pool after permits were taken out of it, and what its holder learns.

    Args:
        quota: the quota.
        bucket: its bucket.
        n: how many permits, no more than `offer`.
        now: store time.
    """
    available = min(n, bucket.available)
    cooling = earliest(bucket.cooling, n - available)
    left = bucket.cooling
    if cooling:
        last, permits = cooling[-1]
        left = drain(bucket.cooling, last)[0]
        rest = dict(bucket.cooling)[last] - permits
        if rest:
            left = ((last, rest), *left)
    next_in_s = -inf
    next_at = bucket.next_at
    if n and _is_paced(quota, bucket, now):
        first_at = first_slot_at(quota, bucket, now)
        next_in_s = first_at - now
        next_at = first_at + n * quota.step_s
    taken = replace(bucket, available=bucket.available - available, cooling=left, next_at=next_at)
    return taken, BucketGrant(
        available=available,
        cooling=tuple([(at * quota.width_s - now, permits) for at, permits in cooling]),
        next_in_s=next_in_s,
        throttled_in_s=bucket.throttled_until - now if bucket.throttled_until > now else -inf,
        paced_in_s=bucket.paced_until - now if bucket.paced_until > now else -inf,
        throttle_count=bucket.throttle_count,
        throttled_ago_s=now - bucket.throttled_at,
        cooled_count=bucket.cooled_count,
    )


def _is_paced(quota: Quota, bucket: Bucket, now: float) -> bool:
    return quota.paced or now < bucket.paced_until


def _later(quota: Quota, bucket: Bucket, now: float) -> tuple[tuple[int, int], ...]:
    """The cooling permits that are not handed out yet."""
    if quota.width_s * FINE > HORIZON_S:
        return bucket.cooling
    return drain(bucket.cooling, int((now + HORIZON_S) // quota.width_s))[0]


def _level(key: str, offered: int, own: int, lease: Lease, others: Sequence[Lease]) -> float:
    """Up to which number of unused permits of a bucket each need is met."""
    supply = offered + lease.unused.get(key, 0) + sum([other.unused.get(key, 0) for other in others])
    return water_level([own, *[other.needs.get(key, 0) for other in others]], supply)


def _unmet(key: str, others: Sequence[Lease]) -> int:
    """Permits that others need and do not have."""
    return sum([max(0, other.needs.get(key, 0) - other.unused.get(key, 0)) for other in others])


def _spare(key: str, offered: int, level: float, others: Sequence[Lease]) -> int:
    """Permits of a bucket that may go into a holder's reserve: half of what nobody needs."""
    if level < inf:
        return 0
    return (offered - _unmet(key, others)) // 2
