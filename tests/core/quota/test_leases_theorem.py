# SPDX-License-Identifier: Apache-2.0
"""A fleet never sends more than L requests in W true seconds, and no permit is lost, whatever happens.

Histories are drawn in which calls, exchanges, lost messages, crashes, pauses, a lost store and set clocks interleave.

`CALLWELL_INTERLEAVINGS` sets how many histories are played, each from a seed of its own.
"""

from __future__ import annotations

import os
import random

import pytest

from callwell.core.rules.profile import QuotaRule
from tests.core.permit_world import tightest
from tests.core.quota.lease_world import Fleet

HISTORIES = int(os.environ.get("CALLWELL_INTERLEAVINGS", "1600"))
SHARDS = 8
STEPS = 40


def draw_rules(dice: random.Random) -> dict[str, QuotaRule]:
    """A short quota and a long one, of any kind."""
    short = QuotaRule(
        limit=dice.choice([1, 3, 20]),
        window_s=dice.choice([0.5, 2.0, 10.0]),
        shape=dice.choice(["plain", "plain", "gcra"]),
        window=dice.choice(["sliding", "fixed"]),
    )
    return {"short": short, "long": QuotaRule(limit=dice.choice([5, 40]), window_s=dice.choice([60.0, 3600.0]))}


def rush(fleet: Fleet, dice: random.Random) -> None:
    """All want all that they can get."""
    names = dice.choice([("short",), ("short", "long"), ("long",)])
    for process in fleet.processes:
        while fleet.take(process, names):
            pass
        fleet.exchange(process, there_s=dice.choice([0.001, 0.02]), back_s=dice.choice([0.001, 0.02]))


def step(fleet: Fleet, dice: random.Random) -> None:
    """One thing happens."""
    process = dice.choice(fleet.processes)
    match dice.randrange(24):
        case 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12:
            rush(fleet, dice)
        case 13 | 14 | 15:
            fleet.take(process, dice.choice([("short",), ("short", "long"), ("long",)]))
        case 16 | 17 | 18:
            lost = dice.choice(["", "request", "reply"])
            there_s = dice.choice([0.001, 0.01, 2.0])
            fleet.exchange(process, there_s=there_s, back_s=dice.choice([0.001, 0.01, 2.0]), lost=lost)
        case 19:
            process.paused_until = fleet.true_s + dice.choice([1.0, 20.0])
        case 20:
            process.alive = False
            fleet.processes.remove(process)
            fleet.start()
        case 21:
            fleet.is_store_up = dice.random() < 0.7
        case 22:
            fleet.server_ahead_s += dice.choice([-3600.0, -1.0, 1.0, 86400.0])
        case _:
            fleet.pass_time(dice.choice([3.0, 12.0, 60.0]))
    fleet.pass_time(dice.choice([0.0, 0.05, 0.1, 0.3, 0.5, 0.5, 1.0]))


def play(seed: int) -> Fleet:
    """One history."""
    dice = random.Random(seed)
    rules = draw_rules(dice)
    fleet = Fleet(rules, dice, machines=dice.choice([1, 2, 3]), has_server=dice.random() < 0.7)
    for _ in range(dice.choice([1, 2, 4])):
        fleet.start()
    for _ in range(STEPS):
        step(fleet, dice)
    fleet.settle()
    for name, rule in rules.items():
        arrivals = sorted(fleet.arrivals[name])
        assert tightest(arrivals, rule.limit) >= rule.window_s, (seed, name, rule)
    return fleet


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_window_holds_more_than_the_limit_and_no_permit_is_lost(shard: int) -> None:
    """Both theorems, in histories that are drawn."""
    sent = 0
    for seed in range(shard, HISTORIES, SHARDS):
        sent += sum(map(len, play(seed).arrivals.values()))
    assert sent > HISTORIES / SHARDS
