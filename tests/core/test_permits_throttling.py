# SPDX-License-Identifier: Apache-2.0
"""What a 429 does: one quota is throttled, and its permits come back one by one."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.core.quota import permits
from callwell.core.quota.permits import Bucket, Permit
from callwell.core.rules.profile import QuotaRule
from tests.core.permit_world import PermitSimulation, Plan

MINUTE = permits.to_quota(QuotaRule(limit=60, window_s=60.0), 60.0)
HOUR = permits.to_quota(QuotaRule(limit=600, window_s=3600.0), 60.0)
BOTH = (HOUR, MINUTE)

W = 60.0 * permits.STRETCH


def fresh() -> tuple[Bucket, ...]:
    """The buckets of both quotas, untouched."""
    return tuple(map(permits.full_bucket, BOTH))


def refused(buckets: tuple[Bucket, ...], sent_at: float, now: float, wait_s: float | None = None) -> tuple[Bucket, ...]:
    """The buckets after a 429 to a request that was sent then."""
    return permits.throttle(BOTH, buckets, Permit(sent_at, inf), now, wait_s)


def throttled(buckets: tuple[Bucket, ...]) -> tuple[float, float]:
    """Until when the hour and the minute are throttled."""
    return buckets[0].throttled_until, buckets[1].throttled_until


def test_a_time_throttles_the_shortest_quota_until_then() -> None:
    """`Retry-After: 17` keeps the minute's permits back for 17 s and the hour's not at all."""
    assert throttled(refused(fresh(), 0.0, 1.0, 17.0)) == (-inf, 18.0)


def test_without_a_time_it_grows() -> None:
    """1 s; the whole window; the next longer quota, twice as long each time up to its own window; for ever."""
    buckets = refused(fresh(), 0.0, 1.0)
    now = 1.0
    assert throttled(buckets) == (-inf, 2.0)
    buckets = refused(buckets, 2.0, 3.0)
    now = 3.0
    assert throttled(buckets) == (-inf, now + W)
    for row in range(3, 2000):
        now += 10_000.0
        buckets = refused(buckets, now - 1.0, now)
        assert throttled(buckets)[0] == now + min(HOUR.window_s, W * 2.0 ** min(row - 2, 60))
        assert throttled(buckets)[1] == 3.0 + W


def test_a_row_of_refusals_with_times_does_not_break_the_next_without() -> None:
    """However many 429 came in a row, one without a time throttles the longer quota for its window at most."""
    buckets = fresh()
    for i in range(2000):
        buckets = refused(buckets, float(i), i + 0.5, 0.0)
    assert throttled(refused(buckets, 2000.0, 2000.5))[0] == 2000.5 + HOUR.window_s


def test_a_single_quota_is_throttled_for_its_window_at_most() -> None:
    """Without a longer quota, a row of 429 throttles the only one for one window each time."""
    buckets: tuple[Bucket, ...] = (permits.full_bucket(MINUTE),)
    for now in (10.0, 20.0, 30.0, 40.0):
        buckets = permits.throttle((MINUTE,), buckets, Permit(now - 1.0, inf), now, None)
    assert buckets[0].throttled_until == 40.0 + W


def test_answers_to_older_requests_are_the_same_refusal() -> None:
    """A hundred requests that were under way together and refused together count as one."""
    buckets = refused(fresh(), 0.0, 10.0)
    for i in range(100):
        buckets = refused(buckets, 9.0, 10.0 + i / 100)
    assert (buckets[1].throttle_count, throttled(buckets)) == (1, (-inf, 11.0))


def test_a_shorter_wait_does_not_unpark() -> None:
    """Of two times that answers name, the later one holds."""
    assert throttled(refused(refused(fresh(), 0.0, 1.0, 50.0), 0.5, 2.0, 1.0)) == (-inf, 51.0)


@pytest.mark.parametrize(("sent_at", "row"), [(0.5, 1), (1.0, 0), (3.0, 0)])
def test_a_success_ends_the_row(sent_at: float, row: int) -> None:
    """A response that is no 429 ends the row, if its request was sent after the refusal."""
    bucket = refused(fresh(), 0.0, 1.0)[1]
    held, _ = permits.acquire((MINUTE,), (bucket,), 0.0)
    assert permits.release_answered(MINUTE, held[0], Permit(sent_at, inf), 4.0).throttle_count == row
    assert permits.release_answered(MINUTE, held[0], Permit(sent_at, inf), 4.0, ok=False).throttle_count == 1


@given(wait_s=st.floats(0.0, 300.0), limit=st.integers(1, 50), window_s=st.sampled_from([1.0, 60.0, 3600.0]))
def test_permits_come_back_one_by_one(wait_s: float, limit: int, window_s: float) -> None:
    """Nothing before the time; from then on, for a window, the quota's rate with a few steps' grace, not a herd."""
    result = permits.to_quota(QuotaRule(limit=limit, window_s=window_s), 0.0)
    world = PermitSimulation([result])
    bucket = permits.throttle((result,), (permits.full_bucket(result),), Permit(0.0, inf), 1.0, wait_s)[0]
    world.buckets = [bucket]
    world.run(Plan(2.0) for _ in range(limit))
    begin_s = max(2.0, 1.0 + wait_s)
    for i, at in enumerate(world.grants):
        assert at >= begin_s
        if at < 1.0 + wait_s + window_s:
            assert i <= permits.CATCH_UP + 1 + (at - begin_s) / result.step_s
    assert world.grants[-1] <= begin_s + window_s * 1.002


@pytest.mark.parametrize(
    "rule", [QuotaRule(limit=10, window_s=60.0, shape="gcra"), QuotaRule(limit=10, window_s=60.0, burst=3)]
)
def test_other_shapes_are_always_let_out_evenly(rule: QuotaRule) -> None:
    """A quota that is not a window of L is paced from its first permit on, and its rate is used."""
    world = PermitSimulation([permits.to_quota(rule, 60.0)], end_s=600.0)
    world.run(Plan(0.0) for _ in range(200))
    steps = [b - a for a, b in zip(world.grants, world.grants[1:], strict=False)]
    assert min(steps) >= 6.0 - 1e-9
    assert len(world.grants) >= 0.98 * 100
