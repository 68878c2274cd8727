# SPDX-License-Identifier: Apache-2.0
"""The life of a permit, and the theorem that a quota is never exceeded.

**The model.** A quota of L requests in W seconds is L permits. A permit is held from before its request is sent until
its response has arrived, and then cools for W::

        acquire     send                   response                         available
    ───────┬──────────┬───────────────────────┬─────────────────────────────────┬────> local time
           │          ╰── the request ────────┤                                 │
           │              reaches the server  │                                 │
           ╰───────────── held ───────────────┴──────────── cooling: W ─────────╯

The request reaches the server between `send` and `response`, so two uses of one permit reach it at least W apart, and
**no window of W seconds, however aligned, holds more than L requests**. Nothing is assumed about the server's clock or
about where its windows begin. The price is one round trip per window.

**The places of a permit** and the functions that move it::

                 acquire                release_answered
    available ────────────> held ─────────────────────────> cooling ───────── W ─────────> available
        ^                   │ │ │        release_lost
        ╰── return_unused ──╯ │ ╰─────────────────────────> in transit ───── D + W ──────> available
                              ╰── expires: the holder died ───────────────── D + W ──────> available

**What the proof rests on**

* *Transit, D.* A request that ended without a response may still be on its way: its permit cools for W + D from the
  close of its connection. D (`max_transit_s` of a profile) is the only assumption, and it counts only where nothing
  else bounds the arrival: a request whose response has begun has arrived, and its permit cools for W from then.
* *Departed callers.* The permit of a request that a transport finishes after its caller was cancelled is held until the
  request ends (`abandon`), and released then.
* *Clocks.* W and D are stretched by `STRETCH`, in case the local clock runs faster than the server's. Times of resets
  are stretched both ways.
* *Once.* A permit comes back once: one that has expired is not released again by its late holder.
* *Death.* A holder may die. Where others see the record, a held permit therefore expires after the longest that its
  request can take (the pause P before sending included), and W + D on top.
* *The past.* A bucket with an unknown past begins with all its permits cooling; one that is known to be new begins
  full.
* *Bins.* Times at which permits come back are rounded up to bins of W/1023 (`bins`), never down.

**Fixed windows**, only where the provider documents them and its responses say when they end: a permit with a response
from before the earliest time at which the window can have ended comes back at the latest such time. Both are needed,
since a response in between may have been counted in the new window. The theorem then applies to the server's own
windows. `resets` explains when such an end is believed.

**What others spend** on the same account is seen in the server's headers and set aside: see `foreign`. That makes fewer
permits available, never more, so the proof need not consider it.

**Pacing.** After a 429, permits are issued one by one at the quota's rate for a window, not as a herd. Permits of a
quota that is not "L in any W" (`QuotaRule.paced`: leaky buckets) are always issued like that.

**Further shapes.** A call with a weight acquires that many permits of a bucket together (`count`). A limit on requests
in flight is a quota with permits that do not cool. A quota per argument is a bucket per argument, each under its own
key. A lease to another holder is a number of permits with one expiry.
"""

from __future__ import annotations

from bisect import bisect_left
from math import inf
from typing import Final

from msgspec.structs import replace

from callwell.core.quota import resets
from callwell.core.quota.bins import NEVER, add, count, remove
from callwell.core.quota.buckets import (
    Bucket,
    Permit,
    Quota,
    cool_bin,
    cooling_bucket,
    first_bin_after_reset,
    full_bucket,
    is_consistent,
    refill,
    shift,
    spent,
    to_quota,
    transit_bin,
)
from callwell.core.quota.resets import STRETCH

__all__ = [
    "CATCH_UP",
    "MAX_PAUSE_S",
    "NEVER",
    "STRETCH",
    "AtLatest",
    "Bucket",
    "Permit",
    "Quota",
    "abandon",
    "acquire",
    "available_at",
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

MAX_PAUSE_S: Final = 30.0
"""P: a process that pauses for longer between acquiring a permit and sending gives the permit back unused."""

BATCH_SHARE: Final = 64
"""One in this many available permits may be acquired ahead, so that unused permits are rarely missed by others."""

CATCH_UP: Final = 4
"""Paced permits that may be issued together after a late wake-up: timers are late by milliseconds, and steps may be
shorter."""

FIRST_PAUSE_S: Final = 1.0
"""Pause in seconds after the first 429 that names no time: it may have been a burst limit of one second."""

WHOLE_WINDOW: Final = 2
"""From this consecutive 429 on, the shortest quota is assumed to be used up."""

MAX_DOUBLINGS: Final = 60
"""Any window is shorter than 2**60 times another; more would overflow."""


class AtLatest(float):
    """A time that may come earlier, if a holder releases its permit, so no call is refused because of it."""

    __slots__ = ()


def acquire(
    quotas: tuple[Quota, ...], buckets: tuple[Bucket, ...], now: float, hold_s: float = inf, count: int = 1
) -> tuple[tuple[Bucket, ...], Permit | float]:
    """Acquire permits of all quotas, or none of any.

    Args:
        quotas: the quotas of a call.
        buckets: their buckets, in the same order.
        now: monotonic seconds.
        hold_s: the longest that the request can take, if others use the record; otherwise infinite.
        count: permits of each quota; more than one only up to `max_batch`.

    Returns:
        The buckets afterwards, and the permit or the time to ask again: infinite while all permits are held and none
        expires, `AtLatest` while they are held and expire.
    """
    refilled: list[Bucket] = []
    latest_at = -inf
    for quota, bucket in zip(quotas, buckets, strict=True):
        present = refill(quota, bucket, now)
        refilled.append(present)
        latest_at = max(latest_at, available_at(quota, present, now))
    if latest_at > now:
        return tuple(refilled), latest_at
    permit = Permit(now, now + hold_s, tuple([bucket.cooled_count for bucket in refilled]))
    return tuple([_hold(q, b, permit, count) for q, b in zip(quotas, refilled, strict=True)]), permit


def max_batch(quotas: tuple[Quota, ...], buckets: tuple[Bucket, ...], now: float) -> int:
    """How many permits one caller may acquire together: a small share, and only one where they are issued one by one.

    Args:
        quotas: the quotas of its calls.
        buckets: their buckets, in the same order.
        now: monotonic seconds.
    """
    both = zip(quotas, buckets, strict=True)
    if any(quota.paced or now < bucket.paced_until for quota, bucket in both):
        return 0
    available = min([bucket.available for bucket in buckets], default=0)
    return max(0, available // BATCH_SHARE)


def release_answered(
    quota: Quota, bucket: Bucket, permit: Permit, now: float, *, ok: bool = True, count: int = 1
) -> Bucket:
    """The bucket after a final response: the permit cools.

    Args:
        quota: the quota.
        bucket: its bucket.
        permit: the permit.
        now: when the response arrived.
        ok: the response was not a 429, which ends a run of them.
        count: the number of such permits; none was acquired before `permit`, and none answered after `now`.
    """
    held = remove(bucket.held, expiry_bin(quota, permit), count)
    throttle_count = bucket.throttle_count
    if ok and permit.acquired_at >= bucket.throttled_at:
        throttle_count = 0
    if held is None:
        return replace(bucket, throttle_count=throttle_count)
    return replace(
        bucket,
        held=held,
        cooling=add(bucket.cooling, cool_bin(quota, now + quota.window_s), count),
        throttle_count=throttle_count,
    )


def release_lost(quota: Quota, bucket: Bucket, permit: Permit, closed_at: float) -> Bucket:
    """The bucket after a request without a response, which may still be in transit.

    Args:
        quota: the quota.
        bucket: its bucket.
        permit: the permit.
        closed_at: when the connection is closed.
    """
    held = remove(bucket.held, expiry_bin(quota, permit))
    if held is None:
        return bucket
    return replace(bucket, held=held, in_transit=add(bucket.in_transit, transit_bin(quota, closed_at)))


def return_unused(quota: Quota, bucket: Bucket, permit: Permit, count: int = 1) -> Bucket:
    """The bucket after equal permits came back unused, certainly without a request: they are available."""
    held = remove(bucket.held, expiry_bin(quota, permit), count)
    if held is None:
        return bucket
    return replace(bucket, held=held, available=bucket.available + count)


def abandon(quota: Quota, bucket: Bucket, permit: Permit, abandoned: Permit) -> Bucket:
    """The bucket after a caller was cancelled: its permit is held until its request ends, or must have ended.

    Args:
        quota: the quota.
        bucket: its bucket.
        permit: the permit.
        abandoned: the same permit, which expires when its connection has closed at the latest.
    """
    held = remove(bucket.held, expiry_bin(quota, permit))
    if held is None:
        return bucket
    return replace(bucket, held=add(held, expiry_bin(quota, abandoned)))


def reconcile(quota: Quota, bucket: Bucket, in_hand: int, maybe_used: int, closes_at: float) -> Bucket:
    """Reconcile a bucket with its holders after an interrupt, which may strike between acquiring and holding.

    Only for permits that never expire. A held permit that no holder has may have been used; one that a holder has
    although it was released is held again.

    Args:
        quota: the quota.
        bucket: its bucket.
        in_hand: how many permits holders have.
        maybe_used: how many of the other permits may have been used.
        closes_at: when the last of their connections closes, or its response has arrived.
    """
    first = bisect_left(bucket.held, (NEVER,))
    expiring = bucket.held[:first]
    lost = count(bucket.held[first:]) - in_hand
    used = min(max(0, lost), maybe_used)
    in_transit = bucket.in_transit
    if used:
        in_transit = add(in_transit, transit_bin(quota, closes_at), used)
    return replace(
        bucket,
        available=bucket.available + lost - used,
        held=add(expiring, NEVER, in_hand) if in_hand else expiring,
        in_transit=in_transit,
    )


def throttle(
    quotas: tuple[Quota, ...], buckets: tuple[Bucket, ...], permit: Permit, now: float, wait_s: float | None
) -> tuple[Bucket, ...]:
    """The buckets after a 429: one of the quotas is throttled.

    If the response names a time, the shortest quota is throttled until then. If not, the first of consecutive 429s
    throttles the shortest quota for a second, the second for its whole window, and from the third on the next longer
    quota, each time for twice as long. Responses to requests that were sent before the last 429 arrived belong to the
    same refusal.

    Args:
        quotas: the quotas of the call, in any order.
        buckets: their buckets, in the same order.
        permit: the refused request's permit.
        now: when the response arrived.
        wait_s: how many seconds the response asks the client to wait, if it says.
    """
    if not quotas:
        return buckets
    by_window = sorted(range(len(quotas)), key=lambda i: quotas[i].window_s)
    shortest = by_window[0]
    # Consecutive refusals are counted in the shortest quota, which every 429 is first assumed to be about.
    first = buckets[shortest]
    is_same_refusal = permit.acquired_at < first.throttled_at
    row = first.throttle_count if is_same_refusal else first.throttle_count + 1
    target = shortest
    if wait_s is not None:
        pause_s = wait_s
    elif is_same_refusal:
        pause_s = 0.0
    else:
        target, pause_s = _choose_throttled(quotas, by_window, row)
    throttled = list(buckets)
    throttled[target] = _throttle_until(quotas[target], buckets[target], now + pause_s)
    throttled[shortest] = replace(
        throttled[shortest], throttle_count=row, throttled_at=first.throttled_at if is_same_refusal else now
    )
    return tuple(throttled)


def learn_reset(
    quota: Quota, bucket: Bucket, permit: Permit, now: float, delta_s: float, *, uncertainty_s: float = 1.0
) -> Bucket:
    """The bucket after a response that says when the server's fixed window ends.

    Args:
        quota: the quota; nothing is learned unless its windows are fixed.
        bucket: its bucket.
        permit: of the answered request.
        now: when the response arrived.
        delta_s: seconds until the reset, as the response says, rounded either way.
        uncertainty_s: the possible rounding error in seconds.
    """
    if not quota.fixed:
        return bucket
    present = refill(quota, bucket, now)
    end = resets.learn(present.window_end, quota.window_s, permit.acquired_at, now, delta_s, uncertainty_s)
    return present if end is present.window_end else replace(present, window_end=end)


def _choose_throttled(quotas: tuple[Quota, ...], by_window: list[int], row: int) -> tuple[int, float]:
    """Which quota a 429 without a time throttles, and for how many seconds; `row` counts consecutive 429s."""
    shortest_s = quotas[by_window[0]].window_s
    if row < WHOLE_WINDOW:
        return by_window[0], min(shortest_s, FIRST_PAUSE_S)
    if row == WHOLE_WINDOW or len(by_window) == 1:
        return by_window[0], shortest_s
    longer = by_window[1]
    doublings = min(row - WHOLE_WINDOW, MAX_DOUBLINGS)
    return longer, min(quotas[longer].window_s, shortest_s * 2.0**doublings)


def _throttle_until(quota: Quota, bucket: Bucket, at: float) -> Bucket:
    until = max(bucket.throttled_until, at)
    return replace(bucket, throttled_until=until, paced_until=until + quota.window_s)


def available_at(quota: Quota, bucket: Bucket, now: float) -> float:
    """When the next permit is available; no later than `now` if one is."""
    at = bucket.throttled_until
    if quota.paced or now < bucket.paced_until:
        at = max(at, bucket.next_at)
    if bucket.available > 0:
        return at
    firsts = [bins[0][0] for bins in (bucket.held, bucket.cooling, bucket.in_transit, bucket.foreign) if bins]
    back_at = min([first * quota.width_s for first in firsts if first < NEVER], default=inf)
    end = bucket.window_end
    if end is not None and bucket.cooling and bucket.cooling[0][0] < first_bin_after_reset(quota, bucket):
        back_at = min(back_at, end.due_at)
    if bucket.held and not bucket.cooling:
        # A holder that releases its permit brings this time forward.
        back_at = AtLatest(back_at)
    return max(at, back_at)


def _hold(quota: Quota, bucket: Bucket, permit: Permit, count: int) -> Bucket:
    """The bucket after `count` permits were acquired."""
    catch_up_s = 0.0 if quota.paced else CATCH_UP * quota.step_s
    next_at = max(bucket.next_at, permit.acquired_at - catch_up_s) + quota.step_s * count
    return replace(
        bucket,
        available=bucket.available - count,
        held=add(bucket.held, expiry_bin(quota, permit), count),
        next_at=next_at,
    )


def expiry_bin(quota: Quota, permit: Permit) -> int:
    """The bin in which a permit comes back by itself."""
    if permit.expires_at == inf:
        return NEVER
    return transit_bin(quota, permit.expires_at)
