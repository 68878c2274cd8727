# SPDX-License-Identifier: Apache-2.0
"""Computes how many permits of each bucket a holder gets, and may keep: see `leases`, `fair_share`.

`lease_supply` says how many may be handed out until the horizon. If that is enough for all, each holder gets what it
needs and a reserve. Otherwise holders with small needs still get them immediately, and each of the others has a
*share*: an allowance that grows by the share in each horizon, and shrinks with every permit that its calls take. So a
holder gets its share no matter how often it asks, and asking more often does not bring more.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from callwell.core.quota.fair_share import water_level
from callwell.core.quota.holder_exchange import INTERVAL_S
from callwell.core.quota.holder_needs import HORIZON_S, horizon_s, share_ahead_s
from callwell.core.quota.lease_records import Presence
from callwell.core.quota.lease_supply import even_supply, is_paced, offer
from callwell.core.quota.permits import AtLatest
from callwell.core.quota.record import counting_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.core.quota.buckets import Quota
    from callwell.core.quota.lease_records import FleetRecord, Lease, Report
    from callwell.core.quota.record import AccountQuotas

ALONE_AFTER_S: Final = 60.0
"""Seconds after which a process counts as alone, if no other has needed a permit."""

POOL_RESERVE_DIVISOR: Final = 128
"""One permit in this many stays cool in the pool, so that holders with small needs get one immediately. All together
may have as many in hand while others wait."""

NEWCOMER_RESERVE_DIVISOR: Final = 8
"""While nobody else needs any, all but one permit in this many of a full pool are handed out immediately, so that
newcomers find some; while others need some too, only one in this many is. The rest is spread evenly."""

LONG_WINDOW_S: Final = 61.0
"""The longest window in seconds, stretched, where a process that is alone leaves nothing: no wait is long then."""

MAX_DEBT_S: Final = 2.0
"""The most seconds of its share that a holder waits after it has taken more than its share."""


class BucketSupply(Struct, frozen=True):
    """The supply of one bucket, and the demand of other holders.

    Attributes:
        demands: permits that each other holder would use until the horizon, if any.
        unmet: the part of those permits that they do not have.
        holders: the number of other holders that recently exchanged.
        in_hand: unused permits that they have.
        offered: permits that the pool can hand out.
        usable: permits that may be used until the horizon, including those that holders have in hand.
        immediate: the whole supply may be handed out immediately.
        skip: cool permits that stay in the pool for holders with small needs.
        reservable: permits that may go into the holder's reserve.
    """

    demands: list[float]
    unmet: float
    holders: int
    in_hand: int
    offered: int
    usable: float
    immediate: bool
    skip: int
    reservable: int


class Demand(Struct, frozen=True):
    """A holder's demand on one bucket.

    Attributes:
        need: unused permits that it would use until the horizon.
        waiting: callers that wait for a permit.
        rate: calls until the horizon, on average.
        share: the part of those that the supply allows.
        reserve: permits that it may have in addition.
        is_scarce: the supply does not meet all demands.
    """

    need: int
    waiting: int
    rate: float
    share: float
    reserve: int
    is_scarce: bool


class Division(Struct, frozen=True):
    """A holder's division of one bucket.

    Attributes:
        grant: permits that it gets.
        missing: permits that it needs and does not have then.
        demand: permits that it would use until the horizon, in addition to those that its callers wait for now.
        keep: unused permits that it may keep; minus one if nobody else wants them.
        movable: others have unused permits, which may come back at any time.
        skip: cool permits that stay in the pool.
        allowance: how many permits of its share it may have now; None if it needs no more than its share.
        more_allowed_in_s: seconds until its share allows one more.
    """

    grant: int
    missing: int
    demand: float
    keep: int
    movable: bool
    skip: int = 0
    allowance: float | None = None
    more_allowed_in_s: float = 0.0


def update_presence(presence: Presence, report: Report, now: float) -> Presence:
    """The holders that recently needed permits, after a report.

    Args:
        presence: the earlier presence.
        report: a holder's report.
        now: store time.
    """
    is_last = presence.holder == report.holder
    if report.leaving:
        return Presence(at=presence.others_at, others_at=presence.others_at) if is_last else presence
    if not report.needs:
        return presence
    return Presence(report.holder, now, presence.others_at if is_last else presence.at)


def divide(  # noqa: PLR0917 - the two sides of an exchange
    record: FleetRecord, lease: Lease, others: Sequence[Lease], report: Report, own: AccountQuotas, passed_s: float
) -> dict[str, Division]:
    """A holder's divisions, by bucket key.

    Args:
        record: the record, with the current pool.
        lease: the holder's lease, with the permits that it kept.
        others: the leases of other holders with fresh needs.
        report: of the holder.
        own: the holder's quotas.
        passed_s: seconds since its last exchange.
    """
    account = record.account
    alone = _is_alone(record.presence, report.holder, lease.exchanged_at)
    supplies = {key: _bucket_supply(record, key, lease, others, alone=alone) for key in account.rules}
    demands = _demands(record, supplies, report, own)
    divided = {}
    for key, supply in supplies.items():
        demand = demands[key]
        if demand.share < demand.need:
            ahead_s = share_ahead_s(account.rules[key].quota)
            soon = offer(account.rules[key].quota, account.buckets[key], lease.exchanged_at, ahead_s)
            before = lease.allowances.get(key)
            allowance = _allowance(before, demand.share, ahead_s, passed_s, report.taken.get(key, 0))
            divided[key] = _divide_share(supply, demand, lease.unused.get(key, 0), allowance, soon)
        else:
            divided[key] = _meet_need(supply, demand, lease.unused.get(key, 0), account.rules[key].quota)
    return divided


def again_in_s(part: Division, quota: Quota, available_at: float, now: float) -> float:
    """Seconds until an exchange can bring more, unless others return permits sooner.

    Args:
        part: the holder's division.
        quota: the quota.
        available_at: when the pool has the next permit, after that.
        now: store time.
    """
    if not part.missing:
        return 0.0
    ahead_s = horizon_s(quota) if part.allowance is None else share_ahead_s(quota)
    # Holders return held permits at their next exchange, if they can.
    dry_s = INTERVAL_S if isinstance(available_at, AtLatest) else available_at - now - ahead_s
    return max(horizon_s(quota) / 4.0, dry_s, min(part.more_allowed_in_s, quota.window_s / 4.0))


def _is_alone(presence: Presence, holder: str, now: float) -> bool:
    """Whether no other holder has needed a permit recently."""
    others_at = presence.others_at if presence.holder == holder else presence.at
    return now - others_at > ALONE_AFTER_S


def _bucket_supply(
    record: FleetRecord, key: str, lease: Lease, others: Sequence[Lease], *, alone: bool
) -> BucketSupply:
    """The supply of a bucket, and how fast it may be handed out."""
    quota = record.account.rules[key].quota
    bucket = record.account.buckets[key]
    now = lease.exchanged_at
    demands = []
    unmet = 0.0
    in_hand = 0
    for other in others:
        demand = other.needs.get(key, 0.0)
        unused = other.unused.get(key, 0)
        in_hand += unused
        if demand:
            demands.append(demand)
            unmet += max(0.0, demand - unused)
    offered = offer(quota, bucket, now, horizon_s(quota))
    all_in_hand = in_hand + lease.unused.get(key, 0)
    held_back = _held_back(record, key, now, alone=alone, wanted=bool(demands))
    free = max(0, bucket.available) - held_back
    evenly = even_supply(quota, bucket, all_in_hand, now)
    immediate = free > evenly and not is_paced(quota, bucket, now)
    return BucketSupply(
        demands=demands,
        unmet=unmet,
        holders=len(others),
        in_hand=in_hand,
        offered=offered,
        usable=float(free + all_in_hand) if immediate else evenly,
        immediate=immediate,
        skip=quota.limit // POOL_RESERVE_DIVISOR if held_back else 0,
        reservable=max(0, int(min(free, offered) - unmet)) // 2,
    )


def _held_back(record: FleetRecord, key: str, now: float, *, alone: bool, wanted: bool) -> int:
    """How many permits stay in the pool when others are handed out immediately."""
    quota = record.account.rules[key].quota
    reserve = quota.limit // NEWCOMER_RESERVE_DIVISOR
    if wanted or now >= record.ample_at.get(key, now) + quota.window_s:
        return quota.limit - reserve
    return 0 if alone and quota.window_s <= LONG_WINDOW_S else reserve


def _demands(
    record: FleetRecord, supplies: dict[str, BucketSupply], report: Report, own: AccountQuotas
) -> dict[str, Demand]:
    """A holder's demands, by bucket key."""
    counted_by = [counting_keys(record.account, own, need.names) for need in report.needs]
    needs = dict.fromkeys(supplies, 0)
    waiting = dict.fromkeys(supplies, 0)
    rates = dict.fromkeys(supplies, 0.0)
    for need, counted in zip(report.needs, counted_by, strict=True):
        for key in counted:
            needs[key] += need.permits
            waiting[key] += need.waiting
            rates[key] += need.rate * HORIZON_S
    levels = {key: water_level([needs[key], *supply.demands], supply.usable) for key, supply in supplies.items()}
    shares = dict.fromkeys(supplies, 0.0)
    reserves = dict.fromkeys(supplies, 0)
    for need, counted in zip(report.needs, counted_by, strict=True):
        # No more of one quota than can be used together with the others.
        level = min([levels[key] for key in counted], default=inf)
        reserve = min([need.reserve, *[supplies[key].reservable for key in counted]]) if level == inf else 0
        for key in counted:
            shares[key] += min(need.permits, level)
            reserves[key] += reserve
    return {
        key: Demand(
            need=needs[key],
            waiting=waiting[key],
            rate=rates[key],
            share=shares[key],
            reserve=reserves[key],
            is_scarce=levels[key] < inf,
        )
        for key in supplies
    }


def _allowance(before: float | None, share: float, ahead_s: float, passed_s: float, taken: int) -> float:
    """What is left of a holder's share after `passed_s` seconds and `taken` permits."""
    rate = share / HORIZON_S
    most = 1.0 + rate * ahead_s
    if before is None:
        return most
    return min(most, max(before, -rate * MAX_DEBT_S) + rate * passed_s - taken)


def _divide_share(supply: BucketSupply, demand: Demand, unused: int, allowance: float, soon: int) -> Division:
    """The division for a holder that wants more than its share."""
    if supply.immediate:
        allowance = max(allowance, demand.share)
        soon = supply.offered
    allowed = max(0, int(allowance))
    grant = max(0, min(allowed - unused, soon - supply.skip))
    return Division(
        grant=grant,
        missing=max(0, demand.need - unused - grant),
        demand=float(demand.need),
        keep=allowed,
        movable=supply.in_hand > 0,
        skip=supply.skip,
        allowance=allowance,
        more_allowed_in_s=HORIZON_S * (allowed + 1 - allowance) / demand.share if demand.share else inf,
    )


def _meet_need(supply: BucketSupply, demand: Demand, unused: int, quota: Quota) -> Division:
    """The division for a holder that needs no more than its share."""
    missing = max(0, demand.need - unused)
    is_contended = demand.is_scarce or supply.unmet > supply.offered - min(missing, supply.offered)
    wanted = demand.need + demand.reserve
    if is_contended:
        ahead = quota.limit // POOL_RESERVE_DIVISOR // (1 + supply.holders)
        wanted = min(demand.need, demand.waiting + ahead)
    grant = min(supply.offered, max(0, wanted - unused))
    missing = max(0, min(wanted, demand.need) - unused - grant)
    return Division(
        grant=grant,
        missing=missing,
        demand=max(demand.rate, float(missing)),
        keep=wanted if is_contended else -1,
        movable=supply.in_hand > 0,
    )
