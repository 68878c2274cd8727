# SPDX-License-Identifier: Apache-2.0
"""A leaseholder's side of an exchange: what it returns and keeps, and how it applies the answer.

`prepare` removes returned permits from the holding immediately, so that no call can use them while the report is in
transit. A report without an answer is sent again, unchanged, until there is one: the pool applies it once. See
`leases`.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.core import breaker, retry
from callwell.core.breaker import FAILURE_THRESHOLD
from callwell.core.clock_offset import ClockOffset
from callwell.core.quota import adaptive, buckets, holder_needs, lease_versions
from callwell.core.quota.bins import add, count, drain, take
from callwell.core.quota.buckets import Bucket, cool_bin
from callwell.core.quota.holder_needs import HORIZON_S, share_ahead_s
from callwell.core.quota.holdings import free_slots, lose
from callwell.core.quota.lease_records import NO_TOKENS, Need, Report, Returned
from callwell.core.quota.lease_versions import total
from callwell.core.quota.record import TOO_MANY_REQUESTS, counting_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.core.quota.buckets import Quota
    from callwell.core.quota.lease_records import BucketGrant, Grant, Holding, Names
    from callwell.core.quota.record import AccountQuotas, AccountRecord

INTERVAL_S: Final = 0.5
"""Seconds between two exchanges of a process that has news, or permits that others need."""

QUIET_INTERVAL_S: Final = 2.0
"""The same while nobody else needs them."""

DRY_INTERVAL_S: Final = 2.0
"""The same while the pool knows that it will have none. It is shorter than the time that a need counts
(`leases.FRESH_S`)."""

MIN_INTERVAL_S: Final = 0.05
"""The minimum seconds between two exchanges, while callers wait or there is news."""

MARGIN_S: Final = 0.25
"""Seconds before the end of its lease at which a holder stops, to allow for clock drift between two renewals."""


def due_at(holding: Holding, own: AccountQuotas, waiting: Mapping[Names, int]) -> float:
    """When the next exchange is due, in monotonic seconds; infinite if none is.

    Args:
        holding: the holding.
        own: the account's quotas.
        waiting: the number of callers that wait for a permit, by their quotas.
    """
    last_at = max(holding.received_at, holding.prepared_at)
    if holding.pending is not None:
        return last_at
    if any(event.end.status == TOO_MANY_REQUESTS for event in holding.events):
        return last_at + MIN_INTERVAL_S
    if _has_opened(holding) or any(given.adopted > 0 for given in holding.grants.values()):
        return last_at + MIN_INTERVAL_S
    if any(waiting.values()) and holding.covers_wanted_s > holding.covers_s:
        return last_at + MIN_INTERVAL_S
    short = [names for names, n in waiting.items() if n > _usable(holding, own, names, max(0.0, last_at + HORIZON_S))]
    if short:
        return last_at + min([_waiting_interval_s(holding, own, names) for names in short])
    if holding.has_lease or any(holding.taken.values()) or holding.events or holding.log.attempts:
        return last_at + _idle_interval_s(holding)
    return inf


def _idle_interval_s(holding: Holding) -> float:
    """Seconds between two exchanges while nobody waits."""
    if holding.events or any(_has_contended(holding, key) for key in holding.grants):
        return INTERVAL_S
    shortest_s = min([rule.quota.window_s for rule in holding.record.rules.values()], default=inf)
    return min(QUIET_INTERVAL_S, shortest_s / 2)


def _has_contended(holding: Holding, key: str) -> bool:
    """Whether this process has permits that others need."""
    bucket = holding.record.buckets[key]
    return holding.grants[key].keep >= 0 and bool(bucket.available or bucket.cooling or bucket.in_transit)


def _waiting_interval_s(holding: Holding, own: AccountQuotas, names: Names) -> float:
    """Seconds between two exchanges while callers wait for permits of these quotas."""
    keys = counting_keys(holding.record, own, names)
    again_in_s = max([holding.grants[key].again_in_s for key in keys if key in holding.grants], default=0.0)
    return min(max(again_in_s, MIN_INTERVAL_S), DRY_INTERVAL_S)


def prepare(
    holding: Holding,
    own: AccountQuotas,
    waiting: Mapping[Names, int],
    now: float,
    *,
    clock: ClockOffset | None = None,
    leaving: bool = False,
) -> tuple[Holding, Report]:
    """Create the report of the next exchange, or return the last one if it was not answered.

    Args:
        holding: the holding.
        own: the account's quotas.
        waiting: the number of callers that wait for a permit, by their quotas.
        now: monotonic seconds.
        clock: how far the provider's time of day is ahead of the monotonic clock, if known.
        leaving: the process ends, and keeps nothing.

    Returns:
        The holding without the returned permits, and the report.
    """
    if holding.pending is not None:
        return holding, holding.pending
    rates = holder_needs.rates(holding, waiting, now)
    needs = () if leaving else tuple([holder_needs.need(holding, own, names, rates[names], waiting) for names in rates])
    record, returned = _keep_needed(holding, own, needs, now, keep_tokens=0.0 if leaving else 1.0)
    keeps_trial = holding.has_trial and any(waiting.values()) and not leaving
    report = Report(
        holder=holding.holder,
        seq=holding.seq + 1,
        has_lease=holding.has_lease,
        prepared_at=now,
        store_at=holding.store_at,
        last_prepared_at=holding.prepared_at,
        covers_s=_covers(holding, own),
        returned=returned,
        unused=_all_unused(record),
        cooled={key: bucket.cooled_count - holding.cooled.get(key, 0) for key, bucket in record.buckets.items()},
        slots={name: int(state.limit) for name, state in record.adaptives.items()},
        taken=holder_needs.taken(holding, own),
        needs=needs,
        events=holding.events,
        recovered=tuple([key for key, bucket in record.buckets.items() if _has_recovered(holding, key, bucket)]),
        log=replace(holding.log, tokens=holding.record.budget.tokens - record.budget.tokens),
        trial_unused=holding.has_trial and not keeps_trial,
        clock=clock,
        leaving=leaving,
    )
    return _with_pending(holding, report, record, rates, has_trial=keeps_trial), report


def _with_pending(
    holding: Holding, report: Report, record: AccountRecord, rates: dict[Names, float], *, has_trial: bool
) -> Holding:
    """The holding while a report has no answer: it counts from zero what the report has."""
    return replace(
        holding,
        record=record,
        seq=report.seq,
        prepared_at=report.prepared_at,
        pending=report,
        covers_s=min(holding.covers_s, report.covers_s),
        taken={},
        rates=rates,
        cooled={key: bucket.cooled_count for key, bucket in record.buckets.items()},
        events=(),
        log=NO_TOKENS,
        has_trial=has_trial,
    )


def _keep_needed(
    holding: Holding, own: AccountQuotas, needs: tuple[Need, ...], now: float, *, keep_tokens: float
) -> tuple[AccountRecord, dict[str, Returned]]:
    """The record with the kept permits, and the returned permits."""
    record = holding.record
    changed = {}
    returned = {}
    for key, rule in record.rules.items():
        bucket = buckets.refill(rule.quota, record.buckets[key], now)
        keep = holder_needs.keep(own, record, needs, key, holding.grants.get(key))
        is_contended = key in holding.grants and holding.grants[key].keep >= 0
        ahead_s = share_ahead_s(rule.quota) if is_contended else HORIZON_S
        changed[key], given = _split_returned(rule.quota, bucket, keep, now, ahead_s)
        if given != Returned():
            returned[key] = given
    adaptives = {name: _kept_slots(record, needs, name) for name in record.adaptives}
    tokens = min(max(record.budget.tokens, 0.0), keep_tokens)
    budget = replace(record.budget, tokens=tokens)
    return replace(record, buckets=changed, adaptives=adaptives, budget=budget), returned


def receive(holding: Holding, own: AccountQuotas, grant: Grant, now: float) -> Holding:
    """Apply the pool's answer.

    Args:
        holding: the holding.
        own: the account's quotas.
        grant: the answer.
        now: monotonic seconds, read after the answer arrived.
    """
    pending = holding.pending
    if pending is None or grant.seq != pending.seq:
        return holding
    if grant.lost:
        return replace(lose(holding, own, now), store_at=grant.store_at)
    record = _receive_buckets(holding, own, grant, now)
    cooled = {key: given.cooled_count for key, given in grant.buckets.items()}
    ahead = grant.clock
    return replace(
        holding,
        record=_receive_shared(holding, record, grant, now),
        has_lease=not grant.over,
        usable_until=holding.prepared_at + grant.ends_in_s - MARGIN_S,
        covers_s=grant.covers_s,
        covers_wanted_s=own.max_hold_s,
        received_at=now,
        store_at=grant.store_at,
        pending=None,
        grants=grant.buckets,
        cooled=cooled,
        has_trial=(holding.has_trial and record.breaker.failures >= FAILURE_THRESHOLD) or grant.has_trial,
        clock=None if ahead is None else ClockOffset(ahead.low - now, ahead.high - holding.prepared_at, now),
    )


def _receive_buckets(holding: Holding, own: AccountQuotas, grant: Grant, now: float) -> AccountRecord:
    """The record with the permits of a grant."""
    rules = grant.rules or own.rules
    record = holding.record
    changed = {}
    for key, rule in rules.items():
        bucket = record.buckets.get(key) or buckets.empty_bucket(rule.quota)
        cooled_base = holding.cooled.get(key, 0)
        given = grant.buckets.get(key)
        if given is not None and given.adopted >= 0:
            bucket = lease_versions.adopt(holding, rule.quota, given, now)
            cooled_base = 0
        if given is not None:
            bucket = _receive_bucket(rule.quota, bucket, given, cooled_base, now)
        changed[key] = bucket
    adaptives = dict(record.adaptives)
    for name, slots in grant.slots.items():
        state = adaptives[name]
        adaptives[name] = replace(
            state,
            limit=state.limit + slots.slots,
            rate=slots.rate,
            next_at=max(state.next_at, now + slots.next_in_s) if slots.slots else state.next_at,
        )
    return replace(record, buckets=changed, rules=rules, versions_seen=grant.versions, adaptives=adaptives)


def _receive_bucket(quota: Quota, bucket: Bucket, given: BucketGrant, cooled_base: int, now: float) -> Bucket:
    cooling = bucket.cooling
    for in_s, n in given.cooling:
        cooling = add(cooling, cool_bin(quota, now + in_s), n)
    received = given.available + sum([n for _, n in given.cooling])
    withheld = min(bucket.withheld, given.overdrawn)
    return replace(
        bucket,
        available=bucket.available + given.available + bucket.withheld - withheld,
        cooling=cooling,
        next_at=max(bucket.next_at, now + given.next_in_s) if received else bucket.next_at,
        throttled_until=max(bucket.throttled_until, now + given.throttled_in_s),
        paced_until=max(bucket.paced_until, now + given.paced_in_s),
        throttle_count=given.throttle_count,
        throttled_at=max(bucket.throttled_at, now - given.throttled_ago_s),
        cooled_count=given.cooled_count + bucket.cooled_count - cooled_base,
        withheld=withheld,
        elsewhere=bucket.elsewhere - received,
    )


def _receive_shared(holding: Holding, record: AccountRecord, grant: Grant, now: float) -> AccountRecord:
    """The record with the breaker and the retry budget of a grant, and with the attempts since the report."""
    breaker_state = breaker.shift(grant.breaker, now)
    if record.breaker.trial_until > now and breaker_state.failures >= FAILURE_THRESHOLD:
        breaker_state = replace(breaker_state, trial_until=record.breaker.trial_until)
    else:
        breaker_state = breaker.release(breaker_state)
    breaker_state = record_attempts(breaker_state, holding.log, now)
    tokens = record.budget.tokens + grant.budget.tokens
    budget = retry.append_attempts(replace(grant.budget, tokens=tokens), holding.log)
    return replace(record, breaker=breaker_state, budget=budget)


def record_attempts(breaker_state: breaker.Breaker, log: retry.RetryBudget, now: float) -> breaker.Breaker:
    """A breaker after the attempts of a log: a success closes it, and the failures after that count."""
    row = 0
    while row < log.attempts and log.failures >> row & 1:
        row += 1
    if row < log.attempts:
        breaker_state = breaker.record_attempt(breaker_state, now, failed=False)
    for _ in range(row):
        breaker_state = breaker.record_attempt(breaker_state, now, failed=True)
    return breaker_state


def _has_opened(holding: Holding) -> bool:
    """Whether failures of this process have opened the breaker since the last report."""
    return holding.log.attempts > 0 and holding.record.breaker.failures >= FAILURE_THRESHOLD


def _has_recovered(holding: Holding, key: str, bucket: Bucket) -> bool:
    given = holding.grants.get(key)
    return given is not None and given.throttle_count > 0 and not bucket.throttle_count


def _covers(holding: Holding, own: AccountQuotas) -> float:
    record = holding.record
    in_flight = any(bucket.held for bucket in record.buckets.values())
    in_flight = in_flight or any(state.held for state in record.adaptives.values())
    return max(own.max_hold_s, holding.covers_wanted_s, holding.covers_s if in_flight else 0.0)


def _usable(holding: Holding, own: AccountQuotas, names: Names, until: float) -> int:
    """Unused permits of a call's scarcest quota that have cooled by `until`; the others were used recently."""
    record = holding.record
    permits = []
    for key in counting_keys(record, own, names):
        if key in record.buckets:
            bucket = record.buckets[key]
            permits.append(bucket.available + drain(bucket.cooling, int(until // record.rules[key].quota.width_s))[1])
    slots = [free_slots(record, name) for name in names if name in record.adaptives]
    return min([*permits, *slots], default=0)


def _unused(bucket: Bucket) -> int:
    return bucket.available + count(bucket.cooling)


def _all_unused(record: AccountRecord) -> dict[str, int]:
    """Unused permits and slots, by the keys of buckets and the names of undocumented quotas."""
    unused = {key: _unused(bucket) for key, bucket in record.buckets.items()}
    return unused | {name: free_slots(record, name) for name in record.adaptives}


def _split_returned(quota: Quota, bucket: Bucket, keep: int, now: float, ahead_s: float) -> tuple[Bucket, Returned]:
    """Split a bucket: keep this many unused permits, available and soonest cool ones first, and return the others."""
    if bucket.throttled_until > now + HORIZON_S:
        keep = 0
    _, due = drain(bucket.cooling, int((now + ahead_s) // quota.width_s))
    # While this quota has too many permits, all used ones are returned, and of the others the withheld ones.
    soon = 0 if bucket.withheld else min(due, keep - min(bucket.available, keep))
    kept_soon, given = take(bucket.cooling, soon)
    free = bucket.available + bucket.withheld
    paid = min(bucket.withheld, max(0, free))
    owed = bucket.withheld - paid
    kept_available = min(free - paid - owed, keep)
    returned = Returned(
        available=free - owed - kept_available,
        cooling=tuple([(at * quota.width_s, n) for at, n in given]),
        in_transit=tuple([(at * quota.width_s, n) for at, n in bucket.in_transit]),
    )
    left = replace(
        bucket,
        available=kept_available,
        cooling=kept_soon,
        in_transit=(),
        withheld=owed,
        elsewhere=bucket.elsewhere + total(returned),
    )
    return left, returned


def _kept_slots(record: AccountRecord, needs: tuple[Need, ...], name: str) -> adaptive.AdaptiveQuota:
    """The kept slots of an undocumented quota."""
    state = record.adaptives[name]
    wanted = sum([need.permits for need in needs if name in need.names])
    kept = min(free_slots(record, name), wanted)
    return replace(state, limit=float(adaptive.in_flight(state) + max(0, kept)))
