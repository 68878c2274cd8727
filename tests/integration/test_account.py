# SPDX-License-Identifier: Apache-2.0
"""The record of an account outlives reboots, clocks that jump, and its own damage, always on the side of caution."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from callwell.core.quota.lease_records import LEASE_S
from callwell.core.quota.permits import Permit
from callwell.core.quota.record import SendEnd
from callwell.core.types import Outcome
from callwell.providers import load
from callwell.state import open_state
from tests.integration.leased import Process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.state.base import State

NAMES = ("minute", "day")
LIMIT = 120
MINUTES = 2
STEP_S = 0.5
TIGHT = 0.2
"""Seconds by which bins and the stretched window may let a permit cool longer than a minute."""


@dataclass
class HandClock:
    """Two clocks that are set by hand."""

    mono: float = 5_000.0
    time: float = 1_800_000_000.0

    def now(self) -> float:
        """Monotonic seconds."""
        return self.mono

    def wall(self) -> float:
        """Seconds since the epoch."""
        return self.time

    def real_s(self, seconds: float) -> float:
        """As they are."""
        return seconds

    def __str__(self) -> str:
        return "hand"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The state's file."""
    return tmp_path / "state.db"


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    """A state in a file."""
    opened = open_state(f"sqlite:///{path}")
    yield opened
    opened.close()


def account(state: State, clock: HandClock, boot: str = "first") -> Process:
    """An account as a process of that boot sees it."""
    return Process(load("userplane").profile, state, clock, boot=boot)


def use_up(using: Process) -> None:
    """Every permit of the minute is used, and its response has come at once; then the process ends."""
    for _ in range(LIMIT):
        permit = using.acquire(NAMES)
        assert isinstance(permit, Permit)
        using.release(NAMES, permit, SendEnd(Outcome.DONE, 200))
    using.leave()


def waits(asking: Process, clock: HandClock) -> float:
    """For how many seconds nothing is available."""
    got = asking.acquire(NAMES)
    if isinstance(got, Permit):
        asking.account.return_unused(NAMES, got)
        asking.leave()
        return 0.0
    return got - clock.now()


def test_a_minute_is_a_minute(state: State) -> None:
    """Without any reboot: another process waits for the rest of the minute, and no longer."""
    clock = HandClock()
    use_up(account(state, clock))
    clock.mono += 20.0
    clock.time += 20.0
    assert waits(account(state, clock), clock) == pytest.approx(40.0, abs=TIGHT)


def test_two_processes_use_one_quota_up(state: State) -> None:
    """Both want all that they can get: no minute has more than the limit, and none of it stays unused for long."""
    clock = HandClock()
    both = [account(state, clock) for _ in range(2)]
    times = list[float]()
    done = [0, 0]
    for _ in range(int(MINUTES * 60.0 / STEP_S)):
        for number, one in enumerate(both):
            permit = one.acquire(NAMES, waiting=8)
            if isinstance(permit, Permit):
                one.release(NAMES, permit, SendEnd(Outcome.DONE, 200))
                times.append(clock.mono)
                done[number] += 1
        clock.mono += STEP_S
        clock.time += STEP_S
    assert min(late - early for early, late in zip(times, times[LIMIT:], strict=False)) >= 60.0
    assert len(times) > 0.9 * MINUTES * LIMIT
    assert min(done) > len(times) / 3


@pytest.mark.parametrize("uptime", [1.0, 4_000.0, 1_000_000.0])
@pytest.mark.parametrize("away", [10.0, 59.0])
def test_a_reboot_is_no_new_minute(state: State, away: float, uptime: float) -> None:
    """However long the machine is up again: what was used `away` seconds ago by the wall clock still cools."""
    use_up(account(state, HandClock()))
    clock = HandClock(uptime, HandClock().time + away)
    after = account(state, clock, boot="second")
    assert waits(after, clock) == pytest.approx(60.0 - away, abs=TIGHT)
    assert after.spent()["minute"] == (LIMIT, LIMIT)
    clock.mono += 60.0 - away + TIGHT
    clock.time += 60.0 - away + TIGHT
    assert waits(after, clock) == 0.0


def test_a_long_absence_is_a_new_minute_but_not_a_new_day(state: State) -> None:
    """After an hour off the minute is cool again, and the day remembers."""
    use_up(account(state, HandClock()))
    clock = HandClock(30.0, HandClock().time + 3_600.0)
    after = account(state, clock, boot="second")
    assert after.spent() == {"minute": (0, LIMIT), "day": (LIMIT, 10_000)}
    assert waits(after, clock) == 0.0


@pytest.mark.parametrize("back_s", [3_600.0, 1_000_000_000.0])
def test_a_wall_clock_that_was_set_back_blocks_for_a_minute_at_most(state: State, back_s: float) -> None:
    """A machine that wakes up in its own past takes the record to be of just now, not of years to come."""
    use_up(account(state, HandClock()))
    clock = HandClock(30.0, HandClock().time - back_s)
    assert waits(account(state, clock, boot="second"), clock) == pytest.approx(60.0, abs=TIGHT)


def test_monotonic_seconds_that_begin_anew_are_another_boot(state: State) -> None:
    """Without a name of the boot, a monotonic clock that went back shows it."""
    use_up(account(state, HandClock()))
    clock = HandClock(30.0, HandClock().time + 10.0)
    assert waits(account(state, clock), clock) == pytest.approx(50.0, abs=TIGHT)


def test_a_permit_that_was_held_at_the_crash_comes_back(state: State) -> None:
    """Permits of a process that died with its machine are held while its requests may be under way, and no longer."""
    held = account(state, HandClock())
    for _ in range(LIMIT):
        held.acquire(NAMES)
    clock = HandClock(30.0, HandClock().time + 10.0)
    longest = LEASE_S + 60.0 + 30.0 + 60.0 + 60.0  # attempt, P, W, D
    asking = account(state, clock, boot="second")
    assert waits(asking, clock) == inf  # as far as anybody knows, its requests may be answered at any time
    for passed_s, is_back in ((longest - 12.0, False), (4.0, True)):
        clock.mono += passed_s
        clock.time += passed_s
        assert isinstance(asking.acquire(NAMES), Permit) is is_back


def test_a_damaged_record_starts_cooling(state: State, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What was used is unknown: nothing is available as long as it can matter, which is logged; then all is."""
    clock = HandClock()
    use_up(account(state, clock))
    with sqlite3.connect(path) as direct:
        direct.execute("UPDATE cells SET value = ?", (b"\xc1garbage",))
    direct.close()
    after = account(state, clock)
    assert after.spent() == {"minute": (LIMIT, LIMIT), "day": (10_000, 10_000)}
    with caplog.at_level(logging.WARNING, "callwell"):
        assert waits(after, clock) == pytest.approx(86_400.0 + 60.0, rel=0.003)
    assert f"the record fleet:x of {path} is damaged" in caplog.text
    assert waits(after, clock) > 86_400.0
    minute = after.acquire(("minute",))
    assert isinstance(minute, float)
    assert minute - clock.now() == pytest.approx(120.0, abs=TIGHT)
    clock.mono += minute - clock.now() + TIGHT
    assert isinstance(after.acquire(("minute",)), Permit)


def test_a_profile_of_other_limits_knows_what_was_used(state: State) -> None:
    """Its own limit is twice as high: while the other version may be there, the stricter one holds."""
    clock = HandClock()
    use_up(account(state, clock))
    profile = load("userplane").profile
    wider = {name: replace(rule, limit=rule.limit * 2) for name, rule in profile.quotas.items()}
    other = Process(replace(profile, quotas=wider), state, clock, boot="first")
    assert waits(other, clock) == pytest.approx(60.0, abs=TIGHT)
    clock.mono += 60.2
    assert waits(other, clock) == 0.0
    assert other.spent()["minute"] == (0, 2 * LIMIT)
