# SPDX-License-Identifier: Apache-2.0
"""What others spend on the same account, as the quota headers of our own answers show it.

An answer says that `remaining` requests were left when the server made it, at some time s between our sending and our
receiving. Fewer than the permits that we hold for cool means that somebody else has spent. But the header lags:
requests that are under way may be counted in it or not, and the server's window may be older or younger than our
permits. So the difference is taken from the side on which it cannot be wrong:

* Of our own requests the server counts at s only such as arrived less than W before s. None of their permits was cool
  at s: a permit cools for W after its answer, which came after the arrival. (Where windows are fixed and permits come
  back at the reset, none is cool before the window that counts it has ended.)
* So `possible`, the permits that were not cool at some moment since this request's permit was taken, is never less
  than what the server counts of ours. These are the permits that are not cool now, and those that have become cool
  since: the bucket counts returns, and the permit remembers how many there had been.
* What is certainly not ours is therefore `limit - remaining - possible`. That many permits are parked, less those
  that are parked already. Without foreign traffic it is never above zero, however answers are late or out of order.

Parked permits come back at the reset where windows are fixed. Else others' requests leave the window one by one, the
last of them W after the answer. As others go on as they did, mostly, a permit stays parked until W after the last
answer that needed it, and only one of many comes back early, to see how things stand.

Nor can others have spent more than `limit - remaining - certain`, where `certain` counts our requests that were
answered before this one left, not so long ago that they may be out of the window (none where the window may have
begun anew). An answer that shows parking to be more than that takes the rest back: others stop, and headers lie. It
must be of a request that left after the one before had arrived. This side decides when we are bold again, not whether
we are right.

Where windows are not fixed a reserve is parked as well, for others who come by chance: else each of their requests that
is one too many costs us a refusal.

A limit that is lower than the profile's is obeyed: the permits between the two are withheld until it is higher again.
"""

from __future__ import annotations

from bisect import bisect_left
from math import ceil
from typing import TYPE_CHECKING, Final

from callwell.core.headers import ROUNDED_S
from callwell.core.quota.buckets import BINS, add, cool_bin, count, refill
from callwell.core.quota.resets import STRETCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.core.headers import QuotaHint
    from callwell.core.quota.buckets import Bins, Bucket, Permit, Quota

STEPS: Final = 16
"""In how many steps of a window parked permits come back."""

SLOW: Final = 2.0
"""How many times slower than this one a request may have been that is taken to be in the window."""

RESERVE: Final = 2.0
"""What is parked for others to come, in standard deviations of what they spend if they come by chance."""

SAME: Final = 0.01
"""By how much of itself a window may differ from the profile's and still be the same."""


def match_hints(
    hints: Sequence[QuotaHint], names: Sequence[str], quotas: Sequence[Quota]
) -> list[tuple[int, QuotaHint]]:
    """Which quota each hint is about: by its name, else by its window, else by its limit, else the first.

    Args:
        hints: what an answer says.
        names: the quotas of the call.
        quotas: the same, as buckets know them.

    Returns:
        indices of quotas, and what is said about them; hints that are about none of them are left out.
    """
    found = []
    for hint in hints:
        i = _match_hint(hint, names, quotas)
        if i is None and len(hints) == 1 and quotas and not hint.window_s and not _is_reset_too_late(hint, quotas[0]):
            i = 0
        if i is not None:
            found.append((i, hint._replace(reset_s=None) if _is_reset_too_late(hint, quotas[i]) else hint))
    return found


def learn(
    quota: Quota, bucket: Bucket, permit: Permit, now: float, hint: QuotaHint, *, mark: int, refused: bool = False
) -> Bucket:
    """The bucket after an answer has said how the quota stands.

    Args:
        quota: the quota; nothing is learnt where what is left does not count requests of a window.
        bucket: its bucket.
        permit: of the request.
        now: when the answer arrived.
        hint: what it says about this quota.
        mark: the bucket's `returned` when the permit was taken.
        refused: the answer is a 429, so that its reset is the time at which one permit is tried again.
    """
    if quota.paced:
        return bucket
    bucket = _apply_limit(quota, refill(quota, bucket, now), hint)
    if hint.remaining is None or bucket.cooled_count < mark:
        return bucket
    own, limit = count(bucket.held) + count(bucket.cooling) + count(bucket.in_transit), quota.limit - bucket.withheld
    spent, possible = limit - hint.remaining, own + bucket.cooled_count - mark
    least, most = spent - possible, max(0, spent - _certainly_ours(quota, bucket, permit, now))
    if not quota.fixed:
        least, most = max(least, min(limit - 1, _add_reserve(least))), _add_reserve(most)
    parked = count(bucket.foreign)
    if parked > most and permit.acquired_at > bucket.foreign_at:
        return _set_aside(bucket, _earliest(bucket.foreign, most))
    last = _foreign_bin(quota, bucket, now, hint)
    if least <= 0 or count(bucket.foreign[bisect_left(bucket.foreign, (last,)) :]) >= least:
        return bucket
    kept = _earliest(bucket.foreign, max(0, parked - least))
    early = least > 1 and least > parked
    if early:
        again_s = max(quota.window_s / STEPS, hint.reset_s or 0.0)
        if refused and hint.reset_s:
            again_s = hint.reset_s + min(hint.slack_s, ROUNDED_S)
        kept = add(kept, min(last, cool_bin(quota, now + again_s)))
    return _set_aside(bucket, add(kept, last, least - early))._replace(foreign_at=now)


def _is_reset_too_late(hint: QuotaHint, quota: Quota) -> bool:
    """Whether a reset is later than the end of any window of this quota: it is about another one, or wrong."""
    return hint.reset_s is not None and hint.reset_s > quota.window_s + hint.slack_s


def _match_hint(hint: QuotaHint, names: Sequence[str], quotas: Sequence[Quota]) -> int | None:
    if hint.name in names:
        return names.index(hint.name)
    if hint.window_s:
        window_s = hint.window_s * STRETCH
        return next((i for i, one in enumerate(quotas) if abs(one.window_s - window_s) <= SAME * window_s), None)
    return next((i for i, quota in enumerate(quotas) if quota.limit == hint.limit), None)


def _apply_limit(quota: Quota, bucket: Bucket, hint: QuotaHint) -> Bucket:
    withheld = max(0, quota.limit - hint.limit) if hint.limit else bucket.withheld
    if withheld == bucket.withheld:
        return bucket
    return bucket._replace(withheld=withheld, available=bucket.available + bucket.withheld - withheld)


def _add_reserve(others: int) -> int:
    return others + ceil(RESERVE * others**0.5) if others > 0 else others


def _certainly_ours(quota: Quota, bucket: Bucket, permit: Permit, now: float) -> int:
    if quota.fixed:
        return 0
    youngest = cool_bin(quota, permit.acquired_at + quota.window_s)
    oldest = cool_bin(quota, now + SLOW * (now - permit.acquired_at))
    return sum([n for at, n in bucket.cooling if oldest < at <= youngest])


def _foreign_bin(quota: Quota, bucket: Bucket, now: float, hint: QuotaHint) -> int:
    """The bin in which what is parked now comes back."""
    reset_s = hint.reset_s if hint.slack_s < quota.window_s else None
    if quota.fixed and reset_s is not None:
        return cool_bin(quota, now + min(quota.window_s, (reset_s + hint.slack_s) * STRETCH))
    if quota.fixed and bucket.window_end is not None and now < bucket.window_end.high:
        return cool_bin(quota, bucket.window_end.high)
    step = BINS // STEPS
    return -(-cool_bin(quota, now + quota.window_s) // step) * step


def _set_aside(bucket: Bucket, foreign: Bins) -> Bucket:
    return bucket._replace(foreign=foreign, available=bucket.available + count(bucket.foreign) - count(foreign))


def _earliest(bins: Bins, n: int) -> Bins:
    """The `n` permits that come back first."""
    kept = []
    for at, there in bins:
        if n > 0:
            kept.append((at, min(n, there)))
        n -= there
    return tuple(kept)
