# SPDX-License-Identifier: Apache-2.0
"""What a fleet learns from what its holders report: headers, refusals, failures, rates, and other versions' rules."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import pytest

from callwell.core.breaker import FAILURE_THRESHOLD, FIRST_OPEN_S
from callwell.core.quota import adaptive, holdings
from callwell.core.quota.bins import count
from callwell.core.quota.hint import QuotaHint
from callwell.core.quota.holder_needs import HORIZON_S
from callwell.core.quota.lease_records import LEASE_S
from callwell.core.quota.permits import MAX_PAUSE_S, Permit
from callwell.core.quota.record import PLAIN_SUCCESS, SendEnd
from callwell.core.rules.profile import QuotaRule
from callwell.core.types import Outcome
from tests.core.quota.lease_members import ATTEMPT_S, LIMIT, MINUTE, Member, Pool, quotas

if TYPE_CHECKING:
    from callwell.core.quota.record import AccountQuotas

OWN = quotas(MINUTE)
KEY = OWN.keys["minute"]
FIXED = quotas({"minute": QuotaRule(limit=LIMIT, window_s=60.0, window="fixed")})
LEARNT = quotas({"all": QuotaRule(adaptive=True)})
FAILED = SendEnd(Outcome.DONE, 503)
THROTTLED = SendEnd(Outcome.DONE, 429)


def left(remaining: int, *, limit: int = LIMIT, reset_s: float | None = None) -> SendEnd:
    """A response that says how many requests are left."""
    hint = QuotaHint(limit=limit, remaining=remaining, reset_s=reset_s, window_s=60.0)
    return SendEnd(Outcome.DONE, 200, hints=(hint,))


@pytest.mark.parametrize("reported", [False, True])
@pytest.mark.parametrize("used_before", [0, 3, 8])
@pytest.mark.parametrize("own", [FIXED, OWN], ids=["fixed", "sliding"])
def test_what_a_holder_has_itself_is_nobody_elses(own: AccountQuotas, used_before: int, *, reported: bool) -> None:
    """Permits that it has used, has in hand or gives back at the same time are not taken for what others spent."""
    pool = Pool()
    member = Member(pool, "a", own)
    member.exchange(LIMIT)
    member.send(*[PLAIN_SUCCESS] * used_before)
    if reported:
        member.exchange(5)
    in_flight = [member.acquire() for _ in range(3)]
    member.send(left(LIMIT - used_before - 4))
    assert member.exchange().observed["minute"].foreign == 0
    for permit in in_flight:
        member.release(permit, left(LIMIT - used_before - 4))
    assert member.exchange().observed["minute"].foreign == 0


@pytest.mark.parametrize(("foreign", "is_seen"), [(1, False), (8, False), (12, True), (LIMIT, True)])
def test_what_others_spend_is_set_aside_in_the_pool(foreign: int, *, is_seen: bool) -> None:
    """What exceeds all that the fleet may have used, once for the fleet: the holder's own permits stay."""
    pool = Pool()
    member = Member(pool, "a", OWN)
    member.exchange(1)
    leased = LIMIT - member.holding.record.buckets[KEY].elsewhere
    member.send(left(max(0, LIMIT - 1 - foreign)))
    assert not member.holding.record.buckets[KEY].foreign
    observed = member.exchange().observed["minute"]
    assert observed.foreign >= min(LIMIT, foreign + 1) - leased
    assert (observed.foreign > 0) is is_seen
    assert count(pool.record.account.buckets[KEY].foreign) == observed.foreign


@pytest.mark.parametrize("cools", [False, True])
def test_permits_that_cooled_at_the_holder(*, cools: bool) -> None:
    """The pool counts them before it learns, or a permit of the time after would be taken for one of another bucket."""
    own = quotas({"second": QuotaRule(limit=LIMIT, window_s=1.0)})
    pool = Pool()
    member = Member(pool, "a", own, ("second",))
    member.exchange(3)
    if cools:
        member.release(member.acquire())
        pool.now += 1.1
    hint = QuotaHint(limit=LIMIT, remaining=0, window_s=1.0)
    member.send(SendEnd(Outcome.DONE, 200, hints=(hint,)))
    (event,) = member.holding.events
    assert (event.cooled_before > (0,)) is cools
    assert member.exchange().observed["second"].foreign > 0


def test_a_lower_limit_holds_for_the_fleet() -> None:
    """Permits above it are withheld in the pool until the provider names the old one again."""
    pool = Pool()
    member = Member(pool, "a", OWN)
    for limit in [12, LIMIT]:
        member.exchange(1)
        member.send(left(limit - 1, limit=limit))
        assert member.exchange().observed["minute"].limit == limit
        assert pool.record.account.buckets[KEY].withheld == LIMIT - limit
        pool.now += 1.0


@pytest.mark.parametrize("boot", ["boot", "another boot"])
def test_a_fixed_window_ends_for_the_fleet(boot: str) -> None:
    """Two responses show the time running down; all permits come back then, unless some time may have been lost."""
    pool = Pool()
    member = Member(pool, "a", FIXED)
    member.exchange(LIMIT)
    ends_at = pool.now + 30.0
    for _ in range(2):
        member.send(left(0, reset_s=ends_at - pool.now - 0.1))
        pool.now += 4.0
    for permit in member.acquire_all():
        member.release(permit)
    member.exchange()
    pool.boot = boot
    pool.now = ends_at - 2.0
    other = Member(pool, "b", FIXED)
    other.exchange()
    key = FIXED.keys["minute"]
    assert pool.record.account.buckets[key].available == 0
    pool.now = ends_at + 2.0
    other.exchange()
    assert pool.record.account.buckets[key].available == (LIMIT if boot == "boot" else 0)


OLD = quotas({"minute": QuotaRule(limit=30, window_s=60.0)})


@pytest.mark.parametrize("in_flight", [False, True])
def test_versions_share_the_stricter_rule(*, in_flight: bool) -> None:
    """A holder of an older version takes permits of both buckets from its next exchange on."""
    pool = Pool()
    old = Member(pool, "old", OLD)
    old.exchange(30)
    before = [old.acquire() for _ in range(7)]
    if not in_flight:
        for permit in before:
            old.release(permit)
    new = Member(pool, "new", OWN)
    new.exchange(LIMIT)
    taken = len(new.acquire_all())
    # The old one has permits of thirty, in hand or not: what it might use of them counts for the new one.
    assert taken == 0
    old.exchange(LIMIT)
    assert set(old.holding.record.buckets) == {KEY, OLD.keys["minute"]}
    after = len(old.acquire_all())
    assert after + len(before) <= LIMIT
    if in_flight:
        for permit in before:
            old.release(permit)
    for _ in range(10):
        pool.now += 60.0
        for member in [old, new]:
            for permit in member.acquire_all():
                member.holding = holdings.return_unused(member.holding, member.call, permit, 1, pool.now)
            member.exchange()
    assert pool.record.account.buckets[KEY].available == LIMIT


def test_a_version_that_has_gone() -> None:
    """Its bucket is dropped everywhere when none of its permits can be in use any more."""
    pool = Pool()
    Member(pool, "old", OLD).exchange(1)
    new = Member(pool, "new", OWN)
    new.exchange(1)
    assert len(new.holding.record.buckets) == 2
    for _ in range(100):
        pool.now += 2.0
        new.exchange(1)
    assert set(new.holding.record.buckets) == set(pool.record.account.buckets) == {KEY}
    new.acquire()


def slots(pool: Pool) -> int:
    """Slots that count as in flight in the pool."""
    return adaptive.in_flight(pool.record.account.adaptives["all"])


def test_a_slot_is_used_once() -> None:
    """Two holders have what may go in the next moment, each slot once, and report how it went."""
    pool = Pool()
    members = [Member(pool, name, LEARNT, ("all",)) for name in "ab"]
    for member in members:
        member.exchange(50)
    given = [int(member.holding.record.adaptives["all"].limit) for member in members]
    most = adaptive.FIRST_RATE * HORIZON_S + 1 + adaptive.MAX_CATCH_UP_STEPS
    assert min(given) > 0
    assert sum(given) == slots(pool) <= most
    used = 0
    for _ in range(60):
        pool.now += 0.05
        for member in members:
            for permit in member.acquire_all():
                used += 1
                member.release(permit)
    assert used == sum(given)
    for member in members:
        member.exchange()
    assert slots(pool) == sum([holdings.free_slots(member.holding.record, "all") for member in members])
    assert pool.record.account.adaptives["all"].accepted == used


@pytest.mark.parametrize(
    ("end", "slots_left", "accepted", "refusals"),
    [
        (PLAIN_SUCCESS, 2, 1, 0),
        (SendEnd(Outcome.REFUSED), 3, 0, 0),
        (SendEnd(Outcome.UNKNOWN), 2, 0, 0),
        (FAILED, 2, 1, 0),
        (THROTTLED, 0, 0, 1),
    ],
    ids=["answered", "unsent", "lost", "failed", "throttled"],
)
def test_ends_of_requests_of_a_learnt_quota(end: SendEnd, slots_left: int, accepted: int, refusals: int) -> None:
    """A slot that was not used is free again; after a 429 none is, and the pool waits."""
    pool = Pool()
    member = Member(pool, "a", LEARNT, ("all",))
    member.exchange(3)
    member.send(end)
    assert holdings.free_slots(member.holding.record, "all") == slots_left
    grant = member.exchange()
    state = pool.record.account.adaptives["all"]
    assert (state.accepted, state.refusals) == (accepted, refusals)
    assert slots(pool) == holdings.free_slots(member.holding.record, "all")
    assert grant.urgent is bool(refusals)
    member.exchange(5)
    assert holdings.free_slots(member.holding.record, "all") >= 4
    assert isinstance(member.try_acquire(), Permit) is not bool(refusals)
    pool.now += adaptive.FIRST_PAUSE_S
    member.acquire()


def test_slots_of_a_dead_holder_come_back() -> None:
    """When its lease is over and its requests must have ended."""
    pool = Pool()
    dead = Member(pool, "dead", LEARNT, ("all",))
    dead.exchange(50)
    held = slots(pool)
    other = Member(pool, "b", LEARNT, ("all",))
    pool.now += LEASE_S + ATTEMPT_S + MAX_PAUSE_S - 1.0
    other.exchange()
    assert slots(pool) == held > 0
    pool.now += 3.0
    other.exchange(1)
    assert slots(pool) == 1


def test_a_refusal_that_may_be_over_is_tried_by_one() -> None:
    """After two in a row a single request goes, of a caller that waits; no one waits for one who may call."""
    pool = Pool()
    first, second = [Member(pool, name, LEARNT, ("all",)) for name in "ab"]
    lost = SendEnd(Outcome.UNKNOWN)
    for member in [first, second]:
        member.exchange(3)
        pool.now += 0.5
        member.send(lost, lost, THROTTLED)
        member.exchange()
    assert pool.record.account.adaptives["all"].refusals == 2
    pool.now += 0.6
    assert second.exchange().slots["all"].slots == 0
    assert second.holding.rates[("all",)] > 0.5
    assert first.exchange(5).slots["all"].slots == 1
    assert second.exchange(5).slots["all"].slots == 0
    first.send(PLAIN_SUCCESS)
    first.exchange()
    assert pool.record.account.adaptives["all"].refusals == 0
    assert second.exchange(5).slots["all"].slots > 0


def broken() -> tuple[Pool, Member, Member]:
    """Two holders of a provider that has failed, when the next request may be tried."""
    pool = Pool()
    first = Member(pool, "a", OWN)
    second = Member(pool, "b", OWN)
    for member in [first, second]:
        member.exchange(3)
        member.exchange(3)
    first.exchange(FAILURE_THRESHOLD)
    first.send(*[FAILED] * FAILURE_THRESHOLD, lasts_s=0.0)
    assert first.exchange(1).urgent
    assert second.available > 0
    second.exchange(1)
    assert second.try_acquire() == pytest.approx(pool.now + FIRST_OPEN_S)
    pool.now += FIRST_OPEN_S + 0.1
    return pool, first, second


@pytest.mark.parametrize(
    ("end", "is_closed", "is_tried_again"),
    [
        (PLAIN_SUCCESS, True, False),
        (FAILED, False, False),
        (SendEnd(Outcome.DONE, 503, inconclusive=True), False, True),
    ],
    ids=["answered", "failed", "inconclusive"],
)
def test_one_holder_tries_for_all(end: SendEnd, *, is_closed: bool, is_tried_again: bool) -> None:
    """Only one, once; the others learn how it went, and who learnt nothing lets another try."""
    pool, first, second = broken()
    assert first.try_acquire() == inf
    assert first.exchange(2).has_trial
    assert not second.exchange(2).has_trial
    permit = first.acquire()
    assert first.try_acquire() == inf
    assert second.try_acquire() == inf
    for waiting in [2, 0, 0]:
        pool.now += 0.5
        assert not first.exchange(waiting).has_trial
        assert not second.exchange(2).has_trial
    first.release(permit, end)
    # If the trial is given back, nobody waits for it there.
    assert first.exchange().urgent is is_closed
    grant = second.exchange(2)
    assert (grant.breaker.failures == 0) is is_closed
    assert grant.has_trial is is_tried_again
    assert isinstance(second.try_acquire(), Permit) is (is_closed or is_tried_again)
    if end is FAILED:
        assert second.try_acquire() == pytest.approx(pool.now + 2.0 * FIRST_OPEN_S)


@pytest.mark.parametrize("how", ["returned", "nobody waits", "dead"])
def test_a_trial_that_is_not_made(how: str) -> None:
    """Another holder tries: at once if it was given back, else when its request must have ended."""
    pool, first, second = broken()
    first.exchange(1)
    after_s = 0.1
    if how == "returned":
        permit = first.acquire()
        first.holding = holdings.return_unused(first.holding, first.call, permit, 1, pool.now)
        first.acquire()
        return
    if how == "nobody waits":
        first.exchange()
        assert first.try_acquire() == inf
    else:
        pool.now += ATTEMPT_S + MAX_PAUSE_S - 1.0
        assert not second.exchange(1).has_trial
        after_s = 1.1
    pool.now += after_s
    assert second.exchange(1).has_trial
    second.acquire()
