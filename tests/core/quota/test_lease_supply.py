# SPDX-License-Identifier: Apache-2.0
"""What may go of a pool, how it is divided, and who begins with how much."""

from __future__ import annotations

from math import inf

import pytest

from callwell.core.quota import holder_exchange, holdings, leases
from callwell.core.quota.buckets import Bucket, cool_bin, to_quota
from callwell.core.quota.fair_share import water_level
from callwell.core.quota.lease_records import FleetRecord
from callwell.core.quota.lease_supply import even_supply, hand_out, offer
from callwell.core.quota.record import to_account_quotas
from callwell.core.quota.store_time import ClockReading
from callwell.core.rules.profile import QuotaRule, RetryRule

QUOTA = to_quota(QuotaRule(limit=600, window_s=10.0), 0.0)
NAMES = ("calls",)


@pytest.mark.parametrize(
    ("needs", "supply", "level"),
    [
        ([], 0.0, inf),
        ([1, 2, 9, 9], 11.0, 4.0),
        ([1, 2, 9, 9], 21.0, inf),
        ([5, 5], 0.0, 0.0),
        ([5, 5], -3.0, 0.0),
        ([0.5, 1000.0], 10.0, 9.5),
    ],
)
def test_water_level(needs: list[float], supply: float, level: float) -> None:
    """Small needs are met, and what is left is split evenly among the others."""
    assert water_level(needs, supply) == level


@pytest.mark.parametrize(
    ("available", "cooling_in_s", "least", "most"),
    [
        (600, (), 70.0, 80.0),
        (0, (8.5,), 0.0, 1.0),
        (60, (8.5,), 7.0, 9.0),
        (0, (0.1,), 70.0, 80.0),
    ],
)
def test_permits_go_no_faster_than_can_be_kept_up(
    available: int, cooling_in_s: tuple[float, ...], least: float, most: float
) -> None:
    """All that is there is spread over the window; before a bunch of permits is cool, only what there is."""
    cooling = tuple([(cool_bin(QUOTA, at), 600 - available) for at in cooling_in_s])
    supply = even_supply(QUOTA, Bucket(available=available, cooling=cooling), 0, 0.0)
    assert least <= supply <= most


def test_permits_change_hands_with_the_time_at_which_they_are_cool() -> None:
    """Those that are cool first go first, after those that stay for others."""
    bucket = Bucket(available=3, cooling=((cool_bin(QUOTA, 0.3), 2), (cool_bin(QUOTA, 2.0), 5)))
    assert offer(QUOTA, bucket, 0.0, 0.5) == 5
    left, grant = hand_out(QUOTA, bucket, 2, 0.0, skip=2)
    assert (grant.available, sum([n for _, n in grant.cooling])) == (1, 1)
    assert all(in_s >= 0.3 for in_s, _ in grant.cooling)
    assert left.available == 2
    assert left.cooling == ((cool_bin(QUOTA, 0.3), 1), (cool_bin(QUOTA, 2.0), 5))


@pytest.mark.parametrize(
    ("rule", "waiting", "least", "most"),
    [
        (QuotaRule(limit=6000, window_s=60.0), 1, 400, 402),
        (QuotaRule(limit=120, window_s=60.0), 1, 8, 10),
        (QuotaRule(limit=100_000, window_s=86_400.0), 1, 97, 99),
        (QuotaRule(limit=120, window_s=60.0), 1000, 120, 120),
        (QuotaRule(limit=800, window_s=3600.0), 1000, 700, 700),
    ],
)
def test_a_process_that_begins_alone_gets_a_reserve_or_all_that_it_wants(
    rule: QuotaRule, waiting: int, least: int, most: int
) -> None:
    """Several seconds' worth; a whole window where callers wait for it, and of a long window all but an eighth."""
    own = to_account_quotas({NAMES[0]: rule}, RetryRule())
    holding = holdings.open_holding("p", own)
    holding, report = holder_exchange.prepare(holding, own, {NAMES: waiting}, 5.0)
    _, grant = leases.exchange(FleetRecord(), report, own, ClockReading("boot", 5.0, 1e9))
    (given,) = grant.buckets.values()
    assert least <= given.available <= most
