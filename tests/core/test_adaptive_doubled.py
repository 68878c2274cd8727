# SPDX-License-Identifier: Apache-2.0
"""A capacity that doubles is used soon: the longer nothing is refused, the faster the rate grows."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.core.adaptive_world import AdaptiveSimulation, Provider

SEEN_S = 10.0
"""Over so many seconds a rate is measured, or over a whole window where that is longer."""


def used_after_s(world: AdaptiveSimulation, since: float, capacity: float, window_s: float) -> float:
    """In how many seconds nine tenths of a capacity are used."""
    after = window_s
    while world.rates(since + after - window_s, since + after)[0] < 0.9 * capacity:
        after += 1.0
        world.run(since + after)
    return after


@pytest.mark.parametrize(
    ("name", "whole", "more", "capacity", "within_s"),
    [
        # Seen with many seeds: 21 to 34 s (36 to 112 s when the rate grew by 0.2 % a second at first, and then by 2 %).
        ("sliding", 20, {}, 40.0, 45.0),
        ("sliding", 20, {"names_wait": True}, 40.0, 45.0),
        # 32 to 49 s (43 to 125 s).
        ("refuse_above", 25, {"service_s": 1.0}, 50.0, 65.0),
        ("refuse_above", 25, {"service_s": 1.0, "names_wait": True}, 50.0, 65.0),
        # 62 to 99 s (87 to 127 s): no more than the window in which it doubles and the next one.
        ("minute", 1000, {}, 2000 / 60, 130.0),
        ("minute", 1000, {"names_wait": True}, 2000 / 60, 130.0),
    ],
)
@pytest.mark.parametrize("at", [200.0, 217.0])
def test_a_capacity_that_doubled_is_used_soon(  # noqa: PLR0917 - a table
    name: str, whole: int, more: dict[str, Any], capacity: float, within_s: float, at: float
) -> None:
    """Nine tenths of it within less than a minute, or two windows, and hardly a refusal more."""
    hidden: dict[str, Any] = {name: whole, **more}
    world = AdaptiveSimulation(Provider(random.Random(3), **hidden))
    world.run(at)
    setattr(world.provider, name, 2 * whole)
    window_s = 60.0 if name == "minute" else SEEN_S
    assert used_after_s(world, at, capacity, window_s) <= within_s
    assert world.rates(0.0, at)[1] < 0.02
    assert world.rates(at, world.now)[1] < 0.01
