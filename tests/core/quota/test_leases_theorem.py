# SPDX-License-Identifier: Apache-2.0
"""A fleet never sends more than L requests in W true seconds, and no permit is lost, whatever happens.

Histories are drawn in which calls, exchanges, lost messages, crashes, pauses, a lost store and set clocks interleave.

`CALLWELL_INTERLEAVINGS` sets how many histories are played, each from a seed of its own.
"""

from __future__ import annotations

import os
import random

import pytest

from callwell.core.quota.lease_records import LEASE_S
from callwell.core.quota.permits import MAX_PAUSE_S, STRETCH
from callwell.core.rules.profile import QuotaRule
from tests.core.quota.lease_world import RETRY, Fleet

HISTORIES = int(os.environ.get("CALLWELL_INTERLEAVINGS", "200"))
SHARDS = 8
STEPS = 10
BUSY_ROUNDS = 12

SEVERAL_VERSIONS = 0.5
"""The part of the histories in which processes have different versions of a profile."""

KILLED = 0.5
"""The part of the processes that end without a last exchange."""

ANY_QUOTAS = [("short",), ("short", "long"), ("long",)]
METHODS = [("short", "all", "some", "found"), ("short", "all", "others", "found")]
"""The quotas of POST and of GET."""


def draw_rules(dice: random.Random) -> dict[str, QuotaRule]:
    """A short quota and a long one, of any kind."""
    short = QuotaRule(
        limit=dice.choice([1, 3, 20]),
        window_s=dice.choice([0.5, 2.0, 4.0]),
        shape=dice.choice(["plain", "plain", "gcra"]),
        window=dice.choice(["sliding", "fixed"]),
    )
    return {"short": short, "long": QuotaRule(limit=dice.choice([5, 40]), window_s=dice.choice([60.0, 3600.0]))}


def draw_versions(dice: random.Random) -> list[dict[str, QuotaRule]]:
    """Versions of a profile: quotas that count all calls or some of them, documented or not, more of them or fewer."""
    versions = []
    for _ in range(dice.choice([2, 2, 3])):
        quotas = {
            "short": QuotaRule(
                limit=dice.choice([1, 3, 10, 20]),
                window_s=dice.choice([0.5, 2.0, 4.0]),
                shape=dice.choice(["plain", "plain", "plain", "gcra"]),
                window=dice.choice(["sliding", "fixed"]),
            ),
            "all": QuotaRule(limit=dice.choice([5, 30]), window_s=dice.choice([1.0, 10.0, 60.0])),
            "some": QuotaRule(limit=dice.choice([2, 15]), window_s=dice.choice([1.0, 8.0]), methods=("POST",)),
            "others": QuotaRule(limit=dice.choice([2, 15]), window_s=dice.choice([1.0, 8.0]), methods=("GET",)),
            "found": QuotaRule(adaptive=True, window_s=1.0),
        }
        chosen = dice.choice(
            [("short",), ("short",), ("short", "all"), ("all",), ("short", "some"), ("some", "others"), ("found",)]
        )
        versions.append({name: quotas[name] for name in chosen})
    return versions


def rush(fleet: Fleet, dice: random.Random) -> None:
    """All want all that they can get."""
    kind = dice.randrange(3)
    for process in fleet.processes:
        names = process.kinds[kind % len(process.kinds)]
        while fleet.take(process, names):
            pass
        fleet.keep(process, there_s=dice.choice([0.001, 0.02]), back_s=dice.choice([0.001, 0.02]))


def linger(fleet: Fleet, dice: random.Random, rounds: int = BUSY_ROUNDS) -> None:
    """All want more than there is for as long as permits take to come back, and ask all the time."""
    for _ in range(rounds):
        rush(fleet, dice)
        fleet.pass_time(max(0.05, min(fleet.windows_s) / BUSY_ROUNDS))


def isolate(fleet: Fleet, dice: random.Random) -> None:
    """One does not reach the store, until its lease has ended, or until others have its permits, and goes on."""
    process = dice.choice(fleet.processes)
    process.cut_until = fleet.true_s + 80.0
    fleet.pass_time(dice.choice([9.0, 50.0, 62.0]))
    linger(fleet, dice, 3)


def outlast(fleet: Fleet, dice: random.Random) -> None:
    """One uses its permits as late and as long as its lease allows; others want them as soon as the pool has them."""
    process = dice.choice(fleet.processes)
    names = dice.choice(process.kinds)
    process.waiting[names] = 20
    fleet.exchange(process, there_s=dice.choice([0.001, 2.0]), back_s=dice.choice([0.001, 2.0]))
    fleet.pass_time(4.1)
    process.cut_until = fleet.true_s + 80.0
    fleet.pass_time(max(0.0, process.holding.usable_until - fleet.now(process) - 0.01))
    while fleet.take(process, names, "lost"):
        pass
    back_at = process.exchanged_at + (LEASE_S + RETRY.attempt_s + MAX_PAUSE_S)
    back_at += (min(fleet.windows_s) + RETRY.max_transit_s) * STRETCH
    fleet.pass_time(max(0.0, back_at - fleet.true_s - 0.3))
    linger(fleet, dice)


def oversleep(fleet: Fleet, dice: random.Random) -> None:
    """One sleeps until its lease is lost, and hears how its requests have ended when it uses new permits."""
    process = dice.choice(fleet.processes)
    names = dice.choice(process.kinds)
    while fleet.take(process, names, "unsent"):
        pass
    process.paused_until = fleet.true_s + dice.choice([46.0, 60.0])
    fleet.pass_time(process.paused_until - fleet.true_s + 0.05)
    for _ in range(3):
        process.waiting[names] = 20
        fleet.exchange(process, there_s=0.001, back_s=0.001)
        fleet.pass_time(0.06)
    while fleet.take(process, names, "lost"):
        pass
    fleet.pass_time(1.0)
    rush(fleet, dice)


def fail_over(fleet: Fleet, dice: random.Random) -> None:
    """The record is rolled back to an older state, and the first who comes knows more than it."""
    if any(own.adaptives for own in fleet.owns):
        # Nobody knows how many requests of undocumented quotas are forgotten.
        return
    before = fleet.record
    linger(fleet, dice, dice.choice([1, 3]))
    fleet.pass_time(0.1)
    knowing = [process for process in fleet.processes if fleet.has_seen_more(process, before)]
    if knowing:
        fleet.record = before
        fleet.exchange(dice.choice(knowing), there_s=0.0, back_s=0.01)
        linger(fleet, dice)


def call(fleet: Fleet, dice: random.Random) -> None:
    """One makes a call."""
    process = dice.choice(fleet.processes)
    fleet.take(process, dice.choice(process.kinds))


def exchange(fleet: Fleet, dice: random.Random) -> None:
    """One exchanges permits; messages are slow, or are lost."""
    lost = dice.choice(["", "request", "reply"])
    there_s = dice.choice([0.001, 0.01, 2.0])
    fleet.exchange(dice.choice(fleet.processes), there_s=there_s, back_s=dice.choice([0.001, 0.01, 2.0]), lost=lost)


def pause(fleet: Fleet, dice: random.Random) -> None:
    """One stands still."""
    dice.choice(fleet.processes).paused_until = fleet.true_s + dice.choice([1.0, 20.0])


def deploy(fleet: Fleet, dice: random.Random) -> None:
    """One ends, and another one begins, which may be of another version."""
    fleet.replace(dice.choice(fleet.processes), killed=dice.random() < KILLED)


def overlook(fleet: Fleet, dice: random.Random) -> None:
    """One does not hear for a while that another version is there, and calls on and on."""
    dice.choice(fleet.processes).cut_until = fleet.true_s + dice.choice([4.0, 9.0])
    fleet.start()
    for _ in range(BUSY_ROUNDS):
        rush(fleet, dice)
        fleet.pass_time(dice.choice([0.3, 0.6, 1.1]))


def lose_store(fleet: Fleet, dice: random.Random) -> None:
    """The store may be away, or there again."""
    fleet.is_store_up = dice.random() < 0.7


def set_clock(fleet: Fleet, dice: random.Random) -> None:
    """The server's time of day is set."""
    fleet.server_ahead_s += dice.choice([-3600.0, -1.0, 1.0, 86400.0])


def wait(fleet: Fleet, dice: random.Random) -> None:
    """Nothing happens for a while."""
    fleet.pass_time(dice.choice([3.0, 12.0, 60.0]))


EVENTS = [
    *[linger] * 3,
    *[rush] * 6,
    *[call] * 2,
    *[exchange] * 3,
    *[deploy] * 2,
    *[outlast] * 2,
    *[oversleep] * 2,
    fail_over,
    overlook,
    isolate,
    pause,
    lose_store,
    set_clock,
    wait,
]


def play(seed: int) -> Fleet:
    """One history."""
    dice = random.Random(seed)
    several = dice.random() < SEVERAL_VERSIONS
    fleet = Fleet(
        draw_versions(dice) if several else [draw_rules(dice)],
        dice,
        kinds=METHODS if several else ANY_QUOTAS,
        machines=dice.choice([1, 2, 3]),
        has_server=dice.random() < 0.7,
    )
    for _ in range(dice.choice([1, 2, 4])):
        fleet.start()
    for _ in range(STEPS):
        dice.choice(EVENTS)(fleet, dice)
        fleet.pass_time(dice.choice([0.0, 0.05, 0.1, 0.3, 0.5, 0.5, 1.0]))
    fleet.settle()
    return fleet


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_window_holds_more_than_the_limit_and_no_permit_is_lost(shard: int) -> None:
    """Both theorems, in histories that are drawn."""
    sent = 0
    for seed in range(shard, HISTORIES, SHARDS):
        sent += play(seed).sent
    assert sent > HISTORIES / SHARDS
