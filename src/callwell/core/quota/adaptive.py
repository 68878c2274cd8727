# SPDX-License-Identifier: Apache-2.0
"""An undocumented quota: its rate and concurrency limit, found by gently exceeding them.

**The rate**, in requests per second, is raised while requests are wanted faster, and cut by a 429::

    25 %/s ──> refused ──> cut to 0.85, wait until it is over ──> held at 0.97 of the ceiling ──> probing, faster
               (429)       the ceiling is known from then on     for 8 s                         the longer it goes well
                 ^                                                                                       │
                 ╰───────────────────────────────────────────────────────────────────────────────────────╯

The ceiling is what the provider really accepted in a whole cycle, from the end of one refusal to the end of the next.
That is the true rate for windows of any length: no more than one window's worth is accepted before a refusal, which
lasts until the window's end. After the second consecutive refusal one request at a time is sent, to see whether the
refusal is over. If refusals last long, the window is long and exceeding the limit shows late, so every step is slower.

**Concurrency.** A provider at its limit gets slower before it refuses. Latencies are averaged in batches; the lowest
average is the provider's latency without a queue of our requests. The limit on requests in flight is scaled down by how
much slower the provider is now, at most halved by a batch, and a few are added so that it can grow (the idea of
Netflix's gradient limiters). The lowest average decays slowly; at the smallest limit, where no queue can be ours, it
follows quickly.
"""

from __future__ import annotations

from math import exp2, inf
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from callwell.core.quota.bins import NEVER, Bins, add, count, drain, remove
from callwell.core.quota.permits import AtLatest

FIRST_RATE: Final = 10.0
"""Requests per second at first: growing by a quarter per second, the rate reaches a hundred in ten seconds."""

MIN_RATE: Final = 0.1
"""The lowest rate in requests per second, one in ten seconds: a lower one would leave a recovery unnoticed for
minutes."""

GROWTH: Final = 0.25
"""The fraction of the rate that is added per second while no ceiling is known."""

PROBING_GROWTH: Final = 0.002
"""The same above a known ceiling, at first; it doubles every `DOUBLING_S` without a refusal."""

MAX_PROBING_GROWTH: Final = 0.1
"""The largest fraction that it doubles to."""

REFUSAL_CUT: Final = 0.85
"""A refusal cuts the rate to this fraction: higher than TCP's 0.5 and CUBIC's 0.7, since refusals here cost only
time."""

CEILING_SHARE: Final = 0.97
"""The fraction of the ceiling that the rate is held at."""

LIMIT_RAISED_FACTOR: Final = 1.1
"""At this multiple of the ceiling without a refusal, the provider's limit must have been raised."""

RAISED_LIMIT_GROWTH: Final = 0.02
"""The minimum fraction of the rate that is added per second from then on."""

PROBE_S: Final = 8.0
"""Seconds that the rate is held before probing begins."""

DOUBLING_S: Final = 4.0
"""Seconds in which the probing growth doubles."""

BRIEF_REFUSAL_S: Final = 4.0
"""Longer refusals belong to a long window, where exceeding the limit shows late."""

LONG_WINDOW_FACTOR: Final = 4.0
"""How many times longer rates are held, and probing takes to double, for a long window."""

REFUSAL_MEMORY: Final = 0.7
"""The fraction of the remembered refusal length that is kept with each shorter one."""

SHORT_CYCLE_S: Final = 5.0
"""A cycle shorter than this shows that the ceiling is lower than assumed."""

FIRST_PAUSE_S: Final = 0.25
"""Pause in seconds after the first refusal that names no time; doubled after each further one."""

LONGEST_PAUSE_S: Final = 30.0
"""The longest such pause: half of a minute, the most common window."""

MAX_CATCH_UP_STEPS: Final = 4
"""Requests that may be sent immediately, to catch up, after an idle time or a late wake-up."""

FIRST_LIMIT: Final = 20.0
"""The initial limit on requests in flight, as in Netflix's Gradient2Limit."""

MIN_LIMIT: Final = 4.0
"""The lowest limit on requests in flight: with fewer, one slow response would look like a queue."""

MAX_LIMIT: Final = 1000.0
"""The highest limit on requests in flight: the most that one process can have open."""

QUEUE_SIZE: Final = 4.0
"""Requests that are added to the limit while it is in use, so that it can grow (the same limiter's queue size)."""

LATENCY_BATCH: Final = 16
"""Latencies in one average."""

LATENCY_TOLERANCE: Final = 1.2
"""How many times slower than its best a provider may be before a queue is assumed."""

LATENCY_DECAY: Final = 0.0001
"""The fraction by which the lowest average grows with each batch."""

MIN_CYCLE_S: Final = 1e-3
"""The minimum length of a cycle, since clocks may stand still between two events."""


class AdaptiveQuota(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is known about the quota. Times are monotonic seconds. Stored by position.

    Attributes:
        rate: requests per second.
        ceiling: the rate above which there were refusals.
        next_at: when the next request may be sent.
        paused_until: nothing is sent before.
        refusals: consecutive refusals; after the second, one request is sent at a time until one is accepted.
        refused_at: when the last of them came.
        trial_until: the latest time until which one of these single requests is in flight.
        cycle_at: when the present cycle began.
        accepted: accepted requests in the present cycle.
        grown_at: when the rate was last raised, or could have been.
        limit: how many requests may be in flight.
        held: requests in flight, in bins of a second by the time at which they expire.
        latencies: how many are in the present batch.
        latency_sum_s: their sum.
        min_latency_s: the lowest average of a batch.
        refusal_s: how long refusals last here.
    """

    rate: float = FIRST_RATE
    ceiling: float = inf
    next_at: float = -inf
    paused_until: float = -inf
    refusals: int = 0
    refused_at: float = -inf
    trial_until: float = -inf
    cycle_at: float = -inf
    accepted: int = 0
    grown_at: float = -inf
    limit: float = FIRST_LIMIT
    held: Bins = ()
    latencies: int = 0
    latency_sum_s: float = 0.0
    min_latency_s: float = inf
    refusal_s: float = 0.0


UNUSED_QUOTA: Final = AdaptiveQuota()


def available_at(state: AdaptiveQuota, now: float) -> float:
    """When the next request may be sent: `now` or earlier if immediately, infinite if one in flight must end first."""
    at = max(state.paused_until, state.next_at, state.trial_until)
    if at <= now and in_flight(state) >= int(state.limit):
        first = state.held[0][0]
        return inf if first >= NEVER else AtLatest(first)
    return AtLatest(at) if at == state.trial_until else at


def acquire(state: AdaptiveQuota, now: float, expires_at: float, hold_s: float) -> AdaptiveQuota:
    """The quota after a request was admitted.

    Args:
        state: what is known.
        now: monotonic seconds.
        expires_at: when the request counts as ended if it is not released.
        hold_s: the longest that it can take.
    """
    step_s = 1.0 / state.rate
    return replace(
        state,
        next_at=max(state.next_at, now - MAX_CATCH_UP_STEPS * step_s) + step_s,
        trial_until=now + hold_s if state.refusals > 1 else -inf,
        cycle_at=now if state.cycle_at == -inf else state.cycle_at,
        held=add(state.held, expiry_bin(expires_at)),
    )


def expire(state: AdaptiveQuota, now: float) -> AdaptiveQuota:
    """The quota at `now`: requests of holders that died are no longer in flight."""
    if not state.held or state.held[0][0] > now:
        return state
    return replace(state, held=drain(state.held, int(now))[0])


def in_flight(state: AdaptiveQuota) -> int:
    """How many requests are in flight."""
    return count(state.held)


def recent_count(state: AdaptiveQuota, now: float, span_s: float) -> int:
    """The most requests in the last `span_s` seconds, for a rule that begins to count them."""
    if state.cycle_at == -inf:
        return in_flight(state)
    before_s = max(0.0, span_s - (now - state.cycle_at)) if state.ceiling < inf else 0.0
    return state.accepted + in_flight(state) + int(state.rate / REFUSAL_CUT * before_s)


def return_unused(state: AdaptiveQuota, acquired_at: float, expires_at: float) -> AdaptiveQuota:
    """The quota after a request was not sent, or ended without a response, which shows nothing about the quota."""
    held = remove(state.held, expiry_bin(expires_at))
    return replace(
        state,
        held=state.held if held is None else held,
        trial_until=-inf if acquired_at >= state.refused_at else state.trial_until,
    )


def abandon(state: AdaptiveQuota, expires_at: float, closes_at: float) -> AdaptiveQuota:
    """The quota after a caller was cancelled: its request expires when its connection has closed at the latest."""
    held = remove(state.held, expiry_bin(expires_at))
    if held is None:
        return state
    return replace(state, held=add(held, expiry_bin(closes_at)))


def reconcile(state: AdaptiveQuota, in_hand: int) -> AdaptiveQuota:
    """The quota after an interrupt: `in_hand` requests that never expire are in flight, and no others."""
    never = drain(state.held, NEVER - 1)[0]
    expiring = state.held[: len(state.held) - len(never)]
    return replace(state, held=add(expiring, NEVER, in_hand) if in_hand else expiring)


def release_answered(state: AdaptiveQuota, acquired_at: float, expires_at: float, now: float) -> AdaptiveQuota:
    """The quota after a response other than a 429.

    Args:
        state: what is known.
        acquired_at: when the request was admitted.
        expires_at: when it would have expired.
        now: when its response arrived.
    """
    in_use = in_flight(state)
    is_wanted = state.next_at > now - MAX_CATCH_UP_STEPS / state.rate
    state = _record_latency(return_unused(state, acquired_at, expires_at), now - acquired_at, in_use)
    if state.refusals and acquired_at >= state.refused_at:
        return _end_refusal(state, now)
    state = replace(state, accepted=state.accepted + 1)
    if is_wanted and not state.refusals:
        return _grow(state, now)
    return replace(state, grown_at=now)


def release_throttled(
    state: AdaptiveQuota, acquired_at: float, expires_at: float, now: float, wait_s: float | None
) -> AdaptiveQuota:
    """The quota after a 429.

    Args:
        state: what is known.
        acquired_at: when the request was admitted.
        expires_at: when it would have expired.
        now: when its response arrived.
        wait_s: how many seconds the response asks the client to wait, if it says.
    """
    in_use = in_flight(state)
    is_same_refusal = acquired_at < state.refused_at
    state = return_unused(state, acquired_at, expires_at)
    pause_s = wait_s
    if is_same_refusal:
        pause_s = wait_s or 0.0
    else:
        limit_was_reached = in_use >= CEILING_SHARE * state.limit
        state = replace(
            state,
            refusals=state.refusals + 1,
            refused_at=now,
            limit=max(MIN_LIMIT, REFUSAL_CUT * state.limit) if limit_was_reached else state.limit,
            rate=max(MIN_RATE, state.rate if state.refusals else REFUSAL_CUT * state.rate),
        )
    if pause_s is None:
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(state.refusals - 1, 10))
    return replace(state, paused_until=max(state.paused_until, now + pause_s))


def shift(state: AdaptiveQuota, by: float) -> AdaptiveQuota:
    """The quota with `by` seconds added to its times, for a record whose clock has another origin."""
    return replace(
        state,
        next_at=state.next_at + by,
        paused_until=state.paused_until + by,
        refused_at=state.refused_at + by,
        trial_until=state.trial_until + by,
        cycle_at=state.cycle_at + by,
        grown_at=state.grown_at + by,
        held=tuple([(at if at >= NEVER else at + int(by) + 1, n) for at, n in state.held]),
    )


def _end_refusal(state: AdaptiveQuota, now: float) -> AdaptiveQuota:
    """The quota after a refusal is over: the rate accepted in the ended cycle is the ceiling."""
    # A brief refusal does not mean a used-up window: the cycle then ended when it began, not when it was over.
    is_brief = state.refusals == 1 and state.paused_until <= state.refused_at + FIRST_PAUSE_S
    cycle_s = max(MIN_CYCLE_S, (state.refused_at if is_brief else now) - state.cycle_at)
    is_short = cycle_s < SHORT_CYCLE_S
    before = state.rate / REFUSAL_CUT
    # In a short cycle the refusal itself takes much of the time, and shows nothing about the rate before it.
    measured_s = max(MIN_CYCLE_S, state.refused_at - state.cycle_at) if is_short else cycle_s
    active = min(1.0, max(0.0, state.grown_at - state.cycle_at) / measured_s)
    ceiling = max(state.accepted / cycle_s, before * active * (CEILING_SHARE if is_short else 1.0))
    ceiling = max(MIN_RATE, min(before, ceiling))
    return replace(
        state,
        ceiling=ceiling,
        rate=max(MIN_RATE, REFUSAL_CUT * ceiling),
        refusals=0,
        trial_until=-inf,
        cycle_at=now,
        accepted=1,
        grown_at=now,
        refusal_s=max(now - state.refused_at, REFUSAL_MEMORY * state.refusal_s),
    )


def _grow(state: AdaptiveQuota, now: float) -> AdaptiveQuota:
    passed_s = min(1.0, max(0.0, now - state.grown_at))
    hold = CEILING_SHARE * state.ceiling
    if state.rate < hold:
        rate = min(hold, state.rate * (1.0 + GROWTH * passed_s))
    else:
        rate = state.rate * (1.0 + _probing_rate(state, now) * passed_s)
    return replace(state, rate=rate, grown_at=now)


def _probing_rate(state: AdaptiveQuota, now: float) -> float:
    """The fraction of a rate at its ceiling that is added per second: more, the longer nothing is refused."""
    slowdown = LONG_WINDOW_FACTOR if state.refusal_s > BRIEF_REFUSAL_S else 1.0
    unrefused_s = now - state.cycle_at - PROBE_S * slowdown
    if unrefused_s <= 0.0:
        return 0.0
    probing = min(MAX_PROBING_GROWTH, PROBING_GROWTH * exp2(min(unrefused_s / (DOUBLING_S * slowdown), 10.0)))
    if state.rate > LIMIT_RAISED_FACTOR * state.ceiling:
        return max(RAISED_LIMIT_GROWTH, probing)
    return probing


def _record_latency(state: AdaptiveQuota, seconds: float, in_use: int) -> AdaptiveQuota:
    latencies = state.latencies + 1
    latency_sum_s = state.latency_sum_s + seconds
    if latencies < LATENCY_BATCH:
        return replace(state, latencies=latencies, latency_sum_s=latency_sum_s)
    average_s = max(1e-6, latency_sum_s / latencies)
    min_s = min(average_s, state.min_latency_s * (1.0 + LATENCY_DECAY))
    if state.limit <= 2 * QUEUE_SIZE:
        # At the smallest limit no queue can be ours: the provider itself has become slower.
        # A tenth of the way each time: after ten batches (160 responses) two thirds of a lasting change are followed.
        min_s += (average_s - min_s) * 0.1
    # At most halved by one batch: a single slow batch may be chance.
    gradient = min(1.0, max(0.5, LATENCY_TOLERANCE * min_s / average_s))
    room = QUEUE_SIZE if in_use * 2 >= state.limit else 0.0
    wanted = state.limit * gradient + room
    # Only half of the way: latencies are noisy, and one batch must not decide alone.
    limit = min(MAX_LIMIT, max(MIN_LIMIT, 0.5 * (state.limit + wanted)))
    return replace(state, latencies=0, latency_sum_s=0.0, min_latency_s=min_s, limit=limit)


def expiry_bin(expires_at: float) -> int:
    """The bin of a request that expires then."""
    return NEVER if expires_at == inf else int(expires_at) + 1
