# SPDX-License-Identifier: Apache-2.0
"""A quota that nobody documents: how fast, and how many at once, found out by going gently too far.

**The rate.** Requests are let out evenly. While they are wanted faster than that, the rate grows; a 429 cuts it to
0.85. What the provider really took since the last time is remembered as the ceiling, and from then on the rate grows
back only to just below it. After a while it goes on, slowly at first, and faster the longer nothing is refused: the
capacity may have doubled. Where refusals last long, the window is long, going too far shows late, and all is slower.

What was taken is measured over a whole cycle: from the end of one refusal to the end of the next. That gives the true
rate for windows of any length, as no more than one window's worth is taken before a refusal, which lasts until the
window's end. After the second refusal in a row one request at a time is let out to see whether it is over.

**How many at once.** A provider that is at its end gets slow before it refuses. Latencies are averaged in batches;
the least of these averages is what it takes without a queue. The limit on requests in flight is scaled by how much
slower it is now, but at most halved by a batch, and a few are added so that it can grow. (The idea is that of
Netflix's gradient limiters.) The least average forgets slowly; at the smallest limit, where no queue can be ours, it
follows quickly.
"""

from __future__ import annotations

from math import exp2, inf
from typing import Final, NamedTuple

from callwell.core.quota.buckets import NEVER, Bins, add, count, drain, remove
from callwell.core.quota.permits import AtLatest

FIRST_RATE: Final = 10.0
"""Requests a second to begin with."""

LEAST_RATE: Final = 0.1
GROWTH: Final = 0.25
"""Of the rate is added in a second, where no ceiling is known."""

PROBING: Final = 0.002
"""The same where one is known and was just reached again; it doubles every `DOUBLING_S` in which nothing is refused."""

MOST_PROBING: Final = 0.1
"""The most that it comes to."""

CUT: Final = 0.85
"""To which part a refusal cuts the rate (between TCP's 0.5 and CUBIC's 0.7, and 1)."""

BELOW: Final = 0.97
"""At which part of the ceiling the rate is held."""

GIVEN_WAY: Final = 1.1
"""Above so many ceilings it was none."""

RETURNING: Final = 0.02
"""Of the rate is added in a second from there on."""

PROBE_S: Final = 8.0
"""For how long the rate is held before it goes on."""

DOUBLING_S: Final = 4.0
BRIEF_S: Final = 4.0
"""Refusals that last longer are those of a long window, in which going too far shows late: there all is slower."""

SLOWER: Final = 4.0
FADING: Final = 0.7
"""What is left of a refusal's length with each shorter one after it."""

SHORT_S: Final = 5.0
"""A cycle shorter than this says that the ceiling is lower than it was thought to be."""

PAUSE_S: Final = 0.25
"""After the first refusal that names no time; twice as long after each further one."""

LONGEST_S: Final = 30.0
CATCH_UP: Final = 4
"""Steps that may be made up for when nothing was wanted, or a driver woke late."""

FIRST_LIMIT: Final = 20.0
LEAST_LIMIT: Final = 4.0
MOST_LIMIT: Final = 1000.0
QUEUE: Final = 4.0
BATCH: Final = 16
"""Latencies of one average."""

TOLERANCE: Final = 1.2
"""By how much slower than its best a provider may be before it is taken to have a queue."""

FORGETTING: Final = 0.0001
"""By how much of itself the least average grows with each batch."""


class AdaptiveQuota(NamedTuple):
    """What is known about the quota.

    Attributes:
        rate: requests a second.
        ceiling: above which there were refusals.
        next_at: when the next request may go.
        until: nothing goes before.
        refused: refusals in a row; after the second, one goes at a time until one succeeds.
        refused_at: when the last of them came.
        trial_until: one of these is under way until then at the latest.
        cycle_at: when the present cycle began.
        taken: requests that succeeded in it.
        grown_at: when the rate was last looked at.
        limit: requests in flight.
        held: these requests, by the second in which they come back by themselves.
        batch: how many latencies are in the present batch.
        total_s: their sum.
        least_s: the least average.
        lasted_s: how long refusals last here.
    """

    rate: float = FIRST_RATE
    ceiling: float = inf
    next_at: float = -inf
    until: float = -inf
    refused: int = 0
    refused_at: float = -inf
    trial_until: float = -inf
    cycle_at: float = -inf
    taken: int = 0
    grown_at: float = -inf
    limit: float = FIRST_LIMIT
    held: Bins = ()
    batch: int = 0
    total_s: float = 0.0
    least_s: float = inf
    lasted_s: float = 0.0


UNTRIED: Final = AdaptiveQuota()


def available_at(one: AdaptiveQuota, now: float) -> float:
    """When the next request may go: `now` or earlier if it may go at once, infinite if one must end first."""
    at = max(one.until, one.next_at, one.trial_until)
    if at <= now and in_flight(one) >= int(one.limit):
        first = one.held[0][0]
        return inf if first >= NEVER else AtLatest(first)
    return AtLatest(at) if at == one.trial_until else at


def acquire(one: AdaptiveQuota, now: float, expires_at: float, hold_s: float) -> AdaptiveQuota:
    """One request goes.

    Args:
        one: what is known.
        now: monotonic seconds.
        expires_at: when it comes back by itself.
        hold_s: the longest that it can take.
    """
    next_at = max(one.next_at, now - CATCH_UP / one.rate) + 1.0 / one.rate
    trial_until = now + hold_s if one.refused > 1 else -inf
    cycle_at = now if one.cycle_at == -inf else one.cycle_at
    held = add(one.held, _expiry_second(expires_at))
    return one._replace(next_at=next_at, trial_until=trial_until, cycle_at=cycle_at, held=held)


def expire(one: AdaptiveQuota, now: float) -> AdaptiveQuota:
    """Requests whose holder is gone are no longer in flight."""
    if not one.held or one.held[0][0] > now:
        return one
    return one._replace(held=drain(one.held, int(now))[0])


def in_flight(one: AdaptiveQuota) -> int:
    """How many requests are under way."""
    return count(one.held)


def recent_count(one: AdaptiveQuota, now: float, span_s: float) -> int:
    """How many requests may have been made in so many seconds until now, for a rule that begins to count them.

    Args:
        one: what is known.
        now: monotonic seconds.
        span_s: the seconds.
    """
    if one.cycle_at == -inf:
        return in_flight(one)
    before_s = max(0.0, span_s - (now - one.cycle_at)) if one.ceiling < inf else 0.0
    return one.taken + in_flight(one) + int(one.rate / CUT * before_s)


def return_unused(one: AdaptiveQuota, acquired_at: float, expires_at: float) -> AdaptiveQuota:
    """A request did not go, or it ended without an answer, which says nothing."""
    back = remove(one.held, _expiry_second(expires_at))
    trial_until = -inf if acquired_at >= one.refused_at else one.trial_until
    return one._replace(held=one.held if back is None else back, trial_until=trial_until)


def abandon(one: AdaptiveQuota, expires_at: float, closes_at: float) -> AdaptiveQuota:
    """A request goes on without its caller: it comes back by itself when its connection is closed at the latest."""
    back = remove(one.held, _expiry_second(expires_at))
    return one if back is None else one._replace(held=add(back, _expiry_second(closes_at)))


def reconcile(one: AdaptiveQuota, lent: int) -> AdaptiveQuota:
    """Put right after an interrupt how many requests are under way that never come back by themselves."""
    held = drain(one.held, NEVER - 1)[0]
    others = one.held[: len(one.held) - len(held)]
    return one._replace(held=add(others, NEVER, lent) if lent else others)


def release_answered(one: AdaptiveQuota, acquired_at: float, expires_at: float, now: float) -> AdaptiveQuota:
    """A request was not refused.

    Args:
        one: what is known.
        acquired_at: when it went.
        expires_at: when it would have come back by itself.
        now: when its answer came.
    """
    used = in_flight(one)
    busy = one.next_at > now - CATCH_UP / one.rate
    one = _record_latency(return_unused(one, acquired_at, expires_at), now - acquired_at, used)
    if one.refused and acquired_at >= one.refused_at:
        return _end_refusal(one, now)
    one = one._replace(taken=one.taken + 1)
    return _grow(one, now) if busy and not one.refused else one._replace(grown_at=now)


def release_throttled(
    one: AdaptiveQuota, acquired_at: float, expires_at: float, now: float, wait_s: float | None
) -> AdaptiveQuota:
    """A request was answered 429.

    Args:
        one: what is known.
        acquired_at: when it went.
        expires_at: when it would have come back by itself.
        now: when its answer came.
        wait_s: for how long the answer asks to be left alone, if it says.
    """
    used = in_flight(one)
    same = acquired_at < one.refused_at
    one = return_unused(one, acquired_at, expires_at)
    if not same:
        limit = max(LEAST_LIMIT, CUT * one.limit) if used >= BELOW * one.limit else one.limit
        rate = max(LEAST_RATE, one.rate if one.refused else CUT * one.rate)
        one = one._replace(refused=one.refused + 1, refused_at=now, limit=limit, rate=rate)
    if wait_s is None:
        wait_s = 0.0 if same else min(LONGEST_S, PAUSE_S * 2.0 ** min(one.refused - 1, 10))
    return one._replace(until=max(one.until, now + wait_s))


def shift(one: AdaptiveQuota, by: float) -> AdaptiveQuota:
    """The same with its times moved, for a record of a clock that began elsewhere."""
    return one._replace(
        next_at=one.next_at + by,
        until=one.until + by,
        refused_at=one.refused_at + by,
        trial_until=one.trial_until + by,
        cycle_at=one.cycle_at + by,
        grown_at=one.grown_at + by,
        held=tuple((at if at >= NEVER else at + int(by) + 1, n) for at, n in one.held),
    )


def _end_refusal(one: AdaptiveQuota, now: float) -> AdaptiveQuota:
    """A refusal is over: what was taken in the cycle that ends is the ceiling."""
    brief = one.refused == 1 and one.until <= one.refused_at + PAUSE_S
    cycle_s = max(1e-3, (one.refused_at if brief else now) - one.cycle_at)
    short = cycle_s < SHORT_S
    before = one.rate / CUT
    # In a short cycle the refusal itself takes much of the time, and says nothing about the rate before it.
    measured_s = max(1e-3, one.refused_at - one.cycle_at) if short else cycle_s
    active = min(1.0, max(0.0, one.grown_at - one.cycle_at) / measured_s)
    ceiling = max(one.taken / cycle_s, before * active * (BELOW if short else 1.0))
    ceiling = max(LEAST_RATE, min(before, ceiling))
    return one._replace(
        ceiling=ceiling,
        rate=max(LEAST_RATE, CUT * ceiling),
        refused=0,
        trial_until=-inf,
        cycle_at=now,
        taken=1,
        grown_at=now,
        lasted_s=max(now - one.refused_at, FADING * one.lasted_s),
    )


def _grow(one: AdaptiveQuota, now: float) -> AdaptiveQuota:
    passed_s = min(1.0, max(0.0, now - one.grown_at))
    hold = BELOW * one.ceiling
    if one.rate < hold:
        rate = min(hold, one.rate * (1.0 + GROWTH * passed_s))
    else:
        rate = one.rate * (1.0 + _probing(one, now) * passed_s)
    return one._replace(rate=rate, grown_at=now)


def _probing(one: AdaptiveQuota, now: float) -> float:
    """Which part of a rate that has reached its ceiling is added in a second: the more, the longer it goes well."""
    slower = SLOWER if one.lasted_s > BRIEF_S else 1.0
    well_s = now - one.cycle_at - PROBE_S * slower
    if well_s <= 0.0:
        return 0.0
    probing = min(MOST_PROBING, PROBING * exp2(min(well_s / (DOUBLING_S * slower), 10.0)))
    return max(RETURNING, probing) if one.rate > GIVEN_WAY * one.ceiling else probing


def _record_latency(one: AdaptiveQuota, seconds: float, used: int) -> AdaptiveQuota:
    batch, total_s = one.batch + 1, one.total_s + seconds
    if batch < BATCH:
        return one._replace(batch=batch, total_s=total_s)
    average = max(1e-6, total_s / batch)
    least_s = min(average, one.least_s * (1.0 + FORGETTING))
    if one.limit <= 2 * QUEUE:
        least_s += (average - least_s) * 0.1
    gradient = min(1.0, max(0.5, TOLERANCE * least_s / average))
    wanted = one.limit * gradient + (QUEUE if used * 2 >= one.limit else 0.0)
    limit = min(MOST_LIMIT, max(LEAST_LIMIT, 0.5 * (one.limit + wanted)))
    return one._replace(batch=0, total_s=0.0, least_s=least_s, limit=limit)


def _expiry_second(expires_at: float) -> int:
    return NEVER if expires_at == inf else int(expires_at) + 1
