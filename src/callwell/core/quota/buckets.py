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


def quota(rule: QuotaRule, transit_s: float) -> Quota:
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
        cool: permits that may be lent now; below zero while others have spent what was lent already.
        held: bins of permits that are lent, by the time at which they come back if nobody settles them.
        cooling: bins of permits that were used, by the time at which they are cool.
        doubtful: the same for permits whose request may still be under way.
        parked_until: nothing is lent before.
        paced_until: permits are lent one by one before.
        next_at: when the next of them is.
        throttles: answers 429 in a row.
        throttled_at: when the last of them arrived.
        end: when the server's present window ends, as far as answers say so; fixed windows only.
        foreign: bins of permits that were parked because others spent them, by the time at which they are cool.
        withheld: permits that are not lent because the provider names a lower limit.
        returned: how many used permits have become cool so far.
        learnt_at: when permits were last parked because of others.
    """

    cool: int
    held: Bins = ()
    cooling: Bins = ()
    doubtful: Bins = ()
    parked_until: float = -inf
    paced_until: float = -inf
    next_at: float = -inf
    throttles: int = 0
    throttled_at: float = -inf
    end: WindowEnd | None = None
    foreign: Bins = ()
    withheld: int = 0
    returned: int = 0
    learnt_at: float = -inf


class Permit(NamedTuple):
    """The right to make one request, of each quota of a call.

    Attributes:
        taken_at: when it was lent.
        back_at: when it comes back by itself.
        marks: what each bucket's `returned` was then.
    """

    taken_at: float
    back_at: float
    marks: tuple[int, ...] = ()


def fresh(quota: Quota) -> Bucket:
    """A bucket of which nothing was ever taken."""
    return Bucket(quota.limit)


def unknown(quota: Quota, now: float) -> Bucket:
    """A bucket whose past is not known: every permit cools as if its request were still under way."""
    return Bucket(0, doubtful=((doubt_bin(quota, now), quota.limit),))


def sound(quota: Quota, bucket: Bucket) -> bool:
    """Whether a stored bucket has each permit of its quota in one place: cool, in a bin, or withheld."""
    binned = count(bucket.held) + count(bucket.cooling) + count(bucket.doubtful) + count(bucket.foreign)
    return bucket.cool + binned + bucket.withheld == quota.limit


def harvest(quota: Quota, bucket: Bucket, now: float) -> Bucket:
    """The bucket with all permits cool that are cool by now."""
    if bucket.cool >= quota.limit:
        return bucket
    if bucket.end is not None and bucket.end.due_at <= now:
        bucket = _freed(quota, bucket, bucket.end)
    edge = int(now // quota.width_s)
    edge += (edge + 1) * quota.width_s <= now  # as `_ready_at` multiplies: at the time that it names, they are cool
    held, cooling, doubtful, foreign = bucket.held, bucket.cooling, bucket.doubtful, bucket.foreign
    if not (
        (cooling and cooling[0][0] <= edge)
        or (held and held[0][0] <= edge)
        or (doubtful and doubtful[0][0] <= edge)
        or (foreign and foreign[0][0] <= edge)
    ):
        return bucket
    held, a = split(held, edge)
    cooling, b = split(cooling, edge)
    doubtful, c = split(doubtful, edge)
    foreign, d = split(foreign, edge)
    cool, returned = bucket.cool + a + b + c + d, bucket.returned + a + b + c
    return bucket._replace(cool=cool, held=held, cooling=cooling, doubtful=doubtful, foreign=foreign, returned=returned)


def early(quota: Quota, bucket: Bucket) -> int:
    """The bin after the last one of those permits that come back at the window's end instead."""
    end = bucket.end
    if end is None or end.due_at == inf:
        return -1
    return ceil((end.free_before + quota.window_s) / quota.width_s)


def _freed(quota: Quota, bucket: Bucket, end: WindowEnd) -> Bucket:
    """The bucket after the end of the server's window: permits of the one that is over are cool."""
    cooling, back = split(bucket.cooling, early(quota, bucket) - 1)
    cool = bucket.cool + back
    returned = bucket.returned + back
    return bucket._replace(cool=cool, cooling=cooling, returned=returned, end=end._replace(due_at=inf))


def split(bins: Bins, edge: int) -> tuple[Bins, int]:
    """The bins after `edge`, and how many permits are in the others."""
    i = bisect_left(bins, (edge + 1,))
    return bins[i:], count(bins[:i])


def bin_of(quota: Quota, at: float) -> int:
    """The first bin that ends no earlier than `at`."""
    return ceil(at / quota.width_s)


def doubt_bin(quota: Quota, closed_at: float) -> int:
    """The bin of a permit whose connection was closed then and whose request may still be under way."""
    at = bin_of(quota, closed_at + quota.window_s + quota.transit_s)
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
    return quota.limit - max(0, bucket.cool)


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
        doubtful=moved(bucket.doubtful),
        parked_until=bucket.parked_until + by,
        paced_until=bucket.paced_until + by,
        next_at=bucket.next_at + by,
        throttled_at=bucket.throttled_at + by,
        end=None,
        foreign=moved(bucket.foreign),
        learnt_at=bucket.learnt_at + by,
    )
