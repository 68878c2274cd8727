# SPDX-License-Identifier: Apache-2.0
"""What is believed of the ends of fixed windows, against servers and caches that say what is not so."""

from __future__ import annotations

import random
from math import floor, inf
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callwell.core.quota import permits, resets
from callwell.core.rules.profile import QuotaRule
from tests.core.permit_world import Fate, PermitSimulation, Plan, fullest, tightest

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.core.quota.resets import WindowEnd

W = 60.06


def learnt(*answers: tuple[float, float, float]) -> WindowEnd:
    """What is known after responses: when each request left, when its response came, and what it said."""
    end = None
    for acquired_at, now, delta_s in answers:
        end = resets.learn(end, W, acquired_at, now, delta_s, 1.0)
    assert end is not None
    return end


def busy(dice: random.Random, count: int, window_s: float) -> list[Plan]:
    """Requests that come in bursts, in a row, or all over a few windows, and are answered late at times."""
    apart = dice.choice([0.0, 0.05, 1.0, window_s / 7])
    return [
        Plan(
            i * apart if dice.random() < 0.7 else dice.random() * 6 * window_s,
            last_s=dice.choice([0.0, 0.05, 1.5, 5.0]),
            place=dice.choice([0.0, 1.0, dice.random()]),
            fate=dice.choice([Fate.ANSWERED] * 12 + [Fate.LOST]),
            up=dice.choice([True, False]),
            first=dice.random() < 0.5,
        )
        for i in range(count)
    ]


def world(limit: int, window_s: float, rate: float, says: Callable[[float, float], float | None]) -> PermitSimulation:
    """A server with fixed windows, and what it says of them."""
    quota = permits.to_quota(QuotaRule(limit=limit, window_s=window_s, window="fixed"), 5.0)
    return PermitSimulation([quota], transit_s=5.0, rate=rate, window_s=window_s, says=says)


SEEDS = st.integers(0, 2**32)
LIMITS = st.integers(1, 30)
WINDOWS = st.sampled_from([5.0, 60.0, 3600.0])
RATES = st.sampled_from([0.9995, 1.0, 1.0005])


@given(seed=SEEDS, limit=LIMITS, window_s=WINDOWS, rate=RATES, constant=st.sampled_from([0.0, 1.0, 2.0, 5.0, 59.0]))
@example(seed=1, limit=30, window_s=60.0, rate=1.0, constant=1.0)
def test_a_constant_is_never_believed(seed: int, limit: int, window_s: float, rate: float, constant: float) -> None:
    """A server that says the same in every response: no window of W, however aligned, holds more than the limit."""
    model = world(limit, window_s, rate, lambda _, __: constant)
    model.run(busy(random.Random(seed), 5 * limit + 10, window_s))
    assert tightest(model.arrivals[0], limit) >= window_s


@given(seed=SEEDS, limit=LIMITS, window_s=WINDOWS, rate=RATES, every=st.integers(1, 9), stale=st.floats(0.0, 1.0))
def test_one_stale_answer_frees_nothing_too_early(  # noqa: PLR0917 - drawn
    seed: int, limit: int, window_s: float, rate: float, every: int, stale: float
) -> None:
    """One answer in each window says what was right a while ago: no window of the server holds more than the limit."""
    old_s = stale * window_s
    seen: dict[int, int] = {}

    def says(there: float, left_s: float) -> float:
        window = floor(there / window_s)
        seen[window] = seen.get(window, 0) + 1
        return (left_s + floor(old_s)) % window_s if seen[window] == every else left_s

    model = world(limit, window_s, rate, says)
    model.run(busy(random.Random(seed), 5 * limit + 10, window_s))
    assert fullest(model.arrivals[0], window_s) <= limit


@given(seed=SEEDS, limit=LIMITS, window_s=WINDOWS, rate=RATES)
def test_two_opinions_are_none(seed: int, limit: int, window_s: float, rate: float) -> None:
    """Servers behind one name that do not agree, half a window apart: both of their windows hold the limit at most."""
    dice = random.Random(seed)
    half_s = window_s / 2

    def says(_: float, left_s: float) -> float:
        return (left_s + half_s) % window_s if dice.random() < 0.5 else left_s

    model = world(limit, window_s, rate, says)
    model.run(Plan(i * 0.1, last_s=0.1, place=dice.random(), up=True) for i in range(5 * limit + 40))
    heard_s = 8 * 0.5  # until both have spoken, mostly
    late = [at for at in model.arrivals[0] if at > heard_s]
    assert fullest(late, window_s) <= limit


@given(seed=SEEDS, limit=LIMITS, window_s=WINDOWS, dull=st.booleans())
def test_whatever_is_said_a_permit_is_used_at_most_twice_in_a_window(
    seed: int,
    limit: int,
    window_s: float,
    dull: bool,  # noqa: FBT001 - drawn
) -> None:
    """Ends are W apart: a server that says anything at all gets at most two windows' worth in one."""
    dice = random.Random(seed)
    choices = [0.0, 1.0, window_s / 3, window_s]

    def says(_: float, __: float) -> float:
        return dice.choice(choices) if dull else dice.random() * (window_s + 2.0)

    model = world(limit, window_s, 1.0, says)
    model.run(busy(dice, 6 * limit + 10, window_s))
    assert tightest(model.arrivals[0], 2 * limit) >= 0.99 * window_s


@given(seed=SEEDS, limit=st.integers(2, 30), rate=RATES)
def test_an_honest_server_is_believed(seed: int, limit: int, rate: float) -> None:
    """Calls that are always wanted use each window of the server as soon as it has begun."""
    dice = random.Random(seed)
    model = world(limit, 60.0, rate, lambda _, left_s: left_s)
    model.run(Plan(0.0 if i < limit // 2 else 3.0 + dice.random(), place=dice.random()) for i in range(4 * limit))
    assert len([at for at in model.arrivals[0] if at < 63.5]) >= 1.5 * limit - 1
    assert fullest(model.arrivals[0], 60.0) <= limit


@pytest.mark.parametrize(
    ("answers", "believed"),
    [
        ([(0.0, 0.1, 30.0)], False),
        ([(0.0, 0.1, 30.0), (1.0, 1.1, 29.0)], False),
        ([(0.0, 0.1, 30.0), (5.0, 5.1, 25.0)], True),
        ([(0.0, 0.1, 30.0), (5.0, 5.1, 30.0)], False),
        ([(0.0, 0.1, 30.0), (5.0, 5.1, 25.0), (6.0, 6.1, 50.0)], False),
        ([(0.0, 0.1, 30.0), (5.0, 5.1, 25.0), (0.0, 40.0, 30.0)], True),
        ([(0.0, 0.1, 30.0), (5.0, 5.1, 25.0), (5.0, 5.1, 90.0)], True),
        ([(0.0, 0.1, 30.0), (5.0, 5.1, 10.0), (6.0, 6.1, 24.0), (9.0, 9.1, 21.0)], False),
        ([(0.0, 0.1, 30.0), (5.0, 5.1, 10.0), (66.0, 66.1, 24.0), (69.0, 69.1, 21.0)], True),
    ],
)
def test_what_is_believed(answers: list[tuple[float, float, float]], believed: bool) -> None:  # noqa: FBT001 - a table
    """A time that was seen to run down, until it is contradicted; then nothing for a window."""
    assert learnt(*answers).believed is believed
    assert (learnt(*answers).due_at < inf) is believed


def test_what_was_due_outlives_the_first_answer_of_the_next_window() -> None:
    """The latest time of an end may be after the first response that names the next one."""
    end = learnt((0.0, 0.1, 30.0), (5.0, 5.1, 25.0), (30.2, 30.3, 60.0))
    assert not end.believed
    assert 30.0 < end.due_at < 33.0
    assert end.earliest_at > 80.0
