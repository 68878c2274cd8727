# SPDX-License-Identifier: Apache-2.0
"""How a lease ends: by a pause, a rolled-back record, a process that leaves, requests that take longer than others.

Whatever is released, returned or reported late: no permit is in two hands, and none is gone for good.
"""

from __future__ import annotations

from math import inf

import pytest
from msgspec.structs import replace

from callwell.core.quota import holder_exchange, holdings
from callwell.core.quota.account import AnsweredBatch
from callwell.core.quota.bins import count
from callwell.core.quota.holder_exchange import MARGIN_S, MIN_INTERVAL_S
from callwell.core.quota.holdings import MAX_EVENTS
from callwell.core.quota.lease_records import LEASE_S
from callwell.core.quota.lease_rollbacks import was_rolled_back
from callwell.core.quota.permits import MAX_PAUSE_S, STRETCH, Permit
from callwell.core.quota.record import PLAIN_SUCCESS, SendEnd
from callwell.core.rules.profile import QuotaRule
from callwell.core.types import Outcome
from tests.core.quota.lease_members import ATTEMPT_S, LIMIT, MINUTE, RETRY, Member, Pool, quotas

OWN = quotas(MINUTE)
KEY = OWN.keys["minute"]
COVERS_S = ATTEMPT_S + MAX_PAUSE_S
COOLS_S = (60.0 + RETRY.max_transit_s) * STRETCH + 1.0
THROTTLED = SendEnd(Outcome.DONE, 429, wait_s=0.0)


def used_up() -> tuple[Pool, Member, list[Permit]]:
    """A holder with all permits, each in the hand of a caller."""
    pool = Pool()
    member = Member(pool, "a", OWN)
    member.exchange(LIMIT)
    permits = member.acquire_all()
    assert len(permits) == LIMIT
    return pool, member, permits


def free(pool: Pool) -> int:
    """Permits that no one has and that can be used now."""
    Member(pool, f"idle at {pool.now}", OWN).exchange()
    return pool.record.account.buckets[KEY].available


@pytest.mark.parametrize("resent", [False, True])
def test_a_lease_counts_from_before_the_question(*, resent: bool) -> None:
    """However long the answer takes, and however often the report must be sent: permits are not used after it."""
    pool = Pool()
    member = Member(pool, "a", OWN)
    asked_at = pool.now
    report = member.ask(LIMIT)
    pool.now += 1.0
    grant = pool.answer(report, OWN)
    if resent:
        pool.now += 3.0
        again = member.ask(LIMIT)
        assert again is report
        assert pool.answer(again, OWN) == grant
    pool.now += 2.0
    member.receive(grant)
    pool.now = asked_at + LEASE_S - MARGIN_S - 0.01
    member.acquire()
    pool.now = asked_at + LEASE_S - MARGIN_S
    assert member.try_acquire() == inf
    # Store time began at 0 with the first time that the report came.
    assert pool.record.leases["a"].ends_at == LEASE_S


@pytest.mark.parametrize("pause_s", [LEASE_S + COVERS_S - 0.1, LEASE_S + COVERS_S + 0.1, 150.0])
def test_a_pause(pause_s: float) -> None:
    """Up to P and an attempt nothing happens; after that the permits are gone, and late ends are ignored."""
    pool, member, permits = used_up()
    pool.now += pause_s
    is_lost = pause_s > LEASE_S + COVERS_S
    grant = member.exchange()
    assert grant.lost is is_lost
    assert free(pool) == (LIMIT if pause_s > LEASE_S + COVERS_S + COOLS_S else 0)
    if is_lost:
        Member(pool, "b", OWN).exchange(LIMIT)
    for permit in permits[1:]:
        member.release(permit)
    member.holding = holdings.return_unused(member.holding, member.call, permits[0], 1, pool.now)
    cooling = count(member.holding.record.buckets[KEY].cooling)
    assert cooling == (0 if is_lost else LIMIT - 1)
    # One came back unused, if any did.
    member.exchange(LIMIT)
    assert len(member.acquire_all()) == (0 if is_lost else 1)
    pool.now += LEASE_S + COVERS_S + COOLS_S + COOLS_S
    assert free(pool) == LIMIT


def test_late_ends_after_a_lost_lease() -> None:
    """Nothing comes back in the place of a permit of the new lease; a refusal is reported all the same."""
    pool, member, permits = used_up()
    pool.now += 200.0
    assert member.exchange().lost
    assert member.holding.lost == 1
    pool.now += MIN_INTERVAL_S
    member.exchange(2)
    new = member.acquire()
    before = member.holding.record
    batch = AnsweredBatch(permits[0].acquired_at, LIMIT, pool.now, 0)
    member.holding = holdings.release_batch(member.holding, member.call, batch, pool.now)
    member.holding, _ = holdings.abandon(member.holding, member.call, permits[1], pool.now + 5.0, pool.now)
    member.holding = holdings.return_unused(member.holding, member.call, permits[2], 1, pool.now)
    member.release(permits[3], THROTTLED)
    assert member.holding.record == before
    member.release(new)
    assert count(member.holding.record.buckets[KEY].cooling) == 1
    assert member.exchange(1).urgent
    assert pool.record.account.buckets[KEY].throttle_count == 1


@pytest.mark.parametrize("late_s", [0.0, 1.0, LEASE_S + COVERS_S - 1.0])
@pytest.mark.parametrize("known", [0, 1, 2, 3])
def test_a_record_that_was_rolled_back(known: int, late_s: float) -> None:
    """The first holder that knows better notices it: all that looks available may have been used just now."""
    pool = Pool()
    Member(pool, "z", OWN).exchange()
    member = Member(pool, "a", OWN)
    replicas = [pool.record]
    for waiting in [2, LIMIT, LIMIT]:
        member.exchange(waiting)
        replicas.append(pool.record)
        pool.now += 0.5
    pool.now += late_s
    pool.record = replicas[known]
    member.exchange(LIMIT)
    other = Member(pool, "b", OWN)
    other.exchange(LIMIT)
    is_lost = known < len(replicas) - 1
    assert member.holding.lost == is_lost
    assert pool.record.account.buckets[KEY].available == 0
    if is_lost:
        assert other.acquire_all() == member.acquire_all() == []
        pool.now += 60.0
        assert free(pool) == 0
        pool.now += LEASE_S + COVERS_S + COOLS_S
        assert free(pool) == LIMIT


KEPT_S = LEASE_S + COVERS_S


@pytest.mark.parametrize(
    ("store_s", "passed_s", "expected"),
    [(KEPT_S + 1.0, KEPT_S + 1.0, False), (0.1, 0.1, True), (0.1, KEPT_S + 1.0, True), (KEPT_S + 1.0, 0.1, True)],
    ids=["over", "just now", "store time stood still", "store time stood still in what was lost"],
)
def test_a_lease_that_the_record_does_not_have(*, store_s: float, passed_s: float, expected: bool) -> None:
    """It is over only if both store time and the holder's own clock say so: one of them may lag, or be of a past."""
    pool = Pool()
    member = Member(pool, "a", OWN)
    member.exchange(LIMIT)
    _, report = holder_exchange.prepare(member.holding, OWN, {}, member.holding.prepared_at + passed_s)
    found = was_rolled_back(None, report, OWN, member.holding.store_at + store_s, report.prepared_at)
    assert found is expected


@pytest.mark.parametrize("goes_on", [False, True])
def test_leaving_with_requests_in_flight(*, goes_on: bool) -> None:
    """What is in no hand comes back at once, the rest by itself, or when the process goes on all the same."""
    pool = Pool()
    member = Member(pool, "a", OWN)
    member.exchange(10)
    permits = [member.acquire() for _ in range(3)]
    grant = member.exchange(leaving=True)
    assert member.available == 0
    assert not grant.lost
    assert free(pool) == LIMIT - 3
    if goes_on:
        for permit in permits:
            member.release(permit)
        member.exchange(1)
        assert count(pool.record.account.buckets[KEY].cooling) == 3
    pool.now += 200.0
    assert free(pool) == LIMIT


def test_leaving_with_nothing() -> None:
    """No lease is left, and no one else waits for it."""
    pool = Pool()
    member = Member(pool, "a", OWN)
    member.exchange(LIMIT)
    assert member.exchange(leaving=True).over
    assert pool.record.leases == {}
    assert pool.record.presence.holder == ""
    assert pool.record.account.buckets[KEY].available == LIMIT


@pytest.mark.parametrize(("ends_after_s", "cools_s"), [(2.0, 61.0), (None, 66.0 + COOLS_S - 60.0)])
def test_a_caller_that_has_left(ends_after_s: float | None, cools_s: float) -> None:
    """Its permit is held until its request ends, or can have ended, and comes back from then on like any other."""
    pool = Pool()
    member = Member(pool, "a", OWN)
    member.exchange(1)
    permit = member.acquire()
    closes_at = pool.now + 5.0
    member.holding, abandoned = holdings.abandon(member.holding, member.call, permit, closes_at, pool.now)
    assert abandoned.expires_at == closes_at
    if ends_after_s is not None:
        pool.now += ends_after_s
        member.release(abandoned)
    began_at = pool.now
    while pool.now < began_at + cools_s - 2.0:
        member.exchange()
        assert pool.record.account.buckets[KEY].available + member.available == LIMIT - 1
        pool.now += 2.0
    pool.now = began_at + cools_s + 0.5
    member.exchange()
    assert pool.record.account.buckets[KEY].available + member.available == LIMIT


LONG = {"extra_s": 100.0}


def test_a_longer_request_waits_for_a_lease_that_covers_it() -> None:
    """Permits for others are there meanwhile."""
    pool = Pool()
    member = Member(pool, "a", OWN)
    member.exchange(2)
    assert member.try_acquire(**LONG) == inf
    member.acquire()
    assert member.exchange(1).covers_s == COVERS_S + 100.0
    member.acquire(**LONG)


def long_request() -> tuple[Pool, Member]:
    """A holder with a lease that covers a longer request."""
    pool = Pool()
    member = Member(pool, "a", OWN)
    member.exchange(1)
    assert member.try_acquire(**LONG) == inf
    member.exchange(1)
    return pool, member


@pytest.mark.parametrize("renewals", [0, 3])
def test_a_longer_request_is_covered_until_its_end(renewals: int) -> None:
    """As long as it is in flight every renewal covers it; its permit is not there before."""
    pool, member = long_request()
    member.acquire(**LONG)
    for _ in range(renewals):
        pool.now += 2.0
        assert member.exchange().covers_s == COVERS_S + 100.0
    pool.now += LEASE_S + COVERS_S + 100.0 - 1.0
    assert not member.exchange().lost
    pool.now += LEASE_S + COVERS_S + COOLS_S + 1.0
    assert free(pool) < LIMIT


def test_a_lease_that_will_cover_less() -> None:
    """Nothing longer begins any more while the report about it is under way."""
    pool, member = long_request()
    member.send(PLAIN_SUCCESS)
    report = member.ask()
    assert report.covers_s == COVERS_S
    assert member.available > 1
    assert member.try_acquire(**LONG) == inf
    member.acquire()
    member.receive(pool.answer(report, OWN))
    assert member.holding.covers_s == COVERS_S


def test_a_longer_request_of_an_undocumented_quota_is_covered() -> None:
    """Such a quota has no permits, but the lease is about its requests too."""
    own = quotas({"all": QuotaRule(adaptive=True)})
    pool = Pool()
    member = Member(pool, "a", own, ("all",))
    member.exchange(1)
    assert member.try_acquire(**LONG) == inf
    member.exchange(1)
    member.acquire(**LONG)
    assert member.exchange().covers_s == COVERS_S + 100.0


def test_a_report_stays_small() -> None:
    """Of many refusals the newest are reported."""
    pool, member, permits = used_up()
    permit = permits[0]
    for i in range(MAX_EVENTS + 5):
        pool.now += 0.001
        member.release(permit, replace(THROTTLED, wait_s=float(i)))
    waits = [event.end.wait_s for event in member.ask().events]
    assert waits == [float(i) for i in range(5, MAX_EVENTS + 5)]


def test_an_idle_process_has_no_lease() -> None:
    """All is given back when nothing was called for a while, and the store is left alone."""
    pool = Pool()
    member = Member(pool, "a", OWN)
    member.exchange(1)
    member.release(member.acquire(), PLAIN_SUCCESS)
    for _ in range(6):
        pool.now += 2.0
        grant = member.exchange()
    assert grant.over
    assert pool.record.leases == {}
    assert not member.holding.has_lease
