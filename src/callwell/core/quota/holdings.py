# SPDX-License-Identifier: Apache-2.0
"""A leaseholder's side of `leases`: the permits of an account that a process holds in memory.

Calls acquire and release permits of the holding as of any private record, with the functions of `account`; the
functions here add what a lease needs: nothing is acquired after its end, news for the pool is recorded, and permits of
a lost lease are not released again. `holder_exchange` has the exchange with the pool.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from callwell.core import breaker, retry
from callwell.core.breaker import FAILURE_THRESHOLD
from callwell.core.quota import account, adaptive, buckets
from callwell.core.quota.account import Released
from callwell.core.quota.adaptive import AdaptiveQuota
from callwell.core.quota.lease_records import Holding, LeaseEvent
from callwell.core.quota.permits import AtLatest, Permit
from callwell.core.quota.record import AccountRecord, counting_keys
from callwell.core.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.core.quota.account import AnsweredBatch
    from callwell.core.quota.record import AccountQuotas, CallQuotas, SendEnd

MAX_EVENTS: Final = 64
"""The most reported ends of Sends with news about quotas: the newest ones suffice, and a report must stay small."""


def open_holding(holder: str, own: AccountQuotas) -> Holding:
    """The holding of a process without permits.

    Args:
        holder: its name in the record, never used before.
        own: the account's quotas.
    """
    return Holding(holder=holder, record=empty_record(own), covers_wanted_s=own.max_hold_s)


def empty_record(own: AccountQuotas) -> AccountRecord:
    """The private record of a holder that has no permits."""
    return AccountRecord(
        buckets={key: buckets.empty_bucket(rule.quota) for key, rule in own.rules.items()},
        rules=own.rules,
        adaptives={name: AdaptiveQuota(limit=0.0) for name in own.adaptives},
    )


def acquire(
    holding: Holding, call: CallQuotas, now: float, *, wanted: int = 1, retrying: bool = False, extra_s: float = 0.0
) -> tuple[Holding, tuple[Permit | float, int]]:
    """Acquire permits from the process's holding: see `account.acquire`.

    Args:
        holding: the holding.
        call: the call's private quotas (`record.to_private`).
        now: monotonic seconds.
        wanted: how many permits.
        retrying: the first is for a retry.
        extra_s: how much longer than usual the requests may take.

    Returns:
        The holding; the permit and the number of permits, or the time to ask again and 0. That time is infinite, or an
        `AtLatest`, if only an exchange can bring a permit; an exchange may always bring one sooner.
    """
    covers_s = call.own.max_hold_s + extra_s
    if covers_s > holding.covers_s:
        return replace(holding, covers_wanted_s=max(holding.covers_wanted_s, covers_s)), (inf, 0)
    if now >= holding.usable_until:
        return holding, (inf, 0)
    breaker_state = holding.record.breaker
    if breaker_state.failures >= FAILURE_THRESHOLD and not holding.has_trial:
        return holding, (breaker_state.open_until if breaker_state.open_until > now else inf, 0)
    if any(free_slots(holding.record, name) <= 0 for name in call.adaptives):
        return holding, (inf, 0)
    record, (acquired, count) = account.acquire(
        holding.record, call, now, wanted=wanted, retrying=retrying, extra_s=extra_s
    )
    if not isinstance(acquired, Permit):
        return replace(holding, record=record), (_ask_again_at(holding, call, acquired, now), 0)
    taken = {**holding.taken, call.names: holding.taken.get(call.names, 0) + count}
    return replace(holding, record=record, taken=taken, has_trial=False), (acquired, count)


def free_slots(record: AccountRecord, name: str) -> int:
    """Slots of an undocumented quota that no request of this holder uses."""
    state = record.adaptives.get(name)
    return 0 if state is None else int(state.limit) - adaptive.in_flight(state)


def release(holding: Holding, call: CallQuotas, permit: Permit, end: SendEnd, now: float) -> tuple[Holding, Released]:
    """Release a permit after its Send, and record news for the pool: see `account.release`."""
    holding = _record_event(holding, call, permit, end, now)
    if is_lost(holding, permit):
        return holding, Released(retry.allows_retry(holding.record.budget), {})
    before = holding.record
    # Headers are about the whole fleet: the pool learns from them.
    record, released = account.release(before, call, permit, replace(end, hints=()), now)
    adaptives = dict(record.adaptives)
    for name in call.adaptives:
        state = before.adaptives.get(name)
        if state is not None:
            adaptives[name] = _end_slot(state, permit, end)
    if end.inconclusive and before.breaker.trial_until > now:
        holding = replace(holding, has_trial=True)
    return replace(holding, record=replace(record, adaptives=adaptives)), released


def release_batch(holding: Holding, call: CallQuotas, batch: AnsweredBatch, now: float) -> Holding:
    """Release the permits of answered requests: see `account.release_batch`.

    Permits of a lost lease must not be among them: forget batches when `Holding.lost` has changed.
    """
    if batch.acquired_at <= holding.since:
        return holding
    record = account.release_batch(holding.record, call, batch, now)
    return replace(holding, record=record, log=retry.record_successes(holding.log, batch.answered))


def return_unused(holding: Holding, call: CallQuotas, permit: Permit, count: int, now: float) -> Holding:
    """Return equal permits that were certainly not used."""
    if is_lost(holding, permit):
        return holding
    had_trial = holding.record.breaker.trial_until > now
    record = account.return_unused(holding.record, call, permit, count, now)
    taken = {**holding.taken, call.names: max(0, holding.taken.get(call.names, 0) - count)}
    return replace(holding, record=record, taken=taken, has_trial=holding.has_trial or had_trial)


def abandon(holding: Holding, call: CallQuotas, permit: Permit, closes_at: float, now: float) -> tuple[Holding, Permit]:
    """Hold the permit of a cancelled caller until its request ends: see `account.abandon`."""
    if is_lost(holding, permit):
        return holding, replace(permit, expires_at=closes_at)
    record, abandoned = account.abandon(holding.record, call, permit, closes_at, now)
    return replace(holding, record=record), abandoned


def reconcile(
    holding: Holding,
    own: AccountQuotas,
    in_hand: Mapping[str, int],
    maybe_used: Mapping[str, int],
    closes_at: float,
) -> Holding:
    """Reconcile the holding with its callers after an interrupt: see `account.reconcile`."""
    return replace(holding, record=account.reconcile(holding.record, own, in_hand, maybe_used, closes_at))


def is_lost(holding: Holding, permit: Permit) -> bool:
    """Whether a permit belongs to a lost lease."""
    return permit.acquired_at <= holding.since


def lose(holding: Holding, own: AccountQuotas, now: float) -> Holding:
    """The holding after its lease was lost: the pool gives its permits to others.

    Args:
        holding: the holding.
        own: the account's quotas.
        now: monotonic seconds.
    """
    breaker_state = breaker.release(holding.record.breaker)
    record = replace(empty_record(own), budget=replace(holding.record.budget, tokens=0.0), breaker=breaker_state)
    return replace(
        holding,
        record=record,
        has_lease=False,
        since=now,
        usable_until=-inf,
        covers_s=0.0,
        pending=None,
        received_at=now,
        taken={},
        grants={},
        cooled={},
        has_trial=False,
        lost=holding.lost + 1,
    )


def _record_event(holding: Holding, call: CallQuotas, permit: Permit, end: SendEnd, now: float) -> Holding:
    """The holding with news for the pool about the end of a Send."""
    if not end.inconclusive:
        holding = replace(holding, log=retry.record_attempt(holding.log, failed=end.has_failed))
    if not (end.throttles or end.hints or call.adaptives):
        return holding
    event = LeaseEvent(call.names, permit.acquired_at, now, end, permit.cooled_before)
    return replace(holding, events=(*holding.events[1 - MAX_EVENTS :], event))


def _end_slot(state: AdaptiveQuota, permit: Permit, end: SendEnd) -> AdaptiveQuota:
    """A holder's slots after the end of a Send: a slot is used once, and none is left after a 429."""
    left = adaptive.return_unused(state, permit.acquired_at, permit.expires_at)
    if end.outcome is Outcome.REFUSED and not end.status:
        return left
    if end.throttles:
        return replace(left, limit=float(adaptive.in_flight(left)))
    return replace(left, limit=max(0.0, left.limit - 1.0))


def _ask_again_at(holding: Holding, call: CallQuotas, at: float, now: float) -> float:
    """When a permit can be available; not earlier if all are refused until then or the pool has none.

    Args:
        holding: the holding.
        call: the call's quotas.
        at: when the holder's own next permit is available; infinite if unknown.
        now: monotonic seconds.
    """
    keys = counting_keys(holding.record, call.own, call.names)
    blocked = [holding.record.buckets[key].throttled_until for key in keys if key in holding.record.buckets]
    blocked_until = max(blocked, default=-inf)
    # A call needs a permit of each quota, so one quota without permits is enough.
    grants = [holding.grants[key] for key in keys if key in holding.grants]
    pool_at = max([holding.received_at + grant.more_in_s for grant in grants if grant.more_in_s < inf], default=-inf)
    if now < pool_at:
        return max(blocked_until, min(at, pool_at))
    if now < blocked_until:
        return blocked_until
    return AtLatest(at) if at < inf else inf
