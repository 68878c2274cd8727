# SPDX-License-Identifier: Apache-2.0
"""How fast this machine is now, so that a clock which runs faster than the machine's never outruns the processes.

A test on a clock 25 times as fast gives a process 40 ms of real time for a second of its own. On a machine with busy
neighbours that is not enough, and what the test finds would depend on its share of the processor. So such a clock is
slowed down by as much as the machine is slow: a fixed amount of work is timed when the clock is made.
"""

from __future__ import annotations

import hashlib
import time
from functools import cache
from typing import Final

WORK: Final = bytes(1 << 20)
ROUNDS: Final = 24
NOMINAL_S: Final = 0.04
"""What the work takes on an idle machine of 2026 with two virtual cores."""

STEPS: Final = 4
"""Steps in which the figure grows by one: clocks of the same scale are the same, and an emulator can be used again."""

LASTS_S: Final = 10.0
"""For how long a figure is believed: to find it takes forty milliseconds of processor time, and many tests want it."""

SLOWEST: Final = 8.0
"""A test takes at most this many times as long: longer runs would not be waited for."""


def slowness() -> float:
    """By how much the machine is slower than it would be if it were idle; at least 1."""
    return _measured(int(time.monotonic() / LASTS_S))


@cache
def _measured(_period: int) -> float:
    began = time.perf_counter()
    for _ in range(ROUNDS):
        hashlib.sha256(WORK).digest()
        sum(range(20_000))
    taken = (time.perf_counter() - began) / NOMINAL_S
    return min(SLOWEST, max(1.0, round(taken * STEPS) / STEPS))


def scale(idle: float) -> float:
    """The scale of a clock for a test.

    Args:
        idle: the scale on an idle machine.
    """
    return max(1.0, idle / slowness())


def clock(idle: float) -> str:
    """The same as an emulator takes it."""
    return f"{scale(idle):g}"
