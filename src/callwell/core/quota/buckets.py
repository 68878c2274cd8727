# SPDX-License-Identifier: Apache-2.0
"""The records of a quota: its permits, most of them in bins of equal width by the time at which they are cool.

Bins are rounded up, so that a million cooling permits cost kilobytes and none is ever early. What is done with them,
and why it is right, is in `permits`.
"""

from __future__ import annotations

from bisect import bisect_left
from math import ceil, inf
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core.quota.resets import STRETCH, WindowEnd

if TYPE_CHECKING:
    from callwell.core.rules.profile import QuotaRule

BINS: Final = 1023
"""Bins over the time that a permit cools."""

NEVER: Final = 1 << 60
"""The bin of permits that come back only when they are settled."""

Bins = tuple[tuple[int, int], ...]


class Quota(NamedTuple):
    """What a bucket needs to know of its quota.

    Attributes:
        limit: permits.
        window_s: for how long a permit cools, stretched.
        transit_s: how much longer it cools when its request may still be under way.
        width_s: of a bin.
        grain: bins that are taken as one for permits whose request may still be under way: D may be far longer than W.
        step_s: between two permits that are let out evenly.
        paced: they always are.
        fixed: the server's windows reset all at once.
    """

    limit: int
    window_s: float
    transit_s: float
    width_s: float
    grain: int
    step_s: float
    paced: bool
    fixed: bool


def to_quota(rule: QuotaRule, transit_s: float) -> Quota:
    """What a bucket needs to know of its quota.

    Args:
        rule: the profile's rule.
        transit_s: how long a request may still be under way after its connection was closed.
    """
    window_s = rule.window_s * STRETCH
    transit_s *= STRETCH
    width_s = window_s / BINS
    grain = ceil((window_s + transit_s) / window_s)
    step_s = window_s / rule.limit
    return Quota(rule.limit, window_s, transit_s, width_s, grain, step_s, rule.paced, rule.window == "fixed")


class Bucket(NamedTuple):
    """The permits of one quota.

    Attributes:
        available: permits that may be lent now; below zero while others have spent what was lent already.
        held: bins of permits that are lent, by the time at which they come back if nobody settles them.
        cooling: bins of permits that were used, by the time at which they are cool.
        in_transit: the same for permits whose request may still be under way.
        throttled_until: nothing is lent before.
        paced_until: permits are lent one by one before.
        next_at: when the next of them is.
        throttle_count: answers 429 in a row.
        throttled_at: when the last of them arrived.
        window_end: when the server's present window ends, as far as answers say so; fixed windows only.
        foreign: bins of permits that were parked because others spent them, by the time at which they are cool.
        withheld: permits that are not lent because the provider names a lower limit.
        cooled_count: how many used permits have become cool so far.
        foreign_at: when permits were last parked because of others.
    """

    available: int
    held: Bins = ()
    cooling: Bins = ()
    in_transit: Bins = ()
    throttled_until: float = -inf
    paced_until: float = -inf
    next_at: float = -inf
    throttle_count: int = 0
    throttled_at: float = -inf
    window_end: WindowEnd | None = None
    foreign: Bins = ()
    withheld: int = 0
    cooled_count: int = 0
    foreign_at: float = -inf


class Permit(NamedTuple):
    """The right to make one request, of each quota of a call.

    Attributes:
        acquired_at: when it was lent.
        expires_at: when it comes back by itself.
        cooled_before: what each bucket's `returned` was then.
    """

    acquired_at: float
    expires_at: float
    cooled_before: tuple[int, ...] = ()


def full_bucket(quota: Quota) -> Bucket:
    """A bucket of which nothing was ever taken."""
    return Bucket(quota.limit)


def cooling_bucket(quota: Quota, now: float) -> Bucket:
    """A bucket whose past is not known: every permit cools as if its request were still under way."""
    return Bucket(0, in_transit=((transit_bin(quota, now), quota.limit),))


def is_consistent(quota: Quota, bucket: Bucket) -> bool:
    """Whether a stored bucket has each permit of its quota in one place: cool, in a bin, or withheld."""
    binned = count(bucket.held) + count(bucket.cooling) + count(bucket.in_transit) + count(bucket.foreign)
    return bucket.available + binned + bucket.withheld == quota.limit


def refill(quota: Quota, bucket: Bucket, now: float) -> Bucket:
    """The bucket with all permits cool that are cool by now."""
    if bucket.available >= quota.limit:
        return bucket
    if bucket.window_end is not None and bucket.window_end.due_at <= now:
        bucket = _apply_reset(quota, bucket, bucket.window_end)
    edge = int(now // quota.width_s)
    edge += (edge + 1) * quota.width_s <= now  # as `_ready_at` multiplies: at the time that it names, they are cool
    held, cooling, doubtful, foreign = bucket.held, bucket.cooling, bucket.in_transit, bucket.foreign
    if not (
        (cooling and cooling[0][0] <= edge)
        or (held and held[0][0] <= edge)
        or (doubtful and doubtful[0][0] <= edge)
        or (foreign and foreign[0][0] <= edge)
    ):
        return bucket
    held, a = drain(held, edge)
    cooling, b = drain(cooling, edge)
    doubtful, c = drain(doubtful, edge)
    foreign, d = drain(foreign, edge)
    cool, returned = bucket.available + a + b + c + d, bucket.cooled_count + a + b + c
    return bucket._replace(
        available=cool, held=held, cooling=cooling, in_transit=doubtful, foreign=foreign, cooled_count=returned
    )


def first_bin_after_reset(quota: Quota, bucket: Bucket) -> int:
    """The bin after the last one of those permits that come back at the window's end instead."""
    end = bucket.window_end
    if end is None or end.due_at == inf:
        return -1
    return ceil((end.free_before + quota.window_s) / quota.width_s)


def _apply_reset(quota: Quota, bucket: Bucket, end: WindowEnd) -> Bucket:
    """The bucket after the end of the server's window: permits of the one that is over are cool."""
    cooling, back = drain(bucket.cooling, first_bin_after_reset(quota, bucket) - 1)
    cool = bucket.available + back
    returned = bucket.cooled_count + back
    return bucket._replace(available=cool, cooling=cooling, cooled_count=returned, window_end=end._replace(due_at=inf))


def drain(bins: Bins, edge: int) -> tuple[Bins, int]:
    """The bins after `edge`, and how many permits are in the others."""
    i = bisect_left(bins, (edge + 1,))
    return bins[i:], count(bins[:i])


def cool_bin(quota: Quota, at: float) -> int:
    """The first bin that ends no earlier than `at`."""
    return ceil(at / quota.width_s)


def transit_bin(quota: Quota, closed_at: float) -> int:
    """The bin of a permit whose connection was closed then and whose request may still be under way."""
    at = cool_bin(quota, closed_at + quota.window_s + quota.transit_s)
    return -(-at // quota.grain) * quota.grain


def remove(bins: Bins, at: int, n: int = 1) -> Bins | None:
    """The bins with `n` permits less in one of them; None if there are no such permits."""
    i = bisect_left(bins, (at,))
    if i == len(bins) or bins[i][0] != at or bins[i][1] < n:
        return None
    left = bins[i][1] - n
    return (*bins[:i], (at, left), *bins[i + 1 :]) if left else bins[:i] + bins[i + 1 :]


def add(bins: Bins, at: int, n: int = 1) -> Bins:
    """The bins with `n` permits more in one of them."""
    if not bins or bins[-1][0] < at:
        return (*bins, (at, n))
    if bins[-1][0] == at:
        return (*bins[:-1], (at, bins[-1][1] + n))
    i = bisect_left(bins, (at,))
    if bins[i][0] == at:
        return (*bins[:i], (at, bins[i][1] + n), *bins[i + 1 :])
    return (*bins[:i], (at, n), *bins[i:])


def spent(quota: Quota, bucket: Bucket) -> int:
    """How many of the quota's permits are not to be had now."""
    return quota.limit - max(0, bucket.available)


def count(bins: Bins) -> int:
    """How many permits are in bins."""
    return sum([n for _, n in bins])


def shift(quota: Quota, bucket: Bucket, by: float) -> Bucket:
    """The bucket with all its times moved, for a record of a clock that began elsewhere.

    Args:
        quota: the quota.
        bucket: its bucket.
        by: seconds that are added.
    """
    bins = ceil(by / quota.width_s)

    def moved(old: Bins) -> Bins:
        return tuple((at if at >= NEVER else at + bins, n) for at, n in old)

    return bucket._replace(
        held=moved(bucket.held),
        cooling=moved(bucket.cooling),
        in_transit=moved(bucket.in_transit),
        throttled_until=bucket.throttled_until + by,
        paced_until=bucket.paced_until + by,
        next_at=bucket.next_at + by,
        throttled_at=bucket.throttled_at + by,
        window_end=None,
        foreign=moved(bucket.foreign),
        foreign_at=bucket.foreign_at + by,
    )
