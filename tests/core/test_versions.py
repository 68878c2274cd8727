# SPDX-License-Identifier: Apache-2.0
"""Two versions of a profile on one record: the stricter rule holds for both, and neither stands idle."""

from __future__ import annotations

import random
from math import inf
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell.core.quota import adaptive, permits, versions
from callwell.core.quota.permits import Permit
from callwell.core.rules.profile import QuotaRule
from tests.core.version_world import Version, VersionSimulation

if TYPE_CHECKING:
    from callwell.core.quota.buckets import Bucket

ONE = ("q",)


def minute(limit: int = 10, window_s: float = 10.0, **more: Any) -> QuotaRule:
    """A quota."""
    return QuotaRule(limit=limit, window_s=window_s, **more)


PAIRS: dict[str, tuple[Version, Version]] = {
    "another limit": (Version({"q": minute(10)}, ONE), Version({"q": minute(12)}, ONE)),
    "another window": (Version({"q": minute(10, 10.0)}, ONE), Version({"q": minute(10, 12.5)}, ONE)),
    "limit and window": (Version({"q": minute(10, 10.0)}, ONE), Version({"q": minute(30, 45.0)}, ONE)),
    "a shorter window": (Version({"q": minute(30, 45.0)}, ONE), Version({"q": minute(5, 5.0)}, ONE)),
    "another D": (Version({"q": minute()}, ONE), Version({"q": minute()}, ONE, transit_s=15.0)),
    "fixed and sliding": (
        Version({"q": minute(window="fixed")}, ONE),
        Version({"q": minute(window="sliding")}, ONE),
    ),
    "paced": (Version({"q": minute()}, ONE), Version({"q": minute(shape="gcra")}, ONE)),
    "a quota more": (
        Version({"q": minute(10, 10.0)}, ONE),
        Version({"q": minute(10, 10.0), "p": minute(20, 30.0)}, ("q", "p")),
    ),
    "another name": (Version({"q": minute(10)}, ONE), Version({"p": minute(8)}, ("p",))),
}


def rate(version: Version) -> float:
    """Requests a second that the version's own quotas allow."""
    return min([rule.limit / rule.window_s for rule in version.quotas.values()], default=inf)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("kind", PAIRS)
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32), late=st.sampled_from([0.0, 0.1, 4.0, 16.0]))
def test_the_stricter_rule_holds_for_both(kind: str, order: int, seed: int, late: float) -> None:
    """With both in turn no window is fuller than either allows, and most of the stricter one is used."""
    first, second = PAIRS[kind][::order]
    both = [first, second._replace(since=late)]
    world = VersionSimulation(both, random.Random(seed))
    world.run(150.0)
    for i, version in enumerate(both):
        for name in version.quotas:
            assert world.over(name, i) == []
    begun = late + 65.0  # what the first has done before is out of all windows
    assert world.count(begun, 150.0) >= 0.6 * min(map(rate, both)) * (150.0 - begun) - 2
    assert world.count(begun, 150.0, 0) > 0
    assert world.count(begun, 150.0, 1) > 0


@pytest.mark.parametrize("kind", ["another limit", "another D", "a shorter window"])
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32))
def test_nothing_is_reset(kind: str, seed: int) -> None:
    """Whoever comes second calls within one window: it need not wait as if nothing were known."""
    first, second = PAIRS[kind]
    world = VersionSimulation([first, second._replace(since=10.0)], random.Random(seed))
    world.run(100.0)
    longest = max(rule.window_s for version in (first, second) for rule in version.quotas.values())
    assert world.count(10.0, 10.0 + longest + 15.0) > 0


@settings(max_examples=5)
@given(seed=st.integers(0, 2**32))
def test_a_version_that_does_not_document_the_quota_is_bound_by_it(seed: int) -> None:
    """Its calls count as well, while the other version is there."""
    world = VersionSimulation([Version({"q": minute(10)}, ONE), Version({}, ONE, since=0.1)], random.Random(seed))
    world.run(100.0)
    assert world.over("q", 0) == []
    assert world.count(0.0, 100.0) >= 60
    assert world.count(0.0, 100.0, 1) > 0


def test_requests_of_a_quota_that_nobody_documented_count() -> None:
    """A rule that begins takes those for its own that were let out at the pace that was found."""
    item = adaptive.UNUSED_QUOTA
    for i in range(4):
        item = adaptive.acquire(item, 100.0 + i, inf, 60.0)
    for i in range(3):
        item = adaptive.release_answered(item, 100.0 + i, inf, 101.0 + i)
    assert adaptive.recent_count(item, 110.0, 120.0) == 4
    key = versions.bucket_key("q", A)
    own = {key: versions.to_versioned("q", minute(10, 60.0), A)}
    _, buckets, _ = versions.join({}, {}, {"": 0.0}, own, 110.0, hold_s=90.0, changed_at=110.0, adaptives={"q": item})
    assert buckets[key].available == 6


def test_a_version_that_is_gone_binds_nobody() -> None:
    """When all permits that it ever held are available, the others use their own limit."""
    old = Version({"q": minute(2)}, ONE, until=50.0)
    new = Version({"q": minute(20)}, ONE)
    world = VersionSimulation([old, new], random.Random(1))
    world.run(300.0)
    assert world.count(10.0, 50.0) <= 2 * 5
    assert world.count(100.0, 300.0) >= 150
    assert len(world.rules) == 1


def test_a_quota_for_some_operations_does_not_bind_who_does_not_know_it() -> None:
    """Whether the others' calls are of these operations is unknown."""
    quotas = {"q": minute(10), "uploads": minute(1, methods=())}
    world = VersionSimulation([Version({"q": minute(10)}, ONE), Version(quotas, ("q", "uploads"))], random.Random(1))
    world.run(300.0)
    assert world.count(0.0, 300.0) >= 150
    assert world.count(0.0, 300.0, 1) <= 300 / 10 + 1


ROUNDED_S = 0.1
A = permits.to_quota(minute(10, 60.0), 60.0)


def used(count: int, at: float) -> Bucket:
    """A bucket of ten a minute with so many used then."""
    bucket = permits.full_bucket(A)
    for _ in range(count):
        (bucket,), got = permits.acquire((A,), (bucket,), at)
        assert isinstance(got, Permit)
        bucket = permits.release_answered(A, bucket, got, at)
    return bucket


@pytest.mark.parametrize(
    ("limit", "window_s", "free", "at"),
    [
        (12, 60.0, 4, 160.0),
        (8, 60.0, 0, 160.0),
        (5, 60.0, -3, 160.0),
        (10, 30.0, 2, 130.0),
        (10, 3600.0, 2, 3700.0),
    ],
)
def test_what_was_used_is_known_by_another_rule(limit: int, window_s: float, free: int, at: float) -> None:
    """Eight of ten were used: by the other rule they are cool a window of its own after their responses."""
    new = permits.to_quota(minute(limit, window_s), 60.0)
    bucket = versions.convert(new, A, used(8, 100.0), 110.0)
    assert bucket.available == free
    assert permits.refill(new, bucket, at - 1.0).available == free
    assert permits.refill(new, bucket, at * 1.0011 + 3 * new.width_s + ROUNDED_S).available == limit


def test_what_a_record_has_forgotten_is_as_young_as_it_can_be() -> None:
    """Requests older than the old window still count in a longer one; no more of them than there ever were."""
    new = permits.to_quota(minute(10, 3600.0), 60.0)
    bucket = versions.convert(new, A, permits.refill(A, used(4, 100.0), 500.0), 500.0)
    assert bucket.available == 6
    assert permits.refill(new, bucket, 500.0 + 3600.0 - 61.0).available == 6
    assert permits.refill(new, bucket, 500.0 + 3610.0).available == 10


def test_what_others_spend_and_a_lower_limit_stay_known() -> None:
    """Permits that were set aside stay so, and a limit that the provider named binds the other rule as well."""
    before = used(2, 100.0)
    before = replace(
        before,
        available=before.available - 5,
        foreign=((permits.refill(A, before, 100.0).cooling[0][0], 3),),
        withheld=2,
    )
    new = permits.to_quota(minute(9, 60.0), 60.0)
    bucket = versions.convert(new, A, before, 110.0)
    assert (bucket.withheld, permits.count(bucket.foreign), bucket.available) == (1, 3, 3)


@given(
    limits=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    windows=st.tuples(st.sampled_from([5.0, 60.0]), st.sampled_from([5.0, 60.0, 3600.0])),
    transits=st.tuples(st.sampled_from([0.0, 30.0]), st.sampled_from([0.0, 60.0])),
    seed=st.integers(0, 2**32),
)
def test_every_permit_is_somewhere(
    limits: tuple[int, int], windows: tuple[float, float], transits: tuple[float, float], seed: int
) -> None:
    """Whatever becomes of the requests, the permits of the other rule add up."""
    dice = random.Random(seed)
    old, new = [permits.to_quota(minute(n, w), d) for n, w, d in zip(limits, windows, transits, strict=True)]
    bucket = permits.full_bucket(old)
    now = 0.0
    for _ in range(30):
        (bucket,), got = permits.acquire((old,), (bucket,), now, dice.choice([inf, 10.0]))
        now += dice.random() * windows[0] / 5
        if isinstance(got, Permit):
            if dice.random() < 0.5:
                bucket = permits.release_answered(old, bucket, got, now)
            else:
                bucket = permits.release_lost(old, bucket, got, now)
    bucket = versions.convert(new, old, bucket, now)
    binned = sum(permits.count(bins) for bins in (bucket.held, bucket.cooling, bucket.in_transit, bucket.foreign))
    assert bucket.available + binned == new.limit
