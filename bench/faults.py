# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a simulated fleet, at random times with fixed means."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from callwell.core.quota.permits import MAX_PAUSE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.simulated import World

DAY_S: Final = 86_400.0

KILL_EVERY_S: Final = 20.0
"""Mean seconds between two processes of the fleet that die; and so on, below."""

PAUSE_EVERY_S: Final = 30.0
CUT_EVERY_S: Final = 120.0
STORE_DOWN_EVERY_S: Final = 600.0
SET_CLOCK_EVERY_S: Final = 300.0
SET_SERVER_CLOCK_EVERY_S: Final = 3_600.0

LONGEST_CUT_S: Final = 30.0
STORE_DOWN_S: Final = 10.0


class Faults:
    """The faults of one run.

    Args:
        world: the fleet.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def plan(self) -> None:
        """Plan the first fault of each kind; each plans the next one."""
        self._again(KILL_EVERY_S, self._kill)
        self._again(PAUSE_EVERY_S, self._pause)
        self._again(CUT_EVERY_S, self._cut)
        self._again(STORE_DOWN_EVERY_S, self._stop_store)
        self._again(SET_CLOCK_EVERY_S, self._set_clock)
        self._again(SET_SERVER_CLOCK_EVERY_S, self._set_server_clock)

    def _again(self, mean_s: float, fault: Callable[[], None]) -> None:
        self._world.at(self._world.dice.expovariate(1.0 / mean_s), partial(self._happen, mean_s, fault))

    def _happen(self, mean_s: float, fault: Callable[[], None]) -> None:
        fault()
        self._again(mean_s, fault)

    def _kill(self) -> None:
        self._world.kill(self._world.dice.choice(self._world.slots))

    def _pause(self) -> None:
        """Stop a process for less than the pause that the proof allows."""
        world = self._world
        slot = world.dice.choice(world.slots)
        slot.paused_until = world.true_s + world.dice.uniform(0.1, 0.9 * MAX_PAUSE_S)

    def _cut(self) -> None:
        world = self._world
        world.dice.choice(world.machines).cut_until = world.true_s + world.dice.uniform(0.1, LONGEST_CUT_S)

    def _stop_store(self) -> None:
        self._world.store_down_until = self._world.true_s + STORE_DOWN_S

    def _set_clock(self) -> None:
        """Set a machine's time of day: right, by seconds, or by a day."""
        dice = self._world.dice
        dice.choice(self._world.machines).wall_ahead_s = dice.choice((0.0, dice.uniform(-5.0, 5.0), DAY_S, -DAY_S))

    def _set_server_clock(self) -> None:
        dice = self._world.dice
        self._world.server_ahead_s = dice.choice((0.0, dice.uniform(-5.0, 5.0), DAY_S, -DAY_S))
