# SPDX-License-Identifier: Apache-2.0
"""Where the time comes from: the machine's clocks, or the same clocks run faster.

Everything above the core takes its time from a `Clock`, so that a demo, a test and an emulator in another process can
share one faster clock. A scaled clock is pure arithmetic on the machine's monotonic clock, which all processes of one
boot have in common: its description (`25@ORIGIN@WALL`) is all that another process needs to tell the same time.

**Which clock.** Spans are measured by CLOCK_MONOTONIC, which stands still while the machine sleeps, and not by
CLOCK_BOOTTIME, which goes on. The time limits of requests run by the former, so a request that sleeps with the machine
lives longer by BOOTTIME than its permit would; by MONOTONIC both sleep. Permits then come back late, never early.

**Time namespaces.** A container may have one, with a monotonic clock of its own on the same boot. Its offset from the
machine's clock is taken out, so that all containers that share a state tell the same time. Where the offset cannot be
known, the namespace is part of the clock's identity, and records of other clocks are moved by the time of day.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SCALE: Final = 1000.0

BOOT_FILE: Final = Path("/proc/sys/kernel/random/boot_id")

NAMESPACES: Final = Path("/proc/self/ns")

OFFSETS_FILE: Final = Path("/proc/self/timens_offsets")
"""The offsets of the namespace in which this process's children will be: mostly its own."""


def offset_s(offsets: str) -> float:
    """By how many seconds the monotonic clock of a time namespace is ahead of the machine's.

    Args:
        offsets: what Linux says of the namespace: lines of a clock's name, seconds, and nanoseconds.
    """
    for line in offsets.splitlines():
        name, *numbers = line.split()
        if name in ("monotonic", "1"):
            seconds, nanoseconds = (int(number) for number in numbers)
            return seconds + nanoseconds / 1e9
    return 0.0


def _offset_here() -> float | None:
    """The offset of this process's time namespace; None if it has one that cannot be known."""
    try:
        here = (NAMESPACES / "time").readlink()
    except OSError:
        return 0.0  # a kernel without time namespaces
    try:
        return (
            offset_s(OFFSETS_FILE.read_text("ascii")) if here == (NAMESPACES / "time_for_children").readlink() else None
        )
    except (OSError, ValueError):
        return None


_OFFSET: Final = _offset_here()


def _monotonic(offset: float | None) -> Callable[[], float]:
    if not offset:
        return time.monotonic
    return lambda: time.monotonic() - offset


monotonic: Final = _monotonic(_OFFSET)
"""Monotonic seconds of this machine, the same in all its time namespaces."""


def boot_id() -> str:
    """What monotonic seconds count from: this boot of this machine, as far as it says so."""
    try:
        name = BOOT_FILE.read_text(encoding="ascii").strip()
    except OSError:
        name = "boot"
    if _OFFSET is not None and _offset_here() == _OFFSET:
        return name
    try:
        return f"{name} {(NAMESPACES / 'time').readlink()}"
    except OSError:
        return name


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

    now = staticmethod(monotonic)
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
        return self.origin + (monotonic() - self.origin) * self.scale

    def wall(self) -> float:
        """Scaled seconds since the epoch, without the steps of the machine's own wall clock."""
        return self.wall_origin + (monotonic() - self.origin) * self.scale

    def real_s(self, seconds: float) -> float:
        """Real seconds that pass while `seconds` of this clock pass."""
        return seconds / self.scale

    def __str__(self) -> str:
        return f"{self.scale:g}@{self.origin!r}@{self.wall_origin!r}"


def scaled_clock(scale: float) -> ScaledClock:
    """A clock that starts at the present and runs `scale` times as fast as the machine's."""
    return ScaledClock(scale, monotonic(), time.time())


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
