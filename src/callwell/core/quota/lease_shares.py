# SPDX-License-Identifier: Apache-2.0
"""How many permits of each bucket a holder gets from the pool, and how many it may keep: see `leases`, `fair_share`.

`lease_supply` says how many may go until the horizon. As long as that is enough for all, each holder gets what it needs
and a reserve. Else those who need little still get it at once, and each of the others has a *share*: an allowance that
grows by the share in each horizon, and shrinks with every permit that its calls take. So a holder gets its share
however often it asks, and no more by asking more often.
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
"""Seconds after which a process is alone, if no other has needed a permit."""

KEPT_BACK: Final = 128
"""One permit in so many stays cool in the pool, for who needs little: it finds one at once. All together may have as
many in hand while others wait."""

LEFT_SHARE: Final = 8
"""Of a pool with plenty, all but one permit in so many go at once while no one else needs any, so that others who come
find some; while others need some too, only one in so many goes at once. The rest goes evenly."""

LONG_S: Final = 61.0
"""Seconds of a window, stretched, up to which nothing is left by a process that is alone: no wait would be long."""

DEBT_S: Final = 2.0
"""Seconds of its share that a holder waits for at most, after it has taken more than that."""


class BucketSupply(Struct, frozen=True):
    """What there is of one bucket, and what other holders want of it.

    Attributes:
        demands: permits that each of the others would use until the horizon, if any.
        unmet: permits of those that they do not have.
        holders: how many others have exchanged lately.
        in_hand: unused permits that they have.
        offered: permits that the pool can hand out.
        supply: permits that may be used until the horizon, with those that holders have in hand.
        at_once: all of the supply may be handed out at once.
        skip: cool permits that stay in the pool for those who need little.
        reservable: permits that may go into the holder's reserve.
    """

    demands: list[float]
    unmet: float
    holders: int
    in_hand: int
    offered: int
    supply: float
    at_once: bool
    skip: int
    reservable: int


class Demand(Struct, frozen=True):
    """What a holder wants of one bucket.

    Attributes:
        need: unused permits that it would use until the horizon.
        waiting: callers that wait for one.
        rate: calls until the horizon, on average.
        share: as many of those as the supply allows.
        reserve: permits that it may have beside those.
        is_scarce: the supply does not allow what all want.
    """

    need: int
    waiting: int
    rate: float
    share: float
    reserve: int
    is_scarce: bool


class Division(Struct, frozen=True):
    """What a holder gets of one bucket.

    Attributes:
        grant: permits that it gets.
        lacking: permits that it needs and does not have then.
        demand: permits that it would use until the horizon, beside what its callers wait for now.
        keep: unused permits that it may keep; minus one if no one else wants them.
        movable: others have unused permits, which may come back at any time.
        skip: cool permits that stay in the pool.
        allowance: how many of its share it may have now; None if it needs no more than its share.
        more_allowed_in_s: seconds until its share allows one more.
    """

    grant: int
    lacking: int
    demand: float
    keep: int
    movable: bool
    skip: int = 0
    allowance: float | None = None
    more_allowed_in_s: float = 0.0


def update_presence(presence: Presence, report: Report, now: float) -> Presence:
    """Who has needed permits lately, after a report.

    Args:
        presence: before.
        report: of a holder.
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
    """What a holder gets, by the keys of the buckets.

    Args:
        record: the record, with the pool as it is now.
        lease: of the holder, with what it has kept.
        others: the leases of others with needs that are fresh.
        report: of the holder.
        own: its quotas.
        passed_s: seconds since its last exchange.
    """
    account = record.account
    alone = _is_alone(record.presence, report.holder, lease.exchanged_at)
    outlooks = {key: _outlook(record, key, lease, others, alone=alone) for key in account.rules}
    demands = _demands(record, outlooks, report, own)
    divided = {}
    for key, outlook in outlooks.items():
        demand = demands[key]
        if demand.share < demand.need:
            ahead_s = share_ahead_s(account.rules[key].quota)
            soon = offer(account.rules[key].quota, account.buckets[key], lease.exchanged_at, ahead_s)
            before = lease.allowances.get(key)
            allowance = _allowance(before, demand.share, ahead_s, passed_s, report.taken.get(key, 0))
            divided[key] = _give_share(outlook, demand, lease.unused.get(key, 0), allowance, soon)
        else:
            divided[key] = _meet_need(outlook, demand, lease.unused.get(key, 0), account.rules[key].quota)
    return divided


def again_in_s(part: Division, quota: Quota, available_at: float, now: float) -> float:
    """Seconds before which an exchange brings no more, unless others give something back.

    Args:
        part: what a holder gets.
        quota: the quota.
        available_at: when the pool has the next permit, after that.
        now: store time.
    """
    if not part.lacking:
        return 0.0
    ahead_s = horizon_s(quota) if part.allowance is None else share_ahead_s(quota)
    # Who has what is held gives it back at its next exchange, if it can.
    dry_s = INTERVAL_S if isinstance(available_at, AtLatest) else available_at - now - ahead_s
    return max(horizon_s(quota) / 4.0, dry_s, min(part.more_allowed_in_s, quota.window_s / 4.0))


def _is_alone(presence: Presence, holder: str, now: float) -> bool:
    """Whether no other holder has needed a permit lately."""
    others_at = presence.others_at if presence.holder == holder else presence.at
    return now - others_at > ALONE_AFTER_S


def _outlook(record: FleetRecord, key: str, lease: Lease, others: Sequence[Lease], *, alone: bool) -> BucketSupply:
    """What there is of a bucket, and how fast it may go."""
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
    left = _left(record, key, now, alone=alone, wanted=bool(demands))
    free = max(0, bucket.available) - left
    evenly = even_supply(quota, bucket, all_in_hand, now)
    at_once = free > evenly and not is_paced(quota, bucket, now)
    return BucketSupply(
        demands=demands,
        unmet=unmet,
        holders=len(others),
        in_hand=in_hand,
        offered=offered,
        supply=float(free + all_in_hand) if at_once else evenly,
        at_once=at_once,
        skip=quota.limit // KEPT_BACK if left else 0,
        reservable=max(0, int(min(free, offered) - unmet)) // 2,
    )


def _left(record: FleetRecord, key: str, now: float, *, alone: bool, wanted: bool) -> int:
    """How many permits are left in the pool when others go at once."""
    quota = record.account.rules[key].quota
    eighth = quota.limit // LEFT_SHARE
    if wanted or now >= record.ample_at.get(key, now) + quota.window_s:
        return quota.limit - eighth
    return 0 if alone and quota.window_s <= LONG_S else eighth


def _demands(
    record: FleetRecord, outlooks: dict[str, BucketSupply], report: Report, own: AccountQuotas
) -> dict[str, Demand]:
    """What a holder wants, by the keys of the buckets."""
    counted_by = [counting_keys(record.account, own, need.names) for need in report.needs]
    needs = dict.fromkeys(outlooks, 0)
    waiting = dict.fromkeys(outlooks, 0)
    rates = dict.fromkeys(outlooks, 0.0)
    for need, counted in zip(report.needs, counted_by, strict=True):
        for key in counted:
            needs[key] += need.permits
            waiting[key] += need.waiting
            rates[key] += need.rate * HORIZON_S
    levels = {key: water_level([needs[key], *outlook.demands], outlook.supply) for key, outlook in outlooks.items()}
    shares = dict.fromkeys(outlooks, 0.0)
    reserves = dict.fromkeys(outlooks, 0)
    for need, counted in zip(report.needs, counted_by, strict=True):
        # No more of one quota than can be used with the others.
        level = min([levels[key] for key in counted], default=inf)
        reserve = min([need.reserve, *[outlooks[key].reservable for key in counted]]) if level == inf else 0
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
        for key in outlooks
    }


def _allowance(before: float | None, share: float, ahead_s: float, passed_s: float, taken: int) -> float:
    """What is left of a holder's share, so many seconds and permits later."""
    rate = share / HORIZON_S
    most = 1.0 + rate * ahead_s
    if before is None:
        return most
    return min(most, max(before, -rate * DEBT_S) + rate * passed_s - taken)


def _give_share(outlook: BucketSupply, demand: Demand, unused: int, allowance: float, soon: int) -> Division:
    """What a holder gets that wants more than its share."""
    if outlook.at_once:
        allowance = max(allowance, demand.share)
        soon = outlook.offered
    allowed = max(0, int(allowance))
    grant = max(0, min(allowed - unused, soon - outlook.skip))
    return Division(
        grant=grant,
        lacking=max(0, demand.need - unused - grant),
        demand=float(demand.need),
        keep=allowed,
        movable=outlook.in_hand > 0,
        skip=outlook.skip,
        allowance=allowance,
        more_allowed_in_s=HORIZON_S * (allowed + 1 - allowance) / demand.share if demand.share else inf,
    )


def _meet_need(outlook: BucketSupply, demand: Demand, unused: int, quota: Quota) -> Division:
    """What a holder gets that needs no more than its share."""
    lacking = max(0, demand.need - unused)
    is_contended = demand.is_scarce or outlook.unmet > outlook.offered - min(lacking, outlook.offered)
    wanted = demand.need + demand.reserve
    if is_contended:
        ahead = quota.limit // KEPT_BACK // (1 + outlook.holders)
        wanted = min(demand.need, demand.waiting + ahead)
    grant = min(outlook.offered, max(0, wanted - unused))
    lacking = max(0, min(wanted, demand.need) - unused - grant)
    return Division(
        grant=grant,
        lacking=lacking,
        demand=max(demand.rate, float(lacking)),
        keep=wanted if is_contended else -1,
        movable=outlook.in_hand > 0,
    )
