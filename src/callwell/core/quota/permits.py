# SPDX-License-Identifier: Apache-2.0
"""Quotas as permits that cool.

A quota of L requests per W seconds is L permits. A permit is held from before its request is sent until the request's
final answer has arrived, and then cools for W. The request reached the server somewhere between sending and answer, so
two uses of one permit reach it at least W apart, and **no window of W seconds, however aligned, holds more than L
arrivals**. Nothing about the server's clock or its windows is assumed. The cost is one round trip per window.

What the proof rests on:

* A Send that ends without a final answer may still be under way: its permit cools W + D from the close of its
  connection. D (`transit_s`) is the only assumption. A permit that was never used for sending comes back at once.
* D bounds what lies between the close and the arrival. It counts only where nothing else bounds that: a request whose
  answer began has arrived, so its permit cools W from then, and nothing is assumed.
* A request that a transport goes on with after its caller has gone is held until its own end, then settled by it.
* W and D are stretched by `STRETCH`, for a local clock that runs faster than the server's, and times of resets both
  ways.
* A permit comes back once: one that has come back by itself is not taken back a second time.
* A holder may die. A held permit therefore has a time at which it comes back by itself: the longest that its request
  can take, and W + D on top. Where nobody else can see the record that time is infinite.
* A bucket whose past is not known begins full of cooling permits; one that is known to be new begins cool.

**Fixed windows** (only where the provider documents them, and says when the window ends): permits whose answers came
before the earliest time at which the window can have ended come back at the latest. Both are needed: an answer that
came between the two may have been counted in the new window. The theorem is then one about the server's own windows;
what is believed of their ends is in `resets`.

**Pacing.** After a 429 the permits come back one by one at the quota's rate for one window, not in a herd. A quota of a
shape that is no window of L (`QuotaRule.paced`) is always let out like that.

Cooling permits are kept in bins of equal width, rounded up, so that a million of them cost kilobytes.
"""

from __future__ import annotations

from bisect import bisect_left
from math import inf
from typing import Final

from callwell.core.quota import resets
from callwell.core.quota.buckets import (
    NEVER,
    Bucket,
    Permit,
    Quota,
    add,
    cool_bin,
    cooling_bucket,
    count,
    first_bin_after_reset,
    full_bucket,
    is_consistent,
    refill,
    remove,
    shift,
    spent,
    to_quota,
    transit_bin,
)
from callwell.core.quota.resets import STRETCH

__all__ = [
    "NEVER",
    "STRETCH",
    "AtLatest",
    "Bucket",
    "Permit",
    "Quota",
    "abandon",
    "acquire",
    "cooling_bucket",
    "count",
    "full_bucket",
    "is_consistent",
    "learn_reset",
    "max_batch",
    "reconcile",
    "refill",
    "release_answered",
    "release_lost",
    "return_unused",
    "shift",
    "spent",
    "throttle",
    "to_quota",
]

BATCH_SHARE: Final = 64
"""Of how many cool permits one may be taken ahead of its use."""

CATCH_UP: Final = 4
"""Steps of pacing after a 429 that may be made up for when a driver wakes late."""


class AtLatest(float):
    """A time that comes sooner if a holder settles its permit: nobody is to be refused because of it."""

    __slots__ = ()


def acquire(
    quotas: tuple[Quota, ...], buckets: tuple[Bucket, ...], now: float, hold_s: float = inf, count: int = 1
) -> tuple[tuple[Bucket, ...], Permit | float]:
    """Lend one permit of each quota, or none of any.

    Args:
        quotas: the quotas of a call.
        buckets: their buckets, in the same order.
        now: monotonic seconds.
        hold_s: the longest that the request can take, for records that others see; infinite for the rest.
        count: how many of each at once, no more than are `spare`.

    Returns:
        the buckets after it, and the permit, or the time at which asking again makes sense (infinite while all
        permits are held: then when one is settled; `AtLatest` where holders may die).
    """
    ready_at, harvested = -inf, []
    for one, bucket in zip(quotas, buckets, strict=True):
        harvested.append(refill(one, bucket, now))
        ready_at = max(ready_at, _available_at(one, harvested[-1], now))
    if ready_at > now:
        return tuple(harvested), ready_at
    permit = Permit(now, now + hold_s, tuple([bucket.cooled_count for bucket in harvested]))
    return tuple([_take_out(q, b, permit, count) for q, b in zip(quotas, harvested, strict=True)]), permit


def max_batch(quotas: tuple[Quota, ...], buckets: tuple[Bucket, ...], now: float) -> int:
    """How many permits one caller may take at once: a small share of the cool ones, none where they are let out singly.

    Args:
        quotas: the quotas of its calls.
        buckets: their buckets, in the same order.
        now: monotonic seconds.
    """
    free = [
        0 if q.paced or now < b.paced_until else b.available // BATCH_SHARE
        for q, b in zip(quotas, buckets, strict=True)
    ]
    return max(0, min(free, default=0))


def release_answered(
    quota: Quota, bucket: Bucket, permit: Permit, now: float, *, ok: bool = True, count: int = 1
) -> Bucket:
    """Take a permit back after its request's final answer has arrived.

    Args:
        quota: the quota.
        bucket: its bucket.
        permit: the permit.
        now: when the answer arrived.
        ok: the answer was not a 429, so that a row of them is over.
        count: how many such permits, none of which was taken earlier, nor answered later.
    """
    held = remove(bucket.held, _expiry_bin(quota, permit), count)
    throttles = 0 if ok and permit.acquired_at >= bucket.throttled_at else bucket.throttle_count
    if held is None:
        return bucket if throttles == bucket.throttle_count else bucket._replace(throttle_count=throttles)
    cooling = add(bucket.cooling, cool_bin(quota, now + quota.window_s), count)
    # `_replace` would take four times as long: with `_lend`, a fifteenth of what an account costs a call.
    return Bucket._make((bucket.available, held, cooling, *bucket[3:7], throttles, *bucket[8:]))


def release_lost(quota: Quota, bucket: Bucket, permit: Permit, now: float) -> Bucket:
    """Take a permit back whose request ended without a final answer and may still be under way.

    Args:
        quota: the quota.
        bucket: its bucket.
        permit: the permit.
        now: when the connection was closed.
    """
    held = remove(bucket.held, _expiry_bin(quota, permit))
    if held is None:
        return bucket
    return bucket._replace(held=held, in_transit=add(bucket.in_transit, transit_bin(quota, now)))


def abandon(quota: Quota, bucket: Bucket, permit: Permit, left: Permit) -> Bucket:
    """Hold a permit whose caller has gone until its request ends by itself, and no longer than that can take.

    Args:
        quota: the quota.
        bucket: its bucket.
        permit: the permit.
        left: the same, which comes back by itself after the latest time at which its connection is closed.
    """
    held = remove(bucket.held, _expiry_bin(quota, permit))
    return bucket if held is None else bucket._replace(held=add(held, _expiry_bin(quota, left)))


def reconcile(quota: Quota, bucket: Bucket, lent: int, used: int, closes_at: float) -> Bucket:
    """Put a bucket right after an interrupt struck a holder anywhere between taking a permit and giving it back.

    Only for permits that never come back by themselves. Any that nobody has in hand was used or was not; and a permit
    that somebody has in hand but was given back by mistake is lent again.

    Args:
        quota: the quota.
        bucket: its bucket.
        lent: how many permits are in hand.
        used: how many of the others may have been used.
        closes_at: when the last of their connections is closed, or its answer has come.
    """
    i = bisect_left(bucket.held, (NEVER,))
    lost = count(bucket.held[i:]) - lent
    held = add(bucket.held[:i], NEVER, lent) if lent else bucket.held[:i]
    doubtful = min(max(0, lost), used)
    bucket = bucket._replace(held=held, available=bucket.available + lost - doubtful)
    if doubtful:
        bucket = bucket._replace(in_transit=add(bucket.in_transit, transit_bin(quota, closes_at), doubtful))
    return bucket


def return_unused(quota: Quota, bucket: Bucket, permit: Permit, count: int = 1) -> Bucket:
    """Take a permit back, or several of the same kind, that was surely not used."""
    held = remove(bucket.held, _expiry_bin(quota, permit), count)
    return bucket if held is None else bucket._replace(held=held, available=bucket.available + count)


def throttle(
    quotas: tuple[Quota, ...], buckets: tuple[Bucket, ...], permit: Permit, now: float, wait_s: float | None
) -> tuple[Bucket, ...]:
    """The buckets after an answer 429: one of them is parked.

    With a time, the shortest quota is parked until then. Without, the first 429 in a row is taken to be the shortest
    quota's and parks it for a second; the second parks it for a whole window; from the third on the next longer quota
    is parked, for twice as long each time. Answers to requests that were sent before the last 429 arrived are part of
    the same refusal and do not count as another one.

    Args:
        quotas: the quotas of the call, in any order.
        buckets: their buckets, in the same order.
        permit: the refused request's permit.
        now: when the answer arrived.
        wait_s: for how long the answer asks to be left alone, if it says.
    """
    if not quotas:
        return buckets
    order = sorted(range(len(quotas)), key=lambda i: quotas[i].window_s)
    first = buckets[order[0]]
    same = permit.acquired_at < first.throttled_at
    row = first.throttle_count + (not same)
    victim, park_s = order[0], wait_s
    if park_s is None:
        victim, park_s = _choose_throttled([quotas[i] for i in order], order, row) if not same else (order[0], 0.0)
    parked = list(buckets)
    parked[victim] = _throttle_until(quotas[victim], parked[victim], now + park_s)
    parked[order[0]] = parked[order[0]]._replace(
        throttle_count=row, throttled_at=now if not same else first.throttled_at
    )
    return tuple(parked)


def learn_reset(
    quota: Quota, bucket: Bucket, permit: Permit, now: float, delta_s: float, *, slack_s: float = 1.0
) -> Bucket:
    """Learn when the server's fixed window ends.

    Args:
        quota: the quota; nothing is learnt unless its windows are fixed.
        bucket: its bucket.
        permit: of the request whose answer said so.
        now: when the answer arrived.
        delta_s: whole seconds until the reset, as the answer said, rounded either way.
        slack_s: by how much the rounding may have changed them.
    """
    if not quota.fixed:
        return bucket
    bucket = refill(quota, bucket, now)
    end = resets.learn(bucket.window_end, quota.window_s, permit.acquired_at, now, delta_s, slack_s)
    return bucket if end is bucket.window_end else bucket._replace(window_end=end)


def _choose_throttled(ranked: list[Quota], order: list[int], row: int) -> tuple[int, float]:
    if row == 1:
        return order[0], min(ranked[0].window_s, 1.0)
    if row == 2 or len(ranked) == 1:  # noqa: PLR2004 - the second in a row
        return order[0], ranked[0].window_s
    return order[1], min(ranked[1].window_s, ranked[0].window_s * 2.0 ** min(row - 2, 60))


def _throttle_until(quota: Quota, bucket: Bucket, until: float) -> Bucket:
    until = max(bucket.throttled_until, until)
    return bucket._replace(throttled_until=until, paced_until=until + quota.window_s)


def _available_at(quota: Quota, bucket: Bucket, now: float) -> float:
    at = bucket.throttled_until
    if quota.paced or now < bucket.paced_until:
        at = max(at, bucket.next_at)
    if bucket.available <= 0:
        firsts = (bins[0][0] for bins in (bucket.held, bucket.cooling, bucket.in_transit, bucket.foreign) if bins)
        expires_at = min((first * quota.width_s for first in firsts if first < NEVER), default=inf)
        if (
            bucket.window_end is not None
            and bucket.cooling
            and bucket.cooling[0][0] < first_bin_after_reset(quota, bucket)
        ):
            expires_at = min(expires_at, bucket.window_end.due_at)
        at = max(at, AtLatest(expires_at) if bucket.held and not bucket.cooling else expires_at)
    return at


def _take_out(quota: Quota, bucket: Bucket, permit: Permit, count: int) -> Bucket:
    late = 0.0 if quota.paced else CATCH_UP * quota.step_s
    next_at = max(bucket.next_at, permit.acquired_at - late) + quota.step_s * count
    held = add(bucket.held, _expiry_bin(quota, permit), count)
    return Bucket._make((bucket.available - count, held, *bucket[2:6], next_at, *bucket[7:]))


def _expiry_bin(quota: Quota, permit: Permit) -> int:
    at = permit.expires_at
    return NEVER if at == inf else transit_bin(quota, at)
