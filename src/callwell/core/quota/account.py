# SPDX-License-Identifier: Apache-2.0
"""Decides changes of an account's record: permits are acquired and released, calls end, retries are paid for.

Each function is one decision about one record at one time. It takes the record and `now`, and returns the record that
follows; the client stores that in one step, so that no two calls decide on the same record. A call is counted by the
buckets of its own version of the profile, and by those of other versions in the record (`versions`); what a response's
headers show is applied only to its own version's buckets.

Several permits of a private record may be acquired together and used one after the other: they are one `Permit` and a
count.
"""

from __future__ import annotations

from functools import partial
from math import inf
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from callwell.core import breaker, retry
from callwell.core.quota import adaptive, buckets, foreign, permits, versions
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import TOO_MANY_REQUESTS, AccountRecord
from callwell.core.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.core.quota.adaptive import AdaptiveQuota
    from callwell.core.quota.buckets import Bucket, Quota
    from callwell.core.quota.record import AccountQuotas, CallQuotas, SendEnd


class AnsweredBatch(Struct, frozen=True):
    """Requests with permits of one batch that were all answered, without a failure or a 429.

    Attributes:
        acquired_at: when the first of their permits was acquired.
        answered: the number of requests.
        answered_at: when the last response arrived.
        begun: the number of calls that began with a permit acquired ahead.
    """

    acquired_at: float
    answered: int
    answered_at: float
    begun: int


class ObservedQuota(Struct, frozen=True):
    """The state of a quota, after a response with quota headers.

    Attributes:
        foreign: permits that are set aside for others.
        limit: the limit that the provider announces, or the profile's.
        documented_limit: the profile's.
    """

    foreign: int
    limit: int
    documented_limit: int


class Released(Struct, frozen=True):
    """What a caller learns when its permit is released.

    Attributes:
        may_retry: the retry budget allows a retry.
        observed: the state of the call's quotas, by name, if the response had quota headers.
    """

    may_retry: bool
    observed: dict[str, ObservedQuota]


def acquire(
    record: AccountRecord,
    call: CallQuotas,
    now: float,
    *,
    wanted: int = 1,
    retrying: bool = False,
    extra_s: float = 0.0,
) -> tuple[AccountRecord, tuple[Permit | float, int]]:
    """Acquire permits of all quotas of a call, or none of any.

    Args:
        record: the record.
        call: the call's quotas.
        now: monotonic seconds.
        wanted: how many permits, for this call and later ones; fewer are acquired if permits are scarce, if quotas are
            undocumented, and while the provider fails.
        retrying: the first is for a retry, which the retry budget pays for.
        extra_s: how much longer than usual the requests may take.

    Returns:
        The record; the permit and the number of such permits, or the time to ask again and 0. The time is infinite if
        it depends on the release of a permit or the end of a breaker's trial.
    """
    # Breaker and undocumented quotas are checked first and changed last: nothing is held unless all agree.
    admitted_at = breaker.available_at(record.breaker, now)
    if admitted_at > now:
        return record, (inf if breaker.is_half_open(record.breaker, now) else admitted_at, 0)
    adaptives = _adaptives(record, call, now)
    adaptive_at = max([adaptive.available_at(state, now) for state in adaptives.values()], default=-inf)
    if adaptive_at > now:
        return record, (adaptive_at, 0)
    keys = call.keys
    quotas = call.quotas
    if len(record.versions_seen) > 1:
        keys += versions.other_keys(record.rules, call.own.rules, call.names)
        quotas = tuple([record.rules[key].quota for key in keys])
    before = tuple([bucket_of(record, key, quota, now) for key, quota in zip(keys, quotas, strict=True)])
    # Never ahead while the provider fails: each response must count before the next request is sent.
    count = 1
    if wanted > 1 and not adaptives and not record.breaker.failures:
        count = max(1, min(wanted, permits.max_batch(quotas, before, now)))
    after, acquired_permit = permits.acquire(quotas, before, now, call.own.expires_in_s + extra_s, count)
    changed = {**record.buckets, **dict(zip(keys, after, strict=True))}
    if not isinstance(acquired_permit, Permit):
        return replace(record, buckets=changed), (acquired_permit, 0)
    hold_s = call.own.max_hold_s + extra_s
    for name, state in adaptives.items():
        adaptives[name] = adaptive.acquire(state, now, acquired_permit.expires_at, hold_s)
    acquired = replace(
        record,
        buckets=changed,
        budget=retry.spend_retry(record.budget) if retrying else retry.begin_calls(record.budget),
        breaker=breaker.admit(record.breaker, now, hold_s),
        adaptives=_merge_adaptives(record, adaptives),
    )
    return acquired, (acquired_permit, count)


def release(
    record: AccountRecord, call: CallQuotas, permit: Permit, end: SendEnd, now: float
) -> tuple[AccountRecord, Released]:
    """Release a permit after its Send, and learn from how it ended.

    Args:
        record: the record.
        call: the call's quotas.
        permit: the permit.
        end: how the Send ended.
        now: monotonic seconds.
    """
    changed = _change_buckets(record, call, now, partial(_release_bucket, permit=permit, end=end, now=now))
    if end.throttles or end.hints:
        # Only this version's names and windows decide which quota a response is about.
        after = tuple([changed[key] for key in call.keys])
        if end.hints and permit.cooled_before:
            after = learn_hints(call, after, permit, end, now)
        if end.throttles:
            after = permits.throttle(call.quotas, after, permit, now, end.wait_s)
        changed.update(zip(call.keys, after, strict=True))
    adaptives = _adaptives(record, call, now)
    for name, state in adaptives.items():
        adaptives[name] = _release_adaptive(state, permit, end, now)
    budget = record.budget
    if end.inconclusive:
        breaker_state = breaker.release(record.breaker)
    else:
        failed = end.has_failed
        budget = retry.record_attempt(budget, failed=failed)
        breaker_state = breaker.record_attempt(record.breaker, now, failed=failed)
    released = replace(
        record, buckets=changed, budget=budget, breaker=breaker_state, adaptives=_merge_adaptives(record, adaptives)
    )
    return released, Released(retry.allows_retry(budget), observe(call, changed) if end.hints else {})


def release_batch(record: AccountRecord, call: CallQuotas, batch: AnsweredBatch, now: float) -> AccountRecord:
    """Release the permits of several answered requests together.

    Args:
        record: the record, which is private: its permits never expire.
        call: the quotas of their calls.
        batch: the requests.
        now: monotonic seconds.
    """
    permit = Permit(batch.acquired_at, inf)
    change = partial(permits.release_answered, permit=permit, now=batch.answered_at, count=batch.answered)
    budget = retry.begin_calls(record.budget, batch.begun)
    breaker_state = record.breaker
    if batch.answered:
        breaker_state = breaker.record_attempt(breaker_state, now, failed=False)
    return replace(
        record,
        buckets=_change_buckets(record, call, now, change),
        budget=retry.record_successes(budget, batch.answered),
        breaker=breaker_state,
    )


def return_unused(record: AccountRecord, call: CallQuotas, permit: Permit, count: int, now: float) -> AccountRecord:
    """Return equal permits that were certainly not used.

    Args:
        record: the record.
        call: the call's quotas.
        permit: their common value.
        count: how many.
        now: monotonic seconds.
    """
    change = partial(permits.return_unused, permit=permit, count=count)
    adaptives = _adaptives(record, call, now)
    for name, state in adaptives.items():
        adaptives[name] = adaptive.return_unused(state, permit.acquired_at, permit.expires_at)
    return replace(
        record,
        buckets=_change_buckets(record, call, now, change),
        breaker=breaker.release(record.breaker),
        adaptives=_merge_adaptives(record, adaptives),
    )


def abandon(
    record: AccountRecord, call: CallQuotas, permit: Permit, closes_at: float, now: float
) -> tuple[AccountRecord, Permit]:
    """Hold the permit of a cancelled caller until its request ends.

    Args:
        record: the record.
        call: the call's quotas.
        permit: the permit.
        closes_at: the latest time at which the connection closes.
        now: monotonic seconds.

    Returns:
        The record, and the permit to release when the request has ended.
    """
    abandoned = replace(permit, expires_at=closes_at)
    change = partial(permits.abandon, permit=permit, abandoned=abandoned)
    adaptives = _adaptives(record, call, now)
    for name, state in adaptives.items():
        adaptives[name] = adaptive.abandon(state, permit.expires_at, closes_at)
    changed = _change_buckets(record, call, now, change)
    return replace(record, buckets=changed, adaptives=_merge_adaptives(record, adaptives)), abandoned


def reconcile(
    record: AccountRecord,
    own: AccountQuotas,
    in_hand: Mapping[str, int],
    maybe_used: Mapping[str, int],
    closes_at: float,
) -> AccountRecord:
    """Reconcile a private record with its holders after an interrupt: see `permits.reconcile`.

    Args:
        record: the record.
        own: the account's quotas.
        in_hand: by quota, the permits that holders have.
        maybe_used: by quota, further permits that may have been used.
        closes_at: the latest time at which the last of their connections closes.
    """
    changed = dict(record.buckets)
    for name, key in own.keys.items():
        if key in changed:
            held = in_hand.get(name, 0)
            used = maybe_used.get(name, 0)
            changed[key] = permits.reconcile(own.documented[name], changed[key], held, used, closes_at)
    adaptives = {name: adaptive.reconcile(state, in_hand.get(name, 0)) for name, state in record.adaptives.items()}
    return replace(record, buckets=changed, adaptives=adaptives)


def spent(record: AccountRecord, own: AccountQuotas, now: float) -> dict[str, tuple[int, int]]:
    """By quota: unavailable permits and the limit; for undocumented quotas, requests in flight.

    Args:
        record: the record.
        own: the account's quotas.
        now: monotonic seconds.
    """
    found = {}
    for name in own.adaptives:
        state = adaptive.expire(record.adaptives.get(name, adaptive.UNUSED_QUOTA), now)
        found[name] = (adaptive.in_flight(state), int(state.limit))
    for name, quota in own.documented.items():
        bucket = buckets.refill(quota, bucket_of(record, own.keys[name], quota, now), now)
        found[name] = (buckets.spent(quota, bucket), quota.limit)
    return found


def bucket_of(record: AccountRecord, key: str, quota: Quota, now: float) -> Bucket:
    """The bucket of a quota in a record, where it may not exist yet."""
    bucket = record.buckets.get(key)
    if bucket is not None:
        return bucket
    return buckets.full_bucket(quota) if record.past_known else buckets.cooling_bucket(quota, now)


def _change_buckets(
    record: AccountRecord,
    call: CallQuotas,
    now: float,
    change: Callable[[Quota, Bucket], Bucket],
) -> dict[str, Bucket]:
    """All buckets, after a change of those that count a call by any version of the profile."""
    changed = dict(record.buckets)
    for key, quota in zip(call.keys, call.quotas, strict=True):
        changed[key] = change(quota, bucket_of(record, key, quota, now))
    if len(record.versions_seen) > 1:
        for key in versions.other_keys(record.rules, call.own.rules, call.names):
            if key in changed:
                changed[key] = change(record.rules[key].quota, changed[key])
    return changed


def _release_bucket(quota: Quota, bucket: Bucket, permit: Permit, end: SendEnd, now: float) -> Bucket:
    if end.status:
        return permits.release_answered(quota, bucket, permit, now, ok=end.status != TOO_MANY_REQUESTS)
    if end.outcome is Outcome.REFUSED:
        return permits.return_unused(quota, bucket, permit)
    if end.request_arrived:
        return permits.release_answered(quota, bucket, permit, now, ok=False)
    return permits.release_lost(quota, bucket, permit, now + end.closes_in_s)


def learn_hints(
    call: CallQuotas, after: tuple[Bucket, ...], permit: Permit, end: SendEnd, now: float
) -> tuple[Bucket, ...]:
    """The call's own buckets after a response with the state of their quotas."""
    refused = end.status == TOO_MANY_REQUESTS
    updated = list(after)
    for i, hint in foreign.match_hints(end.hints, call.documented, call.quotas):
        quota = call.quotas[i]
        bucket = updated[i]
        if not hint.cached and hint.reset_s is not None and hint.uncertainty_s < quota.window_s:
            bucket = permits.learn_reset(quota, bucket, permit, now, hint.reset_s, uncertainty_s=hint.uncertainty_s)
        cooled_before = permit.cooled_before[i]
        updated[i] = foreign.learn(quota, bucket, permit, now, hint, cooled_before=cooled_before, refused=refused)
    return tuple(updated)


def observe(call: CallQuotas, changed: Mapping[str, Bucket]) -> dict[str, ObservedQuota]:
    """The state of the quotas of a call."""
    observed = {}
    for name, key, quota in zip(call.documented, call.keys, call.quotas, strict=True):
        bucket = changed[key]
        observed[name] = ObservedQuota(
            foreign=permits.count(bucket.foreign),
            limit=quota.limit - bucket.withheld,
            documented_limit=quota.limit,
        )
    return observed


def _adaptives(record: AccountRecord, call: CallQuotas, now: float) -> dict[str, AdaptiveQuota]:
    """The present state of a call's undocumented quotas."""
    if not call.adaptives:
        return {}
    return {name: adaptive.expire(record.adaptives.get(name, adaptive.UNUSED_QUOTA), now) for name in call.adaptives}


def _merge_adaptives(record: AccountRecord, adaptives: dict[str, AdaptiveQuota]) -> dict[str, AdaptiveQuota]:
    return {**record.adaptives, **adaptives} if adaptives else record.adaptives


def _release_adaptive(state: AdaptiveQuota, permit: Permit, end: SendEnd, now: float) -> AdaptiveQuota:
    if end.throttles:
        return adaptive.release_throttled(state, permit.acquired_at, permit.expires_at, now, end.wait_s)
    if end.status:
        return adaptive.release_answered(state, permit.acquired_at, permit.expires_at, now)
    return adaptive.return_unused(state, permit.acquired_at, permit.expires_at)
