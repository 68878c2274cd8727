# SPDX-License-Identifier: Apache-2.0
"""A quota that is new to a fleet, and holders that have permits and have not heard of it: each permit is somewhere.

`Member.exchange` compares what the pool and the holder believe, for each bucket.
"""

from __future__ import annotations

import pytest

from callwell.core.quota.permits import MAX_PAUSE_S
from callwell.core.quota.record import PLAIN_SUCCESS, SendEnd
from callwell.core.rules.profile import QuotaRule
from callwell.core.types import Outcome
from tests.core.quota.lease_members import ATTEMPT_S, RETRY, Member, Pool, quotas

LOST = SendEnd(Outcome.UNKNOWN)
COVERS_S = ATTEMPT_S + MAX_PAUSE_S

Q20 = {"q": QuotaRule(limit=20, window_s=5.0)}
READS_AND_WRITES = {
    "reads": QuotaRule(limit=20, window_s=5.0, methods=("GET",)),
    "writes": QuotaRule(limit=20, window_s=5.0, methods=("POST",)),
}


def free(pool: Pool, key: str) -> int:
    """Permits of a bucket that can be used at once."""
    return pool.record.account.buckets[key].available


@pytest.mark.parametrize(
    ("old", "new", "later_s"),
    [
        (Q20, {"q": QuotaRule(limit=8, window_s=5.0)}, 0.0),
        (Q20, {"q": QuotaRule(limit=30, window_s=12.0)}, 0.0),
        (Q20, {"q": QuotaRule(limit=30, window_s=2.0)}, 0.0),
        (Q20, {"p": QuotaRule(limit=10, window_s=5.0)}, 0.0),
        (Q20, Q20 | {"p": QuotaRule(limit=300, window_s=30.0)}, 0.0),
        (Q20, {"q": QuotaRule(adaptive=True), "p": QuotaRule(limit=10, window_s=5.0)}, 0.0),
        (READS_AND_WRITES, {"p": QuotaRule(limit=30, window_s=5.0)}, COVERS_S),
        ({"q": QuotaRule(adaptive=True)}, {"q": QuotaRule(limit=10, window_s=5.0)}, 0.0),
    ],
)
@pytest.mark.parametrize("lost_replies", [0, 2])
def test_permits_come_back_as_soon_as_they_are_cool(
    old: dict[str, QuotaRule], new: dict[str, QuotaRule], later_s: float, lost_replies: int
) -> None:
    """A holder that goes on renewing its lease keeps none, and none is free while its request counts."""
    pool = Pool()
    holder = Member(pool, "old", quotas(old), tuple(old))
    holder.exchange(6)
    permits = []
    for _ in range(3):
        # An undocumented quota lets them go one by one.
        pool.now += 0.2
        permits.append(holder.acquire())
    ended, lost, in_flight = permits
    holder.release(ended)
    holder.release(lost, LOST)
    comer = Member(pool, "new", quotas(new), tuple(new))
    comer.exchange(1)
    rules = quotas(new).rules
    assert all(free(pool, key) <= rule.quota.limit - 3 for key, rule in rules.items())
    for _ in range(lost_replies):
        pool.answer(holder.ask(), holder.own)
        pool.now += 0.5
    for _ in range(2):
        holder.exchange()
        pool.now += 0.5
    holder.release(in_flight, PLAIN_SUCCESS)
    ended_at = pool.now
    longest_s = max(rule.quota.window_s for rule in rules.values())
    while pool.now < ended_at + longest_s + RETRY.max_transit_s + later_s + 2.0:
        holder.exchange()
        comer.exchange()
        pool.now += 0.5
    comer.exchange()
    assert {key: free(pool, key) + comer.holding.record.buckets[key].available for key in rules} == {
        key: rule.quota.limit for key, rule in rules.items()
    }


def test_a_version_that_comes_back_begins_anew() -> None:
    """What a holder has of its quota from before means nothing then."""
    pool = Pool()
    other = {"q": QuotaRule(limit=8, window_s=5.0)}
    steady = Member(pool, "steady", quotas(Q20), ("q",))
    steady.exchange(1)
    Member(pool, "guest", quotas(other), ("q",)).exchange(leaving=True)
    steady.exchange(1)
    assert len(steady.holding.record.buckets) == 2
    while len(pool.record.account.rules) == 2:
        pool.now += 2.0
        before = pool.record
        steady.exchange(4)
    # The answer with which it would have heard of the end is lost, and so the report comes again.
    pool.record = before
    report = steady.ask(4)
    grant = pool.answer(report, steady.own)
    Member(pool, "guest again", quotas(other), ("q",)).exchange(1)
    steady.receive(grant)
    steady.exchange(4)
    assert len(steady.holding.record.buckets) == 2
    assert steady.holding.lost <= 1
