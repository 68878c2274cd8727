# SPDX-License-Identifier: Apache-2.0
"""Single promises of the permits, each with its smallest example."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell.core.quota import permits
from callwell.core.quota.permits import Bucket, Permit, Quota
from callwell.core.rules.profile import QuotaRule
from tests.core.permit_world import Fate, PermitSimulation, Plan, tightest


def quota(limit: int = 1, window_s: float = 60.0, *, transit_s: float = 60.0, fixed: bool = False) -> Quota:
    """A plain quota."""
    rule = QuotaRule(limit=limit, window_s=window_s, window="fixed" if fixed else "unknown")
    return permits.to_quota(rule, transit_s)


def lend(one: Quota, bucket: Bucket, now: float, hold_s: float = inf) -> tuple[Bucket, Permit]:
    """The bucket without a permit that must be there, and the permit."""
    (after,), got = permits.acquire((one,), (bucket,), now, hold_s)
    assert isinstance(got, Permit)
    return after, got


def ready_at(one: Quota, bucket: Bucket, now: float) -> float:
    """When the next permit can be had; now, if at once."""
    _, got = permits.acquire((one,), (bucket,), now)
    return now if isinstance(got, Permit) else got


@pytest.mark.parametrize("fate", [Fate.ANSWERED, Fate.LOST, Fate.DEAD])
@pytest.mark.parametrize("window_s", [1.0, 60.0, 86_400.0])
def test_two_uses_are_a_window_apart_though_the_clock_is_fast(fate: Fate, window_s: float) -> None:
    """The latest arrival of one use and the earliest of the next: W apart on the server, at any time of day."""
    rule = quota(window_s=window_s)
    for i in range(200):
        world = PermitSimulation([rule], transit_s=60.0, rate=1.0005, hold_s=5.0)
        begin_s = 1000.0 + i * rule.width_s / 37
        world.run([Plan(begin_s, last_s=3.0, place=1.0, fate=fate), Plan(begin_s + 4.0)])
        assert tightest(world.arrivals[0], 1) >= window_s


@given(
    limit=st.sampled_from([*range(1, 33), 100, 300]),
    window_s=st.sampled_from([1.0, 10.0, 60.0, 3600.0]),
    transit_s=st.floats(0.0, 300.0),
)
def test_never_idle_under_it(limit: int, window_s: float, transit_s: float) -> None:
    """With immediate answers and a call always waiting, at least 98 % of the quota is used."""
    world = PermitSimulation([quota(limit, window_s, transit_s=transit_s)], end_s=10 * window_s)
    world.run(Plan(0.0) for _ in range(11 * limit))
    assert len([at for at in world.arrivals[0] if at < 9.95 * window_s]) >= 0.98 * 10 * limit


@given(now=st.floats(0.0, 1e9), window_s=st.floats(0.5, 1e5), others=st.integers(1, 5))
def test_the_time_to_ask_again_is_right(now: float, window_s: float, others: int) -> None:
    """At the time that `acquire` names there is a permit, and one only, for however many wait."""
    rule = quota(window_s=window_s)
    bucket, permit = lend(rule, permits.full_bucket(rule), now)
    bucket = permits.release_answered(rule, bucket, permit, now)
    at = ready_at(rule, bucket, now)
    assert now + window_s <= at <= now + window_s * 1.0021
    bucket, _ = lend(rule, bucket, at)
    for _ in range(others):
        (bucket,), got = permits.acquire((rule,), (bucket,), at)
        assert got == inf


def test_one_of_each_or_none_of_any() -> None:
    """A call that lacks one quota acquires nothing of the other."""
    many = quota(5)
    none = quota(1)
    empty, _ = lend(none, permits.full_bucket(none), 0.0)
    (left, right), got = permits.acquire((many, none), (permits.full_bucket(many), empty), 1.0)
    assert (got, left.available, right.available) == (inf, 5, 0)
    (left, right), got = permits.acquire((many, none), (left, permits.full_bucket(none)), 2.0)
    assert (isinstance(got, Permit), left.available, right.available) == (True, 4, 0)


def test_no_quota_asks_for_nothing() -> None:
    """A call without quotas gets its permit at once, and a 429 throttles nothing."""
    after, got = permits.acquire((), (), 5.0)
    assert (after, isinstance(got, Permit)) == ((), True)
    assert permits.throttle((), (), Permit(0.0, inf), 1.0, None) == ()


def test_an_unsent_permit_comes_back_cool() -> None:
    """A call that was cancelled before it was sent costs nothing."""
    rule = quota()
    bucket, permit = lend(rule, permits.full_bucket(rule), 0.0)
    assert permits.return_unused(rule, bucket, permit).available == 1
    assert ready_at(rule, permits.return_unused(rule, bucket, permit), 0.0) == 0.0


def test_a_dead_holder_loses_its_permit_for_a_while_only() -> None:
    """A permit that is never released comes back at the end of its hold and W + D, not before."""
    rule = quota(window_s=10.0, transit_s=5.0)
    bucket, _ = lend(rule, permits.full_bucket(rule), 0.0, hold_s=3.0)
    assert 18.0 <= ready_at(rule, bucket, 1.0) <= 18.1


@pytest.mark.parametrize("end", ["answered", "lost", "unused"])
def test_a_permit_never_comes_back_twice(end: str) -> None:
    """A permit that has expired is not released again by its late holder, whatever became of the request."""
    rule = quota(2, window_s=10.0, transit_s=5.0)
    bucket, permit = lend(rule, permits.full_bucket(rule), 0.0, hold_s=3.0)
    bucket = permits.refill(rule, bucket, 30.0)
    match end:
        case "answered":
            after = permits.release_answered(rule, bucket, permit, 31.0)
        case "lost":
            after = permits.release_lost(rule, bucket, permit, 31.0)
        case _:
            after = permits.return_unused(rule, bucket, permit)
    assert (after.available, after.held, after.cooling, after.in_transit) == (2, (), (), ())


def test_an_unknown_past_begins_cooling() -> None:
    """A bucket that lost its record has nothing for W + D, and then everything."""
    rule = quota(7, window_s=10.0, transit_s=5.0)
    bucket = permits.cooling_bucket(rule, 100.0)
    at = ready_at(rule, bucket, 100.0)
    assert 115.0 <= at <= 115.2
    assert permits.refill(rule, bucket, at).available == 7


def test_a_million_permits_are_few_bins() -> None:
    """A million permits that cool, in transit or not, are at most 1,025 bins of each kind."""
    rule = quota(1_000_000, window_s=60.0, transit_s=3600.0)
    bucket = replace(permits.full_bucket(rule), available=0, held=((permits.NEVER, 1_000_000),))
    permit = Permit(0.0, inf)
    for i in range(20_000):
        now = 1000.0 + i * 60.06 / 20_000
        bucket = permits.release_answered(rule, bucket, permit, now)
        bucket = permits.release_lost(rule, bucket, permit, 1000.0 + i * 3663.0 / 20_000)
    assert 900 <= len(bucket.cooling) <= 1025
    assert 900 <= len(bucket.in_transit) <= 1025


def test_resets_are_learnt_of_fixed_windows_only() -> None:
    """A plain quota learns nothing from a reset, and a fixed one nothing that cannot be of its window."""
    plain = quota()
    fixed = quota(fixed=True)
    assert permits.learn_reset(plain, permits.full_bucket(plain), Permit(0.0, inf), 1.0, 5.0) == permits.full_bucket(
        plain
    )
    assert permits.learn_reset(fixed, permits.full_bucket(fixed), Permit(0.0, inf), 1.0, 90.0) == permits.full_bucket(
        fixed
    )
    learnt = permits.learn_reset(fixed, permits.full_bucket(fixed), Permit(0.0, inf), 1.0, 5.0)
    assert learnt != permits.full_bucket(fixed)
    assert permits.learn_reset(fixed, learnt, Permit(0.0, inf), 1.0, 90.0) == learnt


def test_a_reset_frees_what_is_cooling_already() -> None:
    """Permits that were answered before the earliest reset come back at the latest; those in transit do not."""
    rule = quota(3, fixed=True)
    bucket, permit = lend(rule, permits.full_bucket(rule), 0.0)
    bucket, _ = lend(rule, bucket, 0.0)
    bucket, _ = lend(rule, bucket, 0.0)
    bucket = permits.release_answered(rule, bucket, permit, 1.0)
    bucket = permits.release_lost(rule, bucket, permit, 1.0)
    bucket = permits.learn_reset(rule, bucket, permit, 2.0, 10.0)
    assert ready_at(rule, bucket, 2.0) > 60.0  # one response is not proof
    bucket = permits.learn_reset(rule, bucket, Permit(4.5, inf), 5.0, 7.0)
    assert 13.0 <= ready_at(rule, bucket, 2.0) <= 13.2
    assert permits.refill(rule, permits.release_answered(rule, bucket, permit, 8.5), 13.2).available == 2
    bucket = permits.release_answered(rule, bucket, permit, 9.5)
    assert permits.refill(rule, bucket, 13.2).available == 1
    assert permits.refill(rule, bucket, 69.7).available == 2
    assert permits.refill(rule, bucket, 121.5).available == 3


def test_a_record_of_another_boot_is_moved_and_never_early() -> None:
    """Moved by any time, permits are available no earlier than they were, less that time, and at most a bin later."""
    rule = quota(window_s=10.0, transit_s=5.0)
    bucket, permit = lend(rule, permits.full_bucket(rule), 100.0)
    bucket = permits.release_answered(rule, bucket, permit, 100.0)
    for by in (-99.99, -0.001, 0.0, 7.3, 1e6):
        at = ready_at(rule, permits.shift(rule, bucket, by), 100.0 + by)
        before = ready_at(rule, bucket, 100.0)
        assert before + by - 1e-9 <= at <= before + by + rule.width_s + 1e-9
