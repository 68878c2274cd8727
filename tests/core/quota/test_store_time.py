# SPDX-License-Identifier: Apache-2.0
"""Store time is never faster than true time, whoever changes the record and whatever is done to a time of day."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from callwell.core.quota.store_time import ANCHOR_S, TOLERANCE_S, ClockReading, StoreTime, advance

DAY_S = 86_400.0
WALL_S = 1.8e9
SERVER_S = 1.7e9
BOOTS = {"a": 500.0, "b": 9e6, "c": 3.0}
STEPS = [-DAY_S, DAY_S]


class Change(NamedTuple):
    """A change of the record.

    Attributes:
        true_s: when, in true seconds.
        boot: of the machine that makes it.
        wall_off_s: by how much its time of day is wrong.
        server_off_s: the same of the server's; None where there is none.
        back_s: by how much its monotonic clock went back, as it began again.
    """

    true_s: float
    boot: str = "a"
    wall_off_s: float = 0.0
    server_off_s: float | None = None
    back_s: float = 0.0

    @property
    def clocks(self) -> ClockReading:
        """What its clocks say."""
        server = self.server_off_s
        return ClockReading(
            boot=self.boot,
            monotonic=BOOTS[self.boot] + self.true_s - self.back_s,
            wall=WALL_S + self.true_s + self.wall_off_s,
            server_wall=None if server is None else SERVER_S + self.true_s + server,
        )


def play(changes: list[Change]) -> tuple[StoreTime, bool]:
    """Store time after changes, and whether the last one may have lost time; it is never ahead of true time."""
    time = StoreTime()
    stepped = False
    for change in changes:
        before = time.at
        time, stepped = advance(time, change.clocks)
        assert before <= time.at <= change.true_s - changes[0].true_s
    return time, stepped


def joined(*, server_off_s: float | None = None) -> list[Change]:
    """Two boots that both know the record."""
    return [Change(at, boot, 0.0, server_off_s) for at, boot in [(0.0, "a"), (1.0, "b"), (2.0, "a"), (3.0, "b")]]


@pytest.mark.parametrize("off_s", [-DAY_S, -5.0, 0.0, 5.0, DAY_S])
@pytest.mark.parametrize("has_server", [True, False])
def test_one_boot_goes_by_its_monotonic_clock(off_s: float, *, has_server: bool) -> None:
    """Whatever is done to any time of day, exactly, and without doubt."""
    server = off_s if has_server else None
    time, stepped = play([Change(0.0, server_off_s=0.0 if has_server else None), Change(100.0, "a", off_s, server)])
    assert (time.at, stepped, time.doubt_s) == (100.0, False, 0.0)


@pytest.mark.parametrize("server_off_s", [None, 0.0])
def test_boots_that_agree_lose_nothing(server_off_s: float | None) -> None:
    """The shared time of day and the own clock say the same."""
    changes = [*joined(server_off_s=server_off_s), Change(20.0, "a", 0.0, server_off_s)]
    time, stepped = play(changes)
    assert (time.at, stepped, time.doubt_s) == (20.0, False, 2.0 * TOLERANCE_S)


@pytest.mark.parametrize("off_s", STEPS)
def test_a_time_of_day_that_was_set_moves_nothing(off_s: float) -> None:
    """The change that finds out moves nothing, nor does the next one of the other boot, which makes a new anchor."""
    found_out = [*joined(), Change(10.0, "a", off_s)]
    time, stepped = play(found_out)
    assert (time.at, stepped) == (3.0, True)
    others = [*found_out, Change(12.0, "b", off_s)]
    time, stepped = play(others)
    assert (time.at, stepped) == (3.0, True)
    time, stepped = play([*others, Change(14.0, "a", off_s), Change(15.0, "b", off_s)])
    assert (time.at, stepped) == (6.0, False)


@pytest.mark.parametrize("later_off_s", [*STEPS, 0.0])
@pytest.mark.parametrize("off_s", STEPS)
def test_the_last_boot_finds_out_for_the_others(off_s: float, later_off_s: float) -> None:
    """Its own monotonic clock decides for it; the anchors of others are worth nothing from then on."""
    changes = [*joined(), Change(10.0, "b", off_s)]
    time, stepped = play(changes)
    assert (time.at, stepped) == (10.0, False)
    time, stepped = play([*changes, Change(11.0, "a", later_off_s)])
    assert (time.at, stepped) == (10.0, True)


@pytest.mark.parametrize("off_s", STEPS)
def test_a_server_that_was_set(off_s: float) -> None:
    """A failover to a server with another time of day moves nothing."""
    time, stepped = play([*joined(server_off_s=0.0), Change(10.0, "a", 0.0, off_s)])
    assert (time.at, stepped) == (3.0, True)


@pytest.mark.parametrize(
    ("wall_off_s", "server_off_s", "at"),
    [
        (0.0, 0.0, 50.0),
        (0.0, None, 50.0),
        (DAY_S, 0.0, 0.0),
        (-DAY_S, 0.0, 0.0),
        (0.0, DAY_S, 0.0),
        (0.0, -DAY_S, 0.0),
        (-TOLERANCE_S / 2, 0.0, 50.0 - TOLERANCE_S / 2),
        (0.0, -TOLERANCE_S / 2, 50.0 - TOLERANCE_S / 2),
        (-DAY_S, None, 0.0),
    ],
)
def test_a_boot_that_was_never_seen(wall_off_s: float, server_off_s: float | None, at: float) -> None:
    """The least of the server's time of day and its own, and nothing where they contradict each other or went back."""
    first = Change(0.0, "a", 0.0, None if server_off_s is None else 0.0)
    time, stepped = play([first, Change(50.0, "c", wall_off_s, server_off_s)])
    assert time.at == pytest.approx(at, abs=1e-6)
    assert stepped


def test_a_machine_that_began_anew_is_taken_for_a_new_one() -> None:
    """Its monotonic clock went back, so its anchor says nothing."""
    time, stepped = play([*joined(), Change(40.0, "b", back_s=40.0)])
    assert time.at == pytest.approx(40.0)
    assert stepped


@pytest.mark.parametrize(("before", "after"), [(0.0, None), (None, 0.0)])
def test_a_server_without_a_time_of_day_for_once(before: float | None, after: float | None) -> None:
    """Times of day of two clocks are not compared as if they were one."""
    time, stepped = play([*joined(server_off_s=before), Change(10.0, "a", 0.0, after)])
    assert (time.at, stepped) == (3.0, True)


def test_a_witness_that_lags_holds_time_back() -> None:
    """A time of day that was set by less than the tolerance moves no more than the boot's own clock allows."""
    time, _ = play([*joined(), Change(10.0, "a", TOLERANCE_S * 0.9)])
    assert time.at == pytest.approx(10.0)


def test_anchors_are_made_anew() -> None:
    """Two clocks that drift apart by little do not contradict each other in the end."""
    drift_s = 0.78 * TOLERANCE_S
    turns = [Change(10.0 + i * (ANCHOR_S + 1.0), "ab"[i % 2], i * drift_s) for i in range(60)]
    time, stepped = play([*joined(), *turns])
    assert time.at == pytest.approx(turns[-1].true_s, abs=TOLERANCE_S)
    assert not stepped
