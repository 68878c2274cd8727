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
from tests.core.quota.lease_world import Fleet

HISTORIES = int(os.environ.get("CALLWELL_INTERLEAVINGS", "200"))
SHARDS = 8
STEPS = 10
BUSY_ROUNDS = 15


def draw_rules(dice: random.Random) -> dict[str, QuotaRule]:
    """A short quota and a long one, of any kind."""
    short = QuotaRule(
        limit=dice.choice([1, 3, 20]),
        window_s=dice.choice([0.5, 2.0, 4.0]),
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


def linger(fleet: Fleet, dice: random.Random) -> None:
    """All want more than there is for as long as permits take to come back, and ask all the time."""
    for _ in range(BUSY_ROUNDS):
        rush(fleet, dice)
        fleet.pass_time(fleet.rules["short"].window_s / 12.0)


def isolate(fleet: Fleet, dice: random.Random) -> None:
    """One does not reach the store, until its lease has ended, or until others have its permits, and goes on."""
    process = dice.choice(fleet.processes)
    process.cut_until = fleet.true_s + 80.0
    fleet.pass_time(dice.choice([9.0, 50.0, 62.0]))
    for _ in range(3):
        rush(fleet, dice)
        fleet.pass_time(0.05)


def step(fleet: Fleet, dice: random.Random) -> None:
    """One thing happens."""
    process = dice.choice(fleet.processes)
    match dice.randrange(24):
        case 0 | 1 | 2:
            linger(fleet, dice)
        case 3 | 4:
            isolate(fleet, dice)
        case 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12:
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
    return fleet


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_window_holds_more_than_the_limit_and_no_permit_is_lost(shard: int) -> None:
    """Both theorems, in histories that are drawn."""
    sent = 0
    for seed in range(shard, HISTORIES, SHARDS):
        sent += play(seed).sent
    assert sent > HISTORIES / SHARDS
