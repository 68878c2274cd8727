# SPDX-License-Identifier: Apache-2.0
"""Computes what the pool can hand out of one bucket, and how fast, so that some permits are left for others.

A holder with a thousand callers would use a whole window immediately, and everyone else would wait until it has cooled.
So the pool looks ahead: with `A(t)` permits cool within `t` seconds from now, it hands out no more than the rate that
it can sustain, the minimum of `A(t) / t`. Permits that come back in a burst are thus spread over a window, and stay
spread::

    permits   ┌──────── A(t)         permits        ┌── A(t)
              │      ⋰                        ┌─────┘ ⋰
              │   ⋰   <- the rate             │    ⋰
              │⋰                              │⋰
              └────────────> t                └────────────> t
              all cool: spread               scarce for a while: kept for it

While nobody else needs any, most or all of the supply may be handed out immediately, in the first window after a time
of plenty.
"""

from __future__ import annotations

from bisect import bisect_left
from math import floor, inf
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.core.quota.bins import count, take
from callwell.core.quota.holder_exchange import QUIET_INTERVAL_S
from callwell.core.quota.holder_needs import HORIZON_S, share_ahead_s
from callwell.core.quota.lease_records import BucketGrant
from callwell.core.quota.permits import CATCH_UP

if TYPE_CHECKING:
    from callwell.core.quota.buckets import Bucket, Quota

MIN_BINS_AHEAD: Final = 8
"""Permits are handed out before they are cool only if this many of a bucket's bins fit into the horizon."""

SPREAD_S: Final = 60.0
"""The most seconds that permits are spread over: a daily quota is not divided by the seconds of the day."""

SAMPLES: Final = 8
"""Sample times of the future supply."""


def offer(quota: Quota, bucket: Bucket, now: float, ahead_s: float) -> int:
    """How many permits the pool can hand out: the cool ones, and those that will be cool soon.

    Args:
        quota: the quota.
        bucket: its bucket in the pool, at `now`.
        now: store time.
        ahead_s: how soon, in seconds.
    """
    if bucket.available < 0:
        return 0
    soon = bucket.available + _due(quota, bucket, now, ahead_s)
    if not is_paced(quota, bucket, now):
        return soon
    slots = floor((now + ahead_s - first_slot_at(quota, bucket, now)) / quota.step_s) + 1
    return max(0, min(soon, slots))


def first_slot_at(quota: Quota, bucket: Bucket, now: float) -> float:
    """When the next of permits that are issued one by one may be handed out."""
    catch_up_s = 0.0 if quota.paced else CATCH_UP * quota.step_s
    earliest_at = now if bucket.next_at > now else now - catch_up_s
    return max(earliest_at, bucket.throttled_until, bucket.next_at)


def is_paced(quota: Quota, bucket: Bucket, now: float) -> bool:
    """Whether permits are issued one by one."""
    return quota.paced or now < bucket.paced_until


def even_supply(quota: Quota, bucket: Bucket, in_hand: int, now: float) -> float:
    """How many permits may be handed out within the horizon at a rate that can be sustained afterwards.

    Args:
        quota: the quota.
        bucket: its bucket in the pool, at `now`.
        in_hand: unused permits that holders have.
        now: store time.
    """
    # Permits that holders have used and not reported yet will be missing at the end of the window.
    span_s = min(max(quota.window_s - QUIET_INTERVAL_S, quota.window_s / 2.0), SPREAD_S)
    end = bucket.window_end
    if end is not None and end.due_at < inf:
        # Permits left when the server's window ends are of no use.
        span_s = min(span_s, end.due_at - now)
    least_s = share_ahead_s(quota)
    span_s = max(span_s, least_s)
    # One more than there is, so that the gap before the next permit does not delay it.
    cool = max(0, bucket.available) + in_hand + 1
    if not bucket.cooling:
        return cool / span_s * HORIZON_S
    rate = inf
    first = 0
    for i in range(1, SAMPLES + 1):
        at_s = span_s * i / SAMPLES
        if at_s < least_s:
            continue
        last = bisect_left(bucket.cooling, (int((now + at_s) // quota.width_s) + 1,))
        cool += count(bucket.cooling[first:last])
        first = last
        rate = min(rate, cool / at_s)
    return rate * HORIZON_S


def hand_out(quota: Quota, bucket: Bucket, n: int, now: float, *, skip: int = 0) -> tuple[Bucket, BucketGrant]:
    """A bucket of the pool after permits were handed out, and the holder's grant.

    Args:
        quota: the quota.
        bucket: its bucket.
        n: how many permits; together with the skipped ones no more than `offer`.
        now: store time.
        skip: how many of the soonest cool permits stay.
    """
    stay = min(skip, bucket.available)
    available = min(n, bucket.available - stay)
    cooling, left = take(bucket.cooling, n - available, skip - stay)
    next_in_s = -inf
    next_at = bucket.next_at
    if n and is_paced(quota, bucket, now):
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


def _due(quota: Quota, bucket: Bucket, now: float, ahead_s: float) -> int:
    """Cooling permits that can be handed out before they are cool."""
    if quota.width_s * MIN_BINS_AHEAD > HORIZON_S:
        return 0
    return count(bucket.cooling[: bisect_left(bucket.cooling, (int((now + ahead_s) // quota.width_s) + 1,))])
