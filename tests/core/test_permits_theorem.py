# SPDX-License-Identifier: Apache-2.0
"""The two theorems of the permits, against traffic that does its worst within what they allow.

1. No window of W server seconds, half-open and however aligned, holds more than L arrivals.
2. Where windows are fixed and responses name their resets: no window of the server holds more than L arrivals.

Both need that a request arrives between its sending and its response, or at most D after its connection was closed;
that a holder has closed its connection `hold_s` after it acquired the permit; and clocks that differ by up to 500 ppm.
"""

from __future__ import annotations

import random
from math import inf

from hypothesis import example, given
from hypothesis import strategies as st

from callwell.core.quota import permits
from callwell.core.rules.profile import QuotaRule
from tests.core.permit_world import Fate, PermitSimulation, Plan, fullest, tightest

RATES = st.sampled_from([0.9995, 1.0, 1.0005])
EDGES = st.sampled_from([0.0, 1.0]) | st.floats(0.0, 1.0)
HOLD_S = 12.0

plans = st.lists(
    st.builds(
        Plan,
        start_s=st.sampled_from([0.0, 0.0, 5.0]) | st.floats(0.0, 300.0),
        prep_s=st.sampled_from([0.0, 1.0]),
        last_s=st.sampled_from([0.0, 0.5, 10.0]) | st.floats(0.0, 10.0),
        place=EDGES,
        fate=st.sampled_from([Fate.ANSWERED, *Fate]),
        quotas=st.sampled_from([(0,), (1,), (0, 1), (1, 0)]),
        wait_s=st.none() | st.floats(0.0, 30.0),
    ),
    max_size=40,
)

WORST = [
    Plan(0.0, last_s=3.0, place=1.0),
    Plan(0.0, last_s=2.0, fate=Fate.LOST, place=1.0),
    Plan(0.0, place=1.0, fate=Fate.DEAD),
    Plan(0.0, last_s=80.0, place=1.0, fate=Fate.LATE),
    Plan(0.0, last_s=8.0, place=1.0, fate=Fate.LEFT),
    Plan(0.0, last_s=8.0, place=1.0, fate=Fate.FORGOTTEN),
    *(Plan(float(i), place=0.0) for i in range(300)),
]


@given(
    plans=plans,
    limits=st.tuples(st.integers(1, 4), st.integers(1, 6)),
    windows=st.tuples(st.sampled_from([1.0, 7.0, 60.0]), st.sampled_from([1.0, 61.0, 3600.0])),
    transit_s=st.sampled_from([0.0, 5.0, 60.0]),
    rate=RATES,
    cold=st.booleans(),
)
@example(plans=WORST, limits=(4, 4), windows=(60.0, 61.0), transit_s=60.0, rate=1.0005, cold=False)
@example(plans=WORST, limits=(4, 4), windows=(1.0, 1.0), transit_s=60.0, rate=1.0005, cold=False)
@example(plans=WORST, limits=(4, 4), windows=(7.0, 7.0), transit_s=60.0, rate=0.9995, cold=True)
def test_no_window_holds_more_than_the_limit(  # noqa: PLR0917 - drawn
    plans: list[Plan],
    limits: tuple[int, int],
    windows: tuple[float, float],
    transit_s: float,
    rate: float,
    cold: bool,  # noqa: FBT001 - drawn
) -> None:
    """Theorem 1, for two quotas at once, with every end that a request can have."""
    rules = [QuotaRule(limit=n, window_s=w) for n, w in zip(limits, windows, strict=True)]
    quotas = [permits.to_quota(rule, transit_s) for rule in rules]
    world = PermitSimulation(quotas, transit_s=transit_s, rate=rate, hold_s=HOLD_S, cold=cold)
    world.run(plans)
    for rule, arrivals in zip(rules, world.arrivals, strict=True):
        assert tightest(arrivals, rule.limit) >= rule.window_s


def busy(dice: random.Random, count: int, *, start_s: float = 0.0, each_s: float = 0.0) -> list[Plan]:
    """Requests that mostly go well, as many as there are permits for, with arrivals at the edges."""
    fates = [Fate.ANSWERED] * 16 + [Fate.LOST, Fate.UNSENT, Fate.DEAD, Fate.LATE, Fate.LEFT, Fate.FORGOTTEN]
    return [
        Plan(
            start_s + i * each_s,
            last_s=dice.choice([0.0, 0.1, 2.0]),
            place=dice.choice([0.0, 1.0, dice.random()]),
            fate=dice.choice(fates),
        )
        for i in range(count)
    ]


@given(seed=st.integers(), limit=st.integers(1, 30), window_s=st.sampled_from([1.0, 10.0, 60.0]), rate=RATES)
def test_a_queue_that_never_ends_stays_within_the_quota(seed: int, limit: int, window_s: float, rate: float) -> None:
    """Theorem 1, when every permit is acquired again at the very moment at which it is available."""
    quota = permits.to_quota(QuotaRule(limit=limit, window_s=window_s), 60.0)
    world = PermitSimulation([quota], transit_s=60.0, rate=rate, hold_s=HOLD_S)
    world.run(busy(random.Random(seed), 4 * limit + 40))
    assert tightest(world.arrivals[0], limit) >= window_s


@given(
    seed=st.integers(),
    limit=st.integers(1, 8),
    window_s=st.sampled_from([5.0, 60.0, 3600.0]),
    rate=RATES,
    slow=st.sampled_from([0.3, 1.0, 3.0]),
)
def test_no_fixed_window_holds_more_than_the_limit(
    seed: int, limit: int, window_s: float, rate: float, slow: float
) -> None:
    """Theorem 2: resets rounded up or down to whole seconds, late ones, and those of windows that are over."""
    dice = random.Random(seed)
    quota = permits.to_quota(QuotaRule(limit=limit, window_s=window_s, window="fixed"), 5.0)
    world = PermitSimulation([quota], transit_s=5.0, rate=rate, window_s=window_s)
    fates = [Fate.ANSWERED] * 9 + [Fate.LOST]
    world.run(
        Plan(
            0.0 if dice.random() < 0.5 else dice.random() * 20 * window_s,
            last_s=dice.choice([0.0, 0.01, dice.random() * slow * window_s]),
            place=dice.choice([0.0, 1.0, dice.random()]),
            fate=dice.choice(fates),
            up=dice.choice([True, False, None]),
            first=dice.random() < 0.5,
        )
        for _ in range(30 * limit)
    )
    assert fullest(world.arrivals[0], window_s) <= limit


def test_a_reset_announced_long_before_allows_for_a_slow_clock() -> None:
    """A response that seems to come before a reset an hour ahead, by a clock 500 ppm slow, came after it."""
    quota = permits.to_quota(QuotaRule(limit=2, window_s=3600.0, window="fixed"), 5.0)
    world = PermitSimulation([quota], rate=0.9995, window_s=3600.0)
    world.run([Plan(0.0, up=True), Plan(3598.3, up=None), Plan(3600.0, up=None), Plan(3600.0, up=None)])
    assert fullest(world.arrivals[0], 3600.0) <= 2


def test_a_reset_announced_too_late_frees_nothing_of_the_new_window() -> None:
    """A response that took 20 s speaks of a window that is over: what was answered since stays cooling."""
    quota = permits.to_quota(QuotaRule(limit=3, window_s=60.0, window="fixed"), 5.0)
    world = PermitSimulation([quota], window_s=60.0)
    asked = [Plan(50.0, last_s=20.0, place=0.495, up=True), Plan(60.5, up=None), Plan(61.0, up=None)]
    world.run(asked + [Plan(71.0, up=None)] * 4)
    assert fullest(world.arrivals[0], 60.0) <= 3


def test_the_reset_shortcut_is_worth_something() -> None:
    """Once the time was seen to run down, permits come back a second after the reset at most, not a window later."""
    quota = permits.to_quota(QuotaRule(limit=5, window_s=60.0, window="fixed"), 60.0)
    world = PermitSimulation([quota], window_s=60.0)
    world.run([Plan(52.0) for _ in range(4)] + [Plan(55.0)] + [Plan(55.5) for _ in range(5)])
    assert all(60.0 <= at <= 55.0 + 5.0 + 1.0 + 0.1 for at in world.arrivals[0][5:])


def test_a_day_quota_for_a_year() -> None:
    """A year of a day's quota, always wanted, with losses and deaths: never over it, and well used."""
    limit = 40
    day_s = 86_400.0
    quota = permits.to_quota(QuotaRule(limit=limit, window_s=day_s), 60.0)
    world = PermitSimulation([quota], transit_s=60.0, rate=1.0005, hold_s=HOLD_S, end_s=365 * day_s)
    world.run(busy(random.Random(1), 20_000, each_s=365 * day_s / 20_000))
    assert tightest(world.arrivals[0], limit) >= day_s
    assert len(world.arrivals[0]) >= 0.95 * limit * 365


def test_a_thousand_processes_share_one_record() -> None:
    """A thousand holders on one record for 12 minutes, one in five lost, dead or late: never over 600 a minute."""
    limit = 600
    minutes = 12
    quota = permits.to_quota(QuotaRule(limit=limit, window_s=60.0), 30.0)
    world = PermitSimulation([quota], transit_s=30.0, rate=1.0005, hold_s=HOLD_S, end_s=60.0 * minutes)
    world.run(busy(random.Random(2), 670 * minutes, each_s=60.0 / 670))
    assert tightest(world.arrivals[0], limit) >= 60.0
    assert len(world.arrivals[0]) > 0.6 * limit * minutes


def test_the_world_sees_too_many() -> None:
    """Half-open windows: L + 1 arrivals within W are seen, and L + 1 over exactly W are allowed."""
    assert tightest([0.0, 1.0, 59.9], 2) < 60.0
    assert tightest([0.0, 1.0, 60.0], 2) >= 60.0
    assert tightest([0.0], 1) == inf
    assert fullest([59.9, 60.0, 61.0], 60.0) == 2
