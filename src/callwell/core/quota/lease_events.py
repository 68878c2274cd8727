# SPDX-License-Identifier: Apache-2.0
"""How the pool learns from holders' reports, with the same functions as a single process.

A holder's times are mapped to store time in two ways. *Late* assumes that an event happened as late as possible: as if
the report had been created when it was applied. *Early* assumes that it happened as early as possible: as if store time
had been read when the holder read its clock afterwards. Each is used where it is the safe one.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from callwell.core import breaker, clock_offset, retry
from callwell.core.breaker import FAILURE_THRESHOLD
from callwell.core.clock_offset import ClockOffset
from callwell.core.quota import account as decisions
from callwell.core.quota import adaptive, permits
from callwell.core.quota.account import ObservedQuota
from callwell.core.quota.holder_exchange import record_attempts
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import AccountRecord, to_call_quotas

if TYPE_CHECKING:
    from callwell.core.quota.adaptive import AdaptiveQuota
    from callwell.core.quota.lease_records import Grant, Lease, LeaseEvent, Report
    from callwell.core.quota.record import AccountQuotas
    from callwell.core.quota.store_time import ClockReading, StoreTime

MIN_SHARED_TOKENS: Final = 1.0
"""Tokens of the retry budget that a holder gets at least, if there are any: one retry."""


class AppliedReport(Struct, frozen=True):
    """What a report changed in addition to permits.

    Attributes:
        account: the pool.
        observed: the state of quotas that a response reported.
        urgent: other holders must learn of the change now.
    """

    account: AccountRecord
    observed: dict[str, ObservedQuota]
    urgent: bool


def apply(  # noqa: PLR0917 - the two sides of an exchange, and its time
    account: AccountRecord,
    lease: Lease | None,
    report: Report,
    own: AccountQuotas,
    time: StoreTime,
    clocks: ClockReading,
) -> AppliedReport:
    """Apply a holder's observations.

    Args:
        account: the pool.
        lease: the holder's lease before this exchange.
        report: the holder's report.
        own: the holder's quotas.
        time: store time.
        clocks: the clock readings.
    """
    observed: dict[str, ObservedQuota] = {}
    throttled = False
    to_late_s = time.at - report.prepared_at
    to_early_s = time.at - clocks.monotonic - time.doubt_s
    for event in report.events:
        account, seen = _apply_event(account, lease, event, own, to_late_s, to_early_s)
        observed.update(seen)
        throttled = throttled or event.end.throttles
    was_open = account.breaker.failures >= FAILURE_THRESHOLD
    breaker_state = record_attempts(account.breaker, report.log, time.at)
    if report.trial_unused:
        breaker_state = breaker.release(breaker_state)
    is_open = breaker_state.failures >= FAILURE_THRESHOLD
    budget = retry.append_attempts(account.budget, report.log)
    tokens = min(retry.MAX_TOKENS, max(retry.MIN_TOKENS, budget.tokens + report.log.tokens))
    account = replace(account, breaker=breaker_state, budget=replace(budget, tokens=tokens))
    return AppliedReport(account, observed, throttled or was_open != is_open)


def share(
    account: AccountRecord, grant: Grant, report: Report, now: float, holders: int
) -> tuple[AccountRecord, Grant]:
    """Hand out what the fleet shares in addition to permits: the breaker's trial, and tokens of the retry budget.

    Args:
        account: the pool.
        grant: the answer so far.
        report: the holder's report.
        now: store time.
        holders: how many holders there are.
    """
    breaker_state = account.breaker
    before_trial = breaker_state
    may_try = breaker.is_half_open(breaker_state, now) and breaker_state.trial_until <= now
    has_trial = may_try and any(need.waiting for need in report.needs)
    if has_trial:
        breaker_state = breaker.admit(breaker_state, now, report.covers_s)
    budget = account.budget
    tokens = _share_tokens(budget.tokens, holders) if report.needs else 0.0
    granted = replace(
        grant,
        breaker=breaker.shift(before_trial, -now),
        has_trial=has_trial,
        budget=replace(budget, tokens=tokens),
    )
    return replace(account, breaker=breaker_state, budget=replace(budget, tokens=budget.tokens - tokens)), granted


def _share_tokens(pool_tokens: float, holders: int) -> float:
    """A holder's part of the retry budget."""
    part = pool_tokens / holders
    if pool_tokens <= 0.0:
        # A negative balance is shared too; the holder's successes pay it off before it may retry.
        return part
    return min(pool_tokens, max(MIN_SHARED_TOKENS, part))


def merge_clock_offset(
    known: ClockOffset | None, report: Report, time: StoreTime, clocks: ClockReading
) -> ClockOffset | None:
    """How far the provider's time of day is ahead of store time, after a report."""
    if report.clock is None:
        return known
    there = clock_offset.widen(report.clock, clocks.monotonic)
    fresh = ClockOffset(
        low=report.prepared_at + there.low - time.at,
        high=clocks.monotonic + there.high - time.at,
        known_at=time.at,
    )
    return clock_offset.narrow(known, fresh)


def provider_time_bounds(known: ClockOffset | None, now: float) -> ClockOffset | None:
    """The provider's time of day at the exchange, as a lower and an upper bound."""
    if known is None:
        return None
    present = clock_offset.widen(known, now)
    return ClockOffset(now + present.low, now + present.high, 0.0)


def _apply_event(  # noqa: PLR0917 - two ways to map its times
    account: AccountRecord,
    lease: Lease | None,
    event: LeaseEvent,
    own: AccountQuotas,
    to_late_s: float,
    to_early_s: float,
) -> tuple[AccountRecord, dict[str, ObservedQuota]]:
    call = to_call_quotas(own, tuple([name for name in event.names if name in own.keys or name in own.adaptives]))
    ended_at = event.ended_at + to_late_s
    after = tuple([account.buckets[key] for key in call.keys])
    end = event.end
    if end.hints and len(event.cooled_before) >= len(call.keys):
        early = Permit(event.acquired_at + to_early_s, inf, event.cooled_before)
        after = decisions.learn_hints(call, after, early, end, ended_at)
    if end.throttles:
        late = Permit(event.acquired_at + to_late_s, inf)
        after = permits.throttle(call.quotas, after, late, ended_at, end.wait_s)
    buckets = {**account.buckets, **dict(zip(call.keys, after, strict=True))}
    adaptives = dict(account.adaptives)
    if lease is not None:
        for name in call.adaptives:
            adaptives[name] = _learn_adaptive(adaptives.get(name, adaptive.UNUSED_QUOTA), lease, event, ended_at)
    observed = decisions.observe(call, buckets) if end.hints else {}
    return replace(account, buckets=buckets, adaptives=adaptives), observed


def _learn_adaptive(state: AdaptiveQuota, lease: Lease, event: LeaseEvent, ended_at: float) -> AdaptiveQuota:
    """An undocumented quota after the end of a request that a holder has sent."""
    expires_at = lease.expires_at
    acquired_at = ended_at - (event.ended_at - event.acquired_at)
    # The slot itself is removed together with all others of the lease, so it stays here.
    held = state.held
    if event.end.throttles:
        state = adaptive.release_throttled(state, acquired_at, expires_at, ended_at, event.end.wait_s)
    elif event.end.status:
        state = adaptive.release_answered(state, acquired_at, expires_at, ended_at)
    else:
        state = adaptive.return_unused(state, acquired_at, expires_at)
    return replace(state, held=held)
