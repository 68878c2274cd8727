# SPDX-License-Identifier: Apache-2.0
"""A rolling deployment in virtual time: no version of a profile stops the others, and the stricter rule is used up."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest

from bench.simulated import Scenario, World
from bench.windows import fullest, used_share
from callwell.core.quota.resets import STRETCH
from callwell.core.rules.profile import QuotaRule

BEGIN_S = 12.0
"""When the first process of the other version begins; the last one does so two seconds later."""

INFORMED_S = 5.0
"""Seconds after that until all processes have heard of all quotas: two exchanges at the longest interval."""

Quotas = dict[str, QuotaRule]


def five(limit: int = 20, window_s: float = 5.0, **more: str) -> QuotaRule:
    """A quota of five seconds."""
    return QuotaRule(limit=limit, window_s=window_s, **more)  # type: ignore[arg-type]


PAIRS: dict[str, tuple[Quotas, Quotas]] = {
    "another limit": ({"q": five()}, {"q": five(15)}),
    "a longer window": ({"q": five()}, {"q": five(30, 10.0)}),
    "a short one, and a long one more": ({"q": five(20, 1.0)}, {"q": five(12, 1.0), "more": five(40, 10.0)}),
    "another name": ({"q": five()}, {"p": five(15)}),
    "paced": ({"q": five()}, {"q": five(shape="gcra")}),
    "fixed": ({"q": five()}, {"q": five(window="fixed")}),
}

LEAST_USED = {"a short one, and a long one more": 0.82, "paced": 0.86}
"""The least share of the stricter rule that is used, else 0.9. Where all have its version they use 0.83 and 0.92: an
exchange takes long in a window of a second, and paced permits go one by one."""


def deploy(pair: tuple[Quotas, Quotas], processes: int) -> World:
    """Two processes of several get the other version, one after the other, while all want everything."""
    world = World(
        Scenario(
            processes=processes,
            greedy=processes,
            machines=2,
            limit=1,
            window_s=1.0,
            small_share=0.0,
            virtual_s=80.0,
            faulty=False,
            seed=3,
            workers=4,
            answer_s=(0.01, 0.1),
            versions=pair,
        )
    )
    for i, slot in enumerate(world.slots[:2]):
        world.at(BEGIN_S + 2.0 * i, partial(world.upgrade, slot, 1))
    world.run()
    return world


@pytest.mark.parametrize(("order", "processes"), [(1, 3), (-1, 3), (1, 2)])
@pytest.mark.parametrize("kind", PAIRS)
def test_calls_go_on_and_the_stricter_rule_is_used(kind: str, order: int, processes: int) -> None:
    """All get the other version, or one keeps the old one: no pause is longer than the longer of two windows."""
    first, second = PAIRS[kind][::order]
    pair = (first, second)
    world = deploy(pair, processes)
    arrivals = sorted(world.arrivals)
    longest_s = max(rule.window_s for quotas in pair for rule in quotas.values())
    after = [at for at in arrivals if at >= BEGIN_S - longest_s]
    pauses = [b - a for a, b in pairwise(after)]
    assert max(pauses) < longest_s + 2.0
    # The old version binds the others until no request of it can be under way.
    rules = [rule for quotas in pair for rule in quotas.values()]
    informed_at = BEGIN_S + 2.0 + INFORMED_S
    informed = [at for at in arrivals if at >= informed_at]
    assert [rule for rule in rules if fullest(informed, rule.window_s) > rule.limit] == []
    strictest = min(rules, key=lambda rule: rule.limit / rule.window_s)
    begin = informed_at + 2.0 * longest_s
    used = used_share(arrivals, strictest.limit, strictest.window_s * STRETCH, begin, world.scenario.virtual_s)
    assert used >= LEAST_USED.get(kind, 0.9)
