# SPDX-License-Identifier: Apache-2.0
"""Where the time comes from: the machine's clocks, or the same clocks run faster.

Everything above the core takes its time from a `Clock`, so that a demo, a test and an emulator in another process can
share one faster clock. A scaled clock is pure arithmetic on the machine's monotonic clock, which all processes of one
boot have in common: its description (`25@ORIGIN@WALL`) is all that another process needs to tell the same time.
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple, Protocol

from callwell.errors import InvalidOption

MAX_SCALE: Final = 1000.0


class Clock(Protocol):
    """Seconds that only grow, seconds since the epoch, and how long they really take."""

    def now(self) -> float:
        """Monotonic seconds, comparable between the processes of one boot."""
        ...

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        ...

    def real_s(self, seconds: float) -> float:
        """Real seconds that pass while `seconds` of this clock pass."""
        ...


class SystemClock:
    """The machine's own clocks."""

    __slots__ = ()

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)

    def real_s(self, seconds: float) -> float:
        """Real seconds are this clock's own."""
        return seconds

    def __str__(self) -> str:
        return "1"


class ScaledClock(NamedTuple):
    """The machine's monotonic clock from `origin` on, `scale` times as fast; `wall_origin` is the time of day there."""

    scale: float
    origin: float
    wall_origin: float

    def now(self) -> float:
        """Scaled monotonic seconds."""
        return self.origin + (time.monotonic() - self.origin) * self.scale

    def wall(self) -> float:
        """Scaled seconds since the epoch, without the steps of the machine's own wall clock."""
        return self.wall_origin + (time.monotonic() - self.origin) * self.scale

    def real_s(self, seconds: float) -> float:
        """Real seconds that pass while `seconds` of this clock pass."""
        return seconds / self.scale

    def __str__(self) -> str:
        return f"{self.scale:g}@{self.origin!r}@{self.wall_origin!r}"


def scaled_clock(scale: float) -> ScaledClock:
    """A clock that starts at the present and runs `scale` times as fast as the machine's."""
    return ScaledClock(scale, time.monotonic(), time.time())


def parse_clock(text: str | None) -> Clock:
    """The clock that `str(clock)` described.

    Args:
        text: `SCALE` (a scaled clock from now on), `SCALE@ORIGIN@WALL` (one that another process started), or nothing
            (the machine's clock).

    Raises:
        InvalidOption: the text describes no clock.
    """
    if not text or text == "1":
        return SystemClock()
    try:
        scale, *origins = (float(part) for part in text.split("@"))
    except ValueError:
        scale, origins = 0.0, []
    if not 0.0 < scale <= MAX_SCALE or len(origins) not in (0, 2):
        raise InvalidOption("clock", text, f"a scale up to {MAX_SCALE:g}, or SCALE@ORIGIN@WALL as `emulate` prints it")
    return ScaledClock(scale, *origins) if origins else scaled_clock(scale)
