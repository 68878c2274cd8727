# SPDX-License-Identifier: Apache-2.0
"""An undocumented quota is found, used, and hardly ever overstepped."""

from __future__ import annotations

import random
from math import inf
from typing import Any

import pytest

from callwell.core.quota import adaptive
from callwell.core.quota.permits import AtLatest
from tests.core.adaptive_world import AdaptiveSimulation, Provider


def world(**hidden: Any) -> AdaptiveSimulation:
    """A provider with hidden limits, and who calls it."""
    return AdaptiveSimulation(Provider(random.Random(1), **hidden))


@pytest.mark.parametrize(
    ("hidden", "capacity", "begins_s", "least", "most"),
    [
        ({"refuse_above": 50, "service_s": 1.0}, 50.0, 60.0, 0.9, 0.01),
        ({"refuse_above": 50, "service_s": 1.0, "names_wait": True}, 50.0, 90.0, 0.85, 0.01),
        ({"sliding": 37}, 37.0, 60.0, 0.9, 0.01),
        ({"sliding": 37, "names_wait": True}, 37.0, 60.0, 0.95, 0.01),
        ({"minute": 1000}, 1000 / 60, 180.0, 0.9, 0.02),
        ({"minute": 1000, "names_wait": True}, 1000 / 60, 180.0, 0.95, 0.01),
    ],
)
def test_a_hidden_limit_is_found(
    hidden: dict[str, Any], capacity: float, begins_s: float, least: float, most: float
) -> None:
    """Within a few windows nearly all is used, and next to nothing refused."""
    model = world(**hidden)
    model.run(begins_s + 300.0)
    done, refused = model.rates(begins_s, begins_s + 300.0)
    assert done >= least * capacity
    assert refused < most


def test_a_provider_that_gets_slow_is_not_flooded() -> None:
    """All its workers are busy, and the queue before them stays short."""
    model = world(workers=50, service_s=1.0)
    model.run(600.0)
    done, refused = model.rates(60.0, 600.0)
    assert done > 0.95 * 50
    assert refused == 0.0
    assert model.provider.most_inside < 100


@pytest.mark.parametrize(("name", "capacity"), [("refuse_above", 50), ("sliding", 40)])
def test_half_the_capacity_goes_and_comes_back(name: str, capacity: int) -> None:
    """Both are noticed, at the price of few refusals."""
    model = world(**{name: capacity, "service_s": 1.0 if name == "refuse_above" else 0.1})
    for until, now in ((200.0, capacity // 2), (480.0, capacity), (800.0, capacity)):
        model.run(until)
        setattr(model.provider, name, now)
    assert model.rates(320.0, 480.0)[0] > 0.85 * capacity / 2
    assert model.rates(640.0, 800.0)[0] > 0.85 * capacity
    assert model.rates(200.0, 800.0)[1] < 0.02


def test_a_refusal_that_names_a_time_is_obeyed() -> None:
    """Nothing goes before; after a second refusal in a row one goes, and the others wait for what comes of it."""
    state = adaptive.acquire(adaptive.UNUSED_QUOTA, 0.0, inf, 60.0)
    state = adaptive.release_throttled(state, 0.0, inf, 1.0, 30.0)
    assert adaptive.available_at(state, 1.0) == 31.0
    state = adaptive.acquire(state, 31.0, inf, 60.0)
    state = adaptive.release_throttled(state, 31.0, inf, 32.0, 30.0)
    assert adaptive.available_at(state, 32.0) == 62.0
    state = adaptive.acquire(state, 62.0, inf, 60.0)
    waits = adaptive.available_at(state, 63.0)
    assert (waits, type(waits)) == (122.0, AtLatest)
    state = adaptive.release_answered(state, 62.0, inf, 63.0)
    assert adaptive.available_at(state, 63.0) <= 63.0


def test_refusals_of_one_moment_cut_once() -> None:
    """Answers to requests that left before the first refusal came are part of it."""
    item = adaptive.UNUSED_QUOTA
    for at in (0.0, 0.1, 0.2):
        item = adaptive.acquire(item, at, inf, 60.0)
    for at in (0.0, 0.1, 0.2):
        item = adaptive.release_throttled(item, at, inf, 1.0, None)
    assert item.rate == adaptive.REFUSAL_CUT * adaptive.FIRST_RATE
    assert item.refusals == 1


def test_requests_of_a_dead_holder_come_back() -> None:
    """In a shared record they are in flight only for as long as they can be."""
    item = adaptive.UNUSED_QUOTA
    for i in range(20):
        item = adaptive.acquire(item, i / 10, i / 10 + 90.0, 90.0)
    assert type(adaptive.available_at(item, 10.0)) is AtLatest
    item = adaptive.expire(item, 93.0)
    assert adaptive.in_flight(item) == 0
    assert adaptive.available_at(item, 93.0) <= 93.0
    moved = adaptive.shift(adaptive.acquire(item, 93.0, 183.0, 90.0), 1000.0)
    assert adaptive.in_flight(adaptive.expire(moved, 1182.0)) == 1
    assert adaptive.in_flight(adaptive.expire(moved, 1185.0)) == 0
