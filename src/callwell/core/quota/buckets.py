# SPDX-License-Identifier: Apache-2.0
"""The bucket of one quota: where each of its permits is, as a value that can be stored.

A permit of a quota is in exactly one place: available, in a bin, withheld, or elsewhere (`leases`). `permits` moves
permits between those places and says why that is right; this file says what the places are, and brings a bucket to the
present.
"""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from callwell.core.quota.bins import NEVER, Bins, count, drain
from callwell.core.quota.resets import STRETCH, WindowEnd

if TYPE_CHECKING:
    from callwell.core.rules.profile import QuotaRule

BINS: Final = 1023
"""Bins per window. One is about a thousandth of it (59 ms of a minute), which is the most that a permit is late."""


class Quota(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A quota as its bucket needs it.

    Attributes:
        limit: permits, L.
        window_s: seconds for which a permit cools, W, stretched.
        transit_s: seconds that are added if its request may still be in transit, D, stretched.
        width_s: seconds of a bin.
        grain: bins that count as one for permits in transit: D may be far longer than W, and bins must stay few.
        step_s: seconds between two permits that are issued evenly.
        paced: permits are always issued evenly.
        fixed: the server's windows reset all permits at the same time.
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
    """A documented quota, from its rule in a profile.

    Args:
        rule: the rule.
        transit_s: seconds for which a request may still be in transit after its connection was closed.
    """
    window_s = rule.window_s * STRETCH
    stretched_transit_s = transit_s * STRETCH
    return Quota(
        limit=rule.limit,
        window_s=window_s,
        transit_s=stretched_transit_s,
        width_s=window_s / BINS,
        grain=ceil((window_s + stretched_transit_s) / window_s),
        step_s=window_s / rule.limit,
        paced=rule.paced,
        fixed=rule.window == "fixed",
    )


class Bucket(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The permits of one quota. Stored by position: new fields go to the end, and have a default.

    Attributes:
        available: permits that may be acquired now; negative while others have spent permits that are held here.
        held: bins of acquired permits, by the time they expire.
        cooling: bins of used permits, by the time they become available.
        in_transit: the same for permits of requests that may still be in transit.
        throttled_until: nothing is acquired before.
        paced_until: permits are issued one by one before.
        next_at: when the next of those may be acquired.
        throttle_count: consecutive 429 responses.
        throttled_at: when the last of them arrived.
        window_end: when the server's present window ends, by its responses; fixed windows only.
        foreign: bins of permits that were set aside for others' spending, by the time they become available.
        withheld: permits that are not issued because the provider announces a lower limit than the profile.
        cooled_count: how many used permits have become available so far.
        foreign_at: when permits were last set aside for others.
        elsewhere: permits that are not in a leaseholder's bucket because the pool or other holders have them.
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
    elsewhere: int = 0


class Permit(Struct, frozen=True):
    """The right to send one request, by every quota that counts it.

    Several permits that were acquired together are equal: they are one value and a count.

    Attributes:
        acquired_at: when it was acquired, in monotonic seconds.
        expires_at: the latest time at which its request ends, so that it comes back by itself; infinite if no other
            client uses the record.
        cooled_before: the `cooled_count` of each bucket at that time, in the order of the call's quotas.
    """

    acquired_at: float
    expires_at: float
    cooled_before: tuple[int, ...] = ()


def full_bucket(quota: Quota) -> Bucket:
    """A bucket that was never used."""
    return Bucket(available=quota.limit)


def empty_bucket(quota: Quota) -> Bucket:
    """The bucket of a leaseholder that has no permit yet."""
    return Bucket(available=0, elsewhere=quota.limit)


def cooling_bucket(quota: Quota, now: float) -> Bucket:
    """A bucket with an unknown past: all permits cool as if their requests were in transit at `now`."""
    return Bucket(available=0, in_transit=((transit_bin(quota, now), quota.limit),))


def is_consistent(quota: Quota, bucket: Bucket) -> bool:
    """Whether a stored bucket has each permit of its quota in exactly one place."""
    binned = count(bucket.held) + count(bucket.cooling) + count(bucket.in_transit) + count(bucket.foreign)
    return bucket.available + binned + bucket.withheld + bucket.elsewhere == quota.limit


def refill(quota: Quota, bucket: Bucket, now: float) -> Bucket:
    """The bucket at `now`: permits that are due are available."""
    if bucket.available >= quota.limit:
        return bucket
    if bucket.window_end is not None and bucket.window_end.due_at <= now:
        bucket = _apply_reset(quota, bucket, bucket.window_end)
    held = bucket.held
    cooling = bucket.cooling
    in_transit = bucket.in_transit
    foreign = bucket.foreign
    last = int(now // quota.width_s)
    # The division may round down where `permits` multiplies: the permits must be there at the time that it returns.
    last += (last + 1) * quota.width_s <= now
    if not (
        (cooling and cooling[0][0] <= last)
        or (held and held[0][0] <= last)
        or (in_transit and in_transit[0][0] <= last)
        or (foreign and foreign[0][0] <= last)
    ):
        return bucket
    held, expired = drain(held, last)
    cooling, cooled = drain(cooling, last)
    in_transit, arrived = drain(in_transit, last)
    foreign, returned = drain(foreign, last)
    own = expired + cooled + arrived
    return replace(
        bucket,
        available=bucket.available + own + returned,
        held=held,
        cooling=cooling,
        in_transit=in_transit,
        foreign=foreign,
        cooled_count=bucket.cooled_count + own,
    )


def first_bin_after_reset(quota: Quota, bucket: Bucket) -> int:
    """The first bin of cooling permits that do not come back at the window's end; -1 if no end is believed."""
    end = bucket.window_end
    if end is None or end.due_at == inf:
        return -1
    return ceil((end.free_before + quota.window_s) / quota.width_s)


def _apply_reset(quota: Quota, bucket: Bucket, end: WindowEnd) -> Bucket:
    """The bucket after the end of the server's window: permits that were answered before it are available."""
    cooling, freed = drain(bucket.cooling, first_bin_after_reset(quota, bucket) - 1)
    return replace(
        bucket,
        available=bucket.available + freed,
        cooling=cooling,
        cooled_count=bucket.cooled_count + freed,
        window_end=replace(end, due_at=inf),
    )


def cool_bin(quota: Quota, at: float) -> int:
    """The first bin that ends no earlier than `at`."""
    return ceil(at / quota.width_s)


def transit_bin(quota: Quota, closed_at: float) -> int:
    """The bin of a permit with a connection that is closed at `closed_at`, as its request may be in transit then."""
    return to_transit_bin(quota, closed_at + quota.window_s + quota.transit_s)


def to_transit_bin(quota: Quota, at: float) -> int:
    """The first bin for permits in transit that ends no earlier than `at`."""
    return -(-cool_bin(quota, at) // quota.grain) * quota.grain  # rounded up to a multiple


def spent(quota: Quota, bucket: Bucket) -> int:
    """How many of the quota's permits are not available."""
    return quota.limit - max(0, bucket.available)


def shift(quota: Quota, bucket: Bucket, by: float) -> Bucket:
    """The bucket with `by` seconds added to all its times, for a record whose clock has another origin."""
    by_bins = ceil(by / quota.width_s)
    return replace(
        bucket,
        held=_shift_bins(bucket.held, by_bins),
        cooling=_shift_bins(bucket.cooling, by_bins),
        in_transit=_shift_bins(bucket.in_transit, by_bins),
        throttled_until=bucket.throttled_until + by,
        paced_until=bucket.paced_until + by,
        next_at=bucket.next_at + by,
        throttled_at=bucket.throttled_at + by,
        window_end=None,
        foreign=_shift_bins(bucket.foreign, by_bins),
        foreign_at=bucket.foreign_at + by,
    )


def _shift_bins(bins: Bins, by: int) -> Bins:
    return tuple([(at if at >= NEVER else at + by, n) for at, n in bins])
