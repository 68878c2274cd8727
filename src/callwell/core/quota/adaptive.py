# SPDX-License-Identifier: Apache-2.0
"""An undocumented quota: how fast, and how many at once, found by going gently too far.

**The rate**, in requests a second, is raised while requests are wanted faster, and cut by a 429::

    25 %/s ──> refused ──> cut to 0.85, wait until it is over ──> held at 0.97 of the ceiling ──> probing, faster
               (429)       the ceiling is known from then on     for 8 s                         the longer it goes well
                 ^                                                                                       │
                 ╰───────────────────────────────────────────────────────────────────────────────────────╯

The ceiling is what the provider really accepted in a whole cycle, from the end of one refusal to the end of the next.
That is the true rate for windows of any length: no more than one window's worth is accepted before a refusal, which
lasts until the window's end. After the second refusal in a row one request at a time is let out, to see whether it is
over. Where refusals last long, the window is long and going too far shows late: there every step is slower.

**How many at once.** A provider at its limit gets slower before it refuses. Latencies are averaged in batches; the
least average is what the provider takes without a queue of ours. The limit on requests in flight is scaled by how much
slower it is now, at most halved by a batch, and a few are added so that it can grow (the idea of Netflix's gradient
limiters). The least average is forgotten slowly; at the smallest limit, where no queue can be ours, it follows quickly.
"""

from __future__ import annotations

from math import exp2, inf
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from callwell.core.quota.bins import NEVER, Bins, add, count, drain, remove
from callwell.core.quota.permits import AtLatest

FIRST_RATE: Final = 10.0
"""Requests a second to begin with: growing by a quarter a second, a hundred are reached in ten seconds."""

MIN_RATE: Final = 0.1
"""The lowest rate in requests a second, one in ten seconds: slower, and a recovery would go unnoticed for minutes."""

GROWTH: Final = 0.25
"""The part of the rate that is added in a second while no ceiling is known."""

PROBING_GROWTH: Final = 0.002
"""The same above a known ceiling, at first; it doubles every `DOUBLING_S` in which nothing is refused."""

MAX_PROBING_GROWTH: Final = 0.1
"""The largest part that it doubles to."""

CUT: Final = 0.85
"""A refusal cuts the rate to this part: between TCP's 0.5 and CUBIC's 0.7, and 1, as refusals here cost only time."""

HELD_SHARE: Final = 0.97
"""The part of the ceiling at which the rate is held."""

LIMIT_RAISED_FACTOR: Final = 1.1
"""At so many times the ceiling without a refusal, the provider has given way: it accepts more than it did."""

RETURN_GROWTH: Final = 0.02
"""The part of the rate that is added in a second from there on, at least."""

PROBE_S: Final = 8.0
"""Seconds for which the rate is held before probing begins."""

DOUBLING_S: Final = 4.0
"""Seconds in which the probing doubles."""

BRIEF_S: Final = 4.0
"""Refusals that last longer are those of a long window, in which going too far shows late."""

LONG_WINDOW_FACTOR: Final = 4.0
"""How many times longer rates are held, and probing takes to double, in a long window."""

REFUSAL_MEMORY: Final = 0.7
"""What is left of the remembered length of a refusal with each shorter one after it."""

SHORT_CYCLE_S: Final = 5.0
"""A cycle shorter than this says that the ceiling is lower than it was thought to be."""

FIRST_PAUSE_S: Final = 0.25
"""Seconds after the first refusal that names no time; twice as many after each further one."""

LONGEST_PAUSE_S: Final = 30.0
"""The longest of those: half of a minute, the most common window."""

MAX_CATCH_UP_STEPS: Final = 4
"""Requests that may go at once, to catch up, after nothing was wanted or a driver woke late."""

FIRST_LIMIT: Final = 20.0
"""Requests in flight to begin with, as in Netflix's Gradient2Limit."""

MIN_LIMIT: Final = 4.0
"""The lowest limit on requests in flight: with fewer, one slow response would look like a queue."""

MAX_LIMIT: Final = 1000.0
"""The highest limit on requests in flight: what one process can have open."""

QUEUE_SIZE: Final = 4.0
"""Requests that are added to the limit while it is used, so that it can grow (the same limiter's queue size)."""

BATCH: Final = 16
"""Latencies in one average."""

TOLERANCE: Final = 1.2
"""How many times slower than its best a provider may be before it is taken to have a queue."""

FORGETTING: Final = 0.0001
"""The part of itself by which the least average grows with each batch."""

MIN_CYCLE_S: Final = 1e-3
"""A cycle takes at least this: clocks may stand still between two events."""


class AdaptiveQuota(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is known about the quota. Times are monotonic seconds. Stored by position.

    Attributes:
        rate: requests a second.
        ceiling: the rate above which there were refusals.
        next_at: when the next request may go.
        paused_until: nothing goes before.
        refusals: in a row; after the second, one request goes at a time until one is accepted.
        refused_at: when the last of them came.
        trial_until: one of these single requests is in flight until then at the latest.
        cycle_at: when the present cycle began.
        accepted: requests that were not refused in it.
        grown_at: when the rate was last raised, or could have been.
        limit: how many requests may be in flight.
        held: requests in flight, in bins of a second by the time at which they expire.
        latencies: how many are in the present batch.
        latency_sum_s: their sum.
        least_latency_s: the least average of a batch.
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
    least_latency_s: float = inf
    refusal_s: float = 0.0


UNTRIED: Final = AdaptiveQuota()


def available_at(state: AdaptiveQuota, now: float) -> float:
    """When the next request may go: no later than `now` if at once, infinite if one in flight must end first."""
    at = max(state.paused_until, state.next_at, state.trial_until)
    if at <= now and in_flight(state) >= int(state.limit):
        first = state.held[0][0]
        return inf if first >= NEVER else AtLatest(first)
    return AtLatest(at) if at == state.trial_until else at


def acquire(state: AdaptiveQuota, now: float, expires_at: float, hold_s: float) -> AdaptiveQuota:
    """The quota after a request was let go.

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
    return state.accepted + in_flight(state) + int(state.rate / CUT * before_s)


def return_unused(state: AdaptiveQuota, acquired_at: float, expires_at: float) -> AdaptiveQuota:
    """The quota after a request did not go, or ended without a response, which says nothing about the quota."""
    held = remove(state.held, expiry_bin(expires_at))
    return replace(
        state,
        held=state.held if held is None else held,
        trial_until=-inf if acquired_at >= state.refused_at else state.trial_until,
    )


def abandon(state: AdaptiveQuota, expires_at: float, closes_at: float) -> AdaptiveQuota:
    """The quota after a caller has left: its request expires when its connection is closed at the latest."""
    held = remove(state.held, expiry_bin(expires_at))
    if held is None:
        return state
    return replace(state, held=add(held, expiry_bin(closes_at)))


def reconcile(state: AdaptiveQuota, in_hand: int) -> AdaptiveQuota:
    """The quota after an interrupt: so many requests that never expire are in flight, and no others."""
    never = drain(state.held, NEVER - 1)[0]
    expiring = state.held[: len(state.held) - len(never)]
    return replace(state, held=add(expiring, NEVER, in_hand) if in_hand else expiring)


def release_answered(state: AdaptiveQuota, acquired_at: float, expires_at: float, now: float) -> AdaptiveQuota:
    """The quota after a response that is no 429.

    Args:
        state: what is known.
        acquired_at: when the request was let go.
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
        acquired_at: when the request was let go.
        expires_at: when it would have expired.
        now: when its response arrived.
        wait_s: for how many seconds the response asks to be left alone, if it says.
    """
    in_use = in_flight(state)
    is_same_refusal = acquired_at < state.refused_at
    state = return_unused(state, acquired_at, expires_at)
    pause_s = wait_s
    if is_same_refusal:
        pause_s = wait_s or 0.0
    else:
        limit_was_reached = in_use >= HELD_SHARE * state.limit
        state = replace(
            state,
            refusals=state.refusals + 1,
            refused_at=now,
            limit=max(MIN_LIMIT, CUT * state.limit) if limit_was_reached else state.limit,
            rate=max(MIN_RATE, state.rate if state.refusals else CUT * state.rate),
        )
    if pause_s is None:
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(state.refusals - 1, 10))
    return replace(state, paused_until=max(state.paused_until, now + pause_s))


def shift(state: AdaptiveQuota, by: float) -> AdaptiveQuota:
    """The quota with `by` seconds added to its times, for a record of a clock that began elsewhere."""
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
    """The quota after a refusal is over: what was accepted in the cycle that ends is the ceiling."""
    # A brief refusal is no sign of a used up window: then the cycle ended when it came, not when it was over.
    is_brief = state.refusals == 1 and state.paused_until <= state.refused_at + FIRST_PAUSE_S
    cycle_s = max(MIN_CYCLE_S, (state.refused_at if is_brief else now) - state.cycle_at)
    is_short = cycle_s < SHORT_CYCLE_S
    before = state.rate / CUT
    # In a short cycle the refusal itself takes much of the time, and says nothing about the rate before it.
    measured_s = max(MIN_CYCLE_S, state.refused_at - state.cycle_at) if is_short else cycle_s
    active = min(1.0, max(0.0, state.grown_at - state.cycle_at) / measured_s)
    ceiling = max(state.accepted / cycle_s, before * active * (HELD_SHARE if is_short else 1.0))
    ceiling = max(MIN_RATE, min(before, ceiling))
    return replace(
        state,
        ceiling=ceiling,
        rate=max(MIN_RATE, CUT * ceiling),
        refusals=0,
        trial_until=-inf,
        cycle_at=now,
        accepted=1,
        grown_at=now,
        refusal_s=max(now - state.refused_at, REFUSAL_MEMORY * state.refusal_s),
    )


def _grow(state: AdaptiveQuota, now: float) -> AdaptiveQuota:
    passed_s = min(1.0, max(0.0, now - state.grown_at))
    hold = HELD_SHARE * state.ceiling
    if state.rate < hold:
        rate = min(hold, state.rate * (1.0 + GROWTH * passed_s))
    else:
        rate = state.rate * (1.0 + _probing_rate(state, now) * passed_s)
    return replace(state, rate=rate, grown_at=now)


def _probing_rate(state: AdaptiveQuota, now: float) -> float:
    """The part of a rate at its ceiling that is added in a second: more, the longer nothing is refused."""
    slowdown = LONG_WINDOW_FACTOR if state.refusal_s > BRIEF_S else 1.0
    unrefused_s = now - state.cycle_at - PROBE_S * slowdown
    if unrefused_s <= 0.0:
        return 0.0
    probing = min(MAX_PROBING_GROWTH, PROBING_GROWTH * exp2(min(unrefused_s / (DOUBLING_S * slowdown), 10.0)))
    if state.rate > LIMIT_RAISED_FACTOR * state.ceiling:
        return max(RETURN_GROWTH, probing)
    return probing


def _record_latency(state: AdaptiveQuota, seconds: float, in_use: int) -> AdaptiveQuota:
    latencies = state.latencies + 1
    latency_sum_s = state.latency_sum_s + seconds
    if latencies < BATCH:
        return replace(state, latencies=latencies, latency_sum_s=latency_sum_s)
    average_s = max(1e-6, latency_sum_s / latencies)
    least_s = min(average_s, state.least_latency_s * (1.0 + FORGETTING))
    if state.limit <= 2 * QUEUE_SIZE:
        # At the smallest limit no queue can be ours: the provider itself has become slower.
        # A tenth of the way each time: after ten batches (160 responses) two thirds of a lasting change are followed.
        least_s += (average_s - least_s) * 0.1
    # At most halved by one batch: a single slow one may be chance.
    gradient = min(1.0, max(0.5, TOLERANCE * least_s / average_s))
    room = QUEUE_SIZE if in_use * 2 >= state.limit else 0.0
    wanted = state.limit * gradient + room
    # Half of the way: latencies are noisy, and one batch must not decide alone.
    limit = min(MAX_LIMIT, max(MIN_LIMIT, 0.5 * (state.limit + wanted)))
    return replace(state, latencies=0, latency_sum_s=0.0, least_latency_s=least_s, limit=limit)


def expiry_bin(expires_at: float) -> int:
    """The bin of a request that expires then."""
    return NEVER if expires_at == inf else int(expires_at) + 1
