# SPDX-License-Identifier: Apache-2.0
"""Spending by others on the same account, inferred from the quota headers of our own responses.

A response says that `remaining` requests were left when the server made it, at some time s between our sending and our
receiving. If fewer are left than the permits we believe to be available, somebody else has spent. But the header lags:
requests in flight may be counted in it or not, and the server's window may be older or younger than our permits. So the
difference is bounded on both sides:

* **At least.** Of our own requests the server counts at s only those that arrived less than W before s. None of their
  permits was available at s: a permit cools for W after its response, which came after the arrival. (Where windows are
  fixed and permits come back at the reset, none is available before the window that counts it has ended.) So
  `possible`, the permits that were unavailable at some moment since this request's permit was acquired, is never less
  than what the server counts of ours: the permits that are unavailable now, and those that have become available since
  (the bucket counts them, and the permit remembers the count at its time). At least `limit - remaining - possible`
  requests are therefore not ours, and as many permits are set aside. Without foreign traffic this is never above zero,
  however late or out of order responses are.
* **At most.** Others cannot have spent more than `limit - remaining - certain`. `certain` counts our requests that were
  answered before this one left, and not so long ago that they may be out of the window; none where the window may have
  begun again. What is set aside beyond that comes back: others stop, and headers lie. Only a response to a request that
  left after permits were last set aside may say so. This bound decides when we become bold again, not whether we are
  safe.

Where windows are fixed, what was set aside comes back at the reset. Elsewhere others' requests leave the window one by
one, the last of them W after the response. As others mostly continue as before, a permit stays set aside until W after
the last response that needed it, and one of many comes back early, as a test. There a reserve is also set aside for
random arrivals of others: without it, each of their excess requests costs us a refusal.

A limit below the profile's is obeyed: the permits between the two are withheld until it is higher again.
"""

from __future__ import annotations

from bisect import bisect_left
from math import ceil
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.core.quota.bins import add, count, take
from callwell.core.quota.buckets import BINS, cool_bin, refill
from callwell.core.quota.hint import ROUNDED_S
from callwell.core.quota.resets import STRETCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.core.quota.bins import Bins
    from callwell.core.quota.buckets import Bucket, Permit, Quota
    from callwell.core.quota.hint import QuotaHint

STEPS_PER_WINDOW: Final = 16
"""Steps per window at which permits that were set aside come back: few, so that they need few bins."""

MAX_SLOWDOWN: Final = 2.0
"""How many times slower than this request an earlier one may have been and still count as within the window."""

RESERVE_DEVIATIONS: Final = 2.0
"""Reserve in standard deviations of others' spending, assuming random arrivals (Poisson): enough in 97 of 100
windows."""

WINDOW_TOLERANCE: Final = 0.01
"""The fraction by which a window may differ from the profile's and still be the same, since servers round."""


def match_hints(
    hints: Sequence[QuotaHint], names: Sequence[str], quotas: Sequence[Quota]
) -> list[tuple[int, QuotaHint]]:
    """Which quota each hint is about: by name, window or limit, in this order; a single unmatched one is the first's.

    Args:
        hints: what a response says.
        names: the quotas of the call.
        quotas: the same quotas, as needed by their buckets.

    Returns:
        Indices of quotas with their hints; hints about none of them are left out.
    """
    found = []
    for hint in hints:
        i = _match_hint(hint, names, quotas)
        if i is None and len(hints) == 1 and quotas and not hint.window_s and not _is_reset_too_late(hint, quotas[0]):
            i = 0
        if i is not None:
            found.append((i, replace(hint, reset_s=None) if _is_reset_too_late(hint, quotas[i]) else hint))
    return found


def learn(
    quota: Quota,
    bucket: Bucket,
    permit: Permit,
    now: float,
    hint: QuotaHint,
    *,
    cooled_before: int,
    refused: bool = False,
) -> Bucket:
    """The bucket after a response with the state of the quota.

    Args:
        quota: the quota; a paced one teaches nothing, since its `remaining` does not count requests in a window.
        bucket: its bucket.
        permit: of the request.
        now: when the response arrived.
        hint: what it says about this quota.
        cooled_before: the bucket's `cooled_count` when the permit was acquired.
        refused: the response is a 429, so its reset is when to try one permit again.
    """
    if quota.paced:
        return bucket
    bucket = _apply_limit(quota, refill(quota, bucket, now), hint)
    # A lower count than before: the bucket was recreated in between, and the permit belongs to another one.
    if hint.remaining is None or bucket.cooled_count < cooled_before:
        return bucket
    limit = quota.limit - bucket.withheld
    unavailable = count(bucket.held) + count(bucket.cooling) + count(bucket.in_transit)
    possible = unavailable + bucket.cooled_count - cooled_before
    spent = limit - hint.remaining
    surely_foreign = spent - possible
    possibly_foreign = max(0, spent - _certainly_ours(quota, bucket, permit, now))
    if not quota.fixed:
        # The reserve never takes the last permit: without one, no response would show when others stop.
        surely_foreign = max(surely_foreign, min(limit - 1, _add_reserve(surely_foreign)))
        possibly_foreign = _add_reserve(possibly_foreign)
    aside = count(bucket.foreign)
    if aside > possibly_foreign and permit.acquired_at > bucket.foreign_at:
        return _set_aside(bucket, take(bucket.foreign, possibly_foreign)[0])
    last = _foreign_bin(quota, bucket, now, hint)
    if surely_foreign <= 0 or count(bucket.foreign[bisect_left(bucket.foreign, (last,)) :]) >= surely_foreign:
        return bucket
    foreign = take(bucket.foreign, max(0, aside - surely_foreign))[0]
    has_scout = surely_foreign > 1 and surely_foreign > aside
    if has_scout:
        # One of the permits comes back before the others, as a test.
        foreign = add(foreign, min(last, cool_bin(quota, now + _probe_delay_s(quota, hint, refused=refused))))
    return replace(_set_aside(bucket, add(foreign, last, surely_foreign - has_scout)), foreign_at=now)


def _probe_delay_s(quota: Quota, hint: QuotaHint, *, refused: bool) -> float:
    """Seconds after which one permit that was set aside is tried."""
    if refused and hint.reset_s:
        return hint.reset_s + min(hint.uncertainty_s, ROUNDED_S)
    return max(quota.window_s / STEPS_PER_WINDOW, hint.reset_s or 0.0)


def _is_reset_too_late(hint: QuotaHint, quota: Quota) -> bool:
    """Whether a reset is later than the end of any window of this quota: it is about another one, or wrong."""
    return hint.reset_s is not None and hint.reset_s > quota.window_s + hint.uncertainty_s


def _match_hint(hint: QuotaHint, names: Sequence[str], quotas: Sequence[Quota]) -> int | None:
    if hint.name in names:
        return names.index(hint.name)
    if hint.window_s:
        window_s = hint.window_s * STRETCH
        return next(
            (i for i, q in enumerate(quotas) if abs(q.window_s - window_s) <= WINDOW_TOLERANCE * window_s), None
        )
    return next((i for i, quota in enumerate(quotas) if quota.limit == hint.limit), None)


def _apply_limit(quota: Quota, bucket: Bucket, hint: QuotaHint) -> Bucket:
    withheld = max(0, quota.limit - hint.limit) if hint.limit else bucket.withheld
    if withheld == bucket.withheld:
        return bucket
    return replace(bucket, withheld=withheld, available=bucket.available + bucket.withheld - withheld)


def _add_reserve(others: int) -> int:
    return others + ceil(RESERVE_DEVIATIONS * others**0.5) if others > 0 else others


def _certainly_ours(quota: Quota, bucket: Bucket, permit: Permit, now: float) -> int:
    """How many of our own requests the server certainly counts."""
    if quota.fixed:
        return 0
    youngest = cool_bin(quota, permit.acquired_at + quota.window_s)
    oldest = cool_bin(quota, now + MAX_SLOWDOWN * (now - permit.acquired_at))
    return sum([n for at, n in bucket.cooling if oldest < at <= youngest])


def _foreign_bin(quota: Quota, bucket: Bucket, now: float, hint: QuotaHint) -> int:
    """The bin in which permits that are set aside now come back."""
    reset_s = hint.reset_s if hint.uncertainty_s < quota.window_s else None
    if quota.fixed and reset_s is not None:
        return cool_bin(quota, now + min(quota.window_s, (reset_s + hint.uncertainty_s) * STRETCH))
    if quota.fixed and bucket.window_end is not None and now < bucket.window_end.latest_at:
        return cool_bin(quota, bucket.window_end.latest_at)
    step = BINS // STEPS_PER_WINDOW
    return -(-cool_bin(quota, now + quota.window_s) // step) * step


def _set_aside(bucket: Bucket, foreign: Bins) -> Bucket:
    """The bucket with exactly these permits set aside for others."""
    return replace(bucket, foreign=foreign, available=bucket.available + count(bucket.foreign) - count(foreign))
