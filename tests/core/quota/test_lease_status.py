# SPDX-License-Identifier: Apache-2.0
"""Who holds what: a record that stands still is shown as it is by now, by the clock that knows best."""

from __future__ import annotations

import pytest

from callwell.core.breaker import CLOSED, FAILURE_THRESHOLD, Breaker
from callwell.core.quota import buckets
from callwell.core.quota.adaptive import AdaptiveQuota
from callwell.core.quota.lease_records import FleetRecord, Grant, Lease, SlotGrant
from callwell.core.quota.lease_status import HeldQuota, status
from callwell.core.quota.record import AccountRecord, to_account_quotas
from callwell.core.quota.store_time import ClockReading, StoreTime
from callwell.core.rules.profile import QuotaRule, RetryRule

RULES = {"minute": QuotaRule(limit=100, window_s=60)}
OWN = to_account_quotas(RULES, RetryRule(attempt_s=10, max_transit_s=5))
KEY = OWN.keys["minute"]
QUOTA = OWN.documented["minute"]
AT = 1_000.0
LEASE = Lease(ends_at=AT + 10, covers_s=40, counts={KEY: 12}, unused={KEY: 9}, needs={KEY: 7})
FREE_AT = AT + 10 + 40 + 60 + 5


def record(breaker: Breaker = CLOSED, *, holder: str = "x") -> FleetRecord:
    """A pool with 12 permits that somebody holds, 20 that cool for 30 s, and 8 set aside or withheld."""
    bucket = buckets.Bucket(
        available=60,
        held=((buckets.transit_bin(QUOTA, AT + 50), 12),),
        cooling=((buckets.cool_bin(QUOTA, AT + 30), 20),),
        foreign=((buckets.cool_bin(QUOTA, AT + 500), 5),),
        withheld=3,
        throttled_until=AT + 4,
    )
    account = AccountRecord(buckets={KEY: bucket}, rules=OWN.rules, breaker=breaker)
    time = StoreTime(at=AT, boot="here", monotonic=50.0, wall=7_000.0, server_wall=9_000.0)
    return FleetRecord(account=account, leases={holder: LEASE}, time=time)


def after(seconds: float) -> ClockReading:
    """The clocks of the machine that changed the record last."""
    return ClockReading("here", 50.0 + seconds, 7_000.0)


def test_permits_and_times() -> None:
    """At the change, when the lease has ended, and when its permits are free."""
    fleet = record(holder="web-1:4711:ab12")
    now = status(fleet, after(0.0))
    (quota,) = now.quotas
    assert (quota.quota, quota.limit, quota.window_s, quota.throttled_s) == ("minute", 100, 60.0, 4.0)
    assert (quota.free, quota.cooling, quota.held, quota.spent_by_others, quota.withheld) == (60, 20, 12, 5, 3)
    (holder,) = now.holders
    assert (holder.process, holder.ends_in_s) == ("web-1:4711", 10.0)
    (hand,) = holder.hands
    assert hand == HeldQuota("minute", 100, permits=12, in_flight=3, needs=7, free_in_s=hand.free_in_s)
    assert hand.free_in_s == pytest.approx(FREE_AT - AT, abs=1.0)

    later = status(fleet, after(31.0))
    (quota,) = later.quotas
    assert (quota.free, quota.cooling, quota.held, quota.throttled_s) == (80, 0, 12, 0.0)
    assert later.holders[0].ends_in_s == -21.0

    end = status(fleet, after(120.0))
    (quota,) = end.quotas
    assert (quota.free, quota.held, end.holders) == (92, 0, ())


@pytest.mark.parametrize(
    "clocks",
    [
        after(31.0),
        ClockReading("there", 3.0, 7_031.0),
        ClockReading("there", 3.0, 99_999.0, server_wall=9_031.0),
    ],
    ids=["same boot", "time of day", "server"],
)
def test_clocks(clocks: ClockReading) -> None:
    """A machine that never changed the record goes by the server's time of day, or by its own if there is no server."""
    assert status(record(), clocks).holders[0].ends_in_s == pytest.approx(-21.0)


def test_a_clock_that_went_back() -> None:
    """No time has passed then."""
    assert status(record(), ClockReading("there", 3.0, 0.0)).holders[0].ends_in_s == 10.0


@pytest.mark.parametrize(
    ("breaker", "shown"),
    [
        (Breaker(failures=FAILURE_THRESHOLD - 1), ("closed", 0.0)),
        (Breaker(failures=FAILURE_THRESHOLD, open_until=AT + 5), ("open", 5.0)),
        (Breaker(failures=FAILURE_THRESHOLD, open_until=AT - 1), ("half-open", 0.0)),
    ],
)
def test_breakers(breaker: Breaker, shown: tuple[str, float]) -> None:
    """Closed, open for so long, or tried by one request."""
    now = status(record(breaker), after(0.0))
    assert (now.breaker, now.breaker_open_s) == shown


def test_undocumented_quotas() -> None:
    """Slots that were just given are not in use yet."""
    grant = Grant(seq=1, slots={"all": SlotGrant(slots=2)})
    lease = Lease(ends_at=AT + 10, covers_s=40, slots={"all": 5}, unused={"all": 1}, needs={"all": 4}, grant=grant)
    state = AdaptiveQuota(rate=12.5, limit=20.7, held=((int(AT) + 60, 5),), paused_until=AT + 2)
    fleet = FleetRecord(AccountRecord(adaptives={"all": state}), {"x": lease}, StoreTime(at=AT, boot="here"))
    now = status(fleet, ClockReading("here", 0.0, 0.0))
    (quota,) = now.undocumented
    assert (quota.quota, quota.rate, quota.limit, quota.held, quota.throttled_s) == ("all", 12.5, 20, 5, 2.0)
    assert now.holders[0].hands == (HeldQuota("all", None, permits=5, in_flight=2, needs=4, free_in_s=50.0),)
