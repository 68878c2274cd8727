# SPDX-License-Identifier: Apache-2.0
"""The source of time: the machine's clocks, or the same clocks accelerated.

Everything above the core takes its time from a `Clock`, so that a demo, a test and an emulator in another process can
share one faster clock. A scaled clock is pure arithmetic on the machine's monotonic clock, which all processes of one
boot share: its text (`25@ORIGIN@WALL`) is all that another process needs for the same time.

**Which clock.** Spans are measured with CLOCK_MONOTONIC, which stands still while the machine sleeps, not with
CLOCK_BOOTTIME, which continues. Request timeouts use MONOTONIC too: with BOOTTIME, a request that sleeps with the
machine would outlive its permit; with MONOTONIC both sleep. Permits then come back late, never early. The end of a
lease is different: other processes may get its permits by their time, so its clock continues while this machine sleeps.

**Time namespaces.** A container may have one, with a monotonic clock of its own on the same boot. Its offset from the
machine's clock is subtracted, so that all containers that share a state have the same time. If the offset is unknown,
the namespace is part of the clock's identity, and records of other clocks are converted through the time of day.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from callwell.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SCALE: Final = 1000.0
"""At a higher scale, a millisecond of scheduling delay is more than a second, so no wait would be accurate."""

BOOT_FILE: Final = Path("/proc/sys/kernel/random/boot_id")
"""A random name of this boot (random(4))."""

NAMESPACES: Final = Path("/proc/self/ns")
"""Links to the namespaces of this process (namespaces(7))."""

OFFSETS_FILE: Final = Path("/proc/self/timens_offsets")
"""The offsets of the time namespace in which this process's children will be, mostly its own (time_namespaces(7))."""


def parse_offset_s(offsets: str) -> float:
    """How many seconds the monotonic clock of a time namespace is ahead of the machine's.

    Args:
        offsets: the text of `timens_offsets`: lines of a clock's name or number, seconds, and nanoseconds.
    """
    for line in offsets.splitlines():
        name, *numbers = line.split()
        if name in ("monotonic", "1"):
            seconds, nanoseconds = (int(number) for number in numbers)
            return seconds + nanoseconds / 1e9
    return 0.0


def _read_offset_s() -> float | None:
    """The offset of this process's time namespace; None if it has an unknown one."""
    try:
        here = (NAMESPACES / "time").readlink()
    except OSError:
        return 0.0  # a kernel without time namespaces
    try:
        if here != (NAMESPACES / "time_for_children").readlink():
            return None
        return parse_offset_s(OFFSETS_FILE.read_text("ascii"))
    except (OSError, ValueError):
        return None


_OFFSET_S: Final = _read_offset_s()


def _to_monotonic(offset_s: float | None) -> Callable[[], float]:
    """The machine's monotonic clock; without an offset it is Python's own function, which saves a frame."""
    if not offset_s:
        return time.monotonic
    return lambda: time.monotonic() - offset_s


monotonic: Final = _to_monotonic(_OFFSET_S)
"""Monotonic seconds of this machine, the same in all its time namespaces."""


def _through_sleep() -> Callable[[], float]:
    """Monotonic seconds that continue while the machine sleeps, if the system has such a clock."""
    name = "CLOCK_MONOTONIC" if sys.platform == "darwin" else "CLOCK_BOOTTIME"
    try:
        read = partial(time.clock_gettime, getattr(time, name))
        read()
    except (AttributeError, OSError):  # unknown to Python, or to a kernel that only emulates Linux
        return time.monotonic
    return read


def boot_id() -> str:
    """The name of the origin of monotonic seconds: this boot of this machine, as far as known."""
    try:
        name = BOOT_FILE.read_text(encoding="ascii").strip()
    except OSError:
        name = "boot"
    if _OFFSET_S is not None and _read_offset_s() == _OFFSET_S:
        return name
    try:
        return f"{name} {(NAMESPACES / 'time').readlink()}"
    except OSError:
        return name


class Clock(Protocol):
    """A source of time: monotonic seconds, seconds since the epoch, and the real duration of its seconds."""

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
    through_sleep = staticmethod(_through_sleep())

    def real_s(self, seconds: float) -> float:
        """The same number, since its seconds are real ones."""
        return seconds

    def __str__(self) -> str:
        return "1"


class ScaledClock(NamedTuple):
    """The machine's monotonic clock, accelerated from an origin on.

    Attributes:
        scale: how many times as fast.
        origin: when it starts, in monotonic seconds.
        wall_origin: the time of day at the origin, in seconds since the epoch.
    """

    scale: float
    origin: float
    wall_origin: float

    def now(self) -> float:
        """Scaled monotonic seconds."""
        return self.origin + (monotonic() - self.origin) * self.scale

    def wall(self) -> float:
        """Scaled seconds since the epoch, unaffected by steps of the machine's wall clock."""
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
    """The clock for a text, as returned by `str(clock)`.

    Args:
        text: `SCALE` (a scaled clock from now on), `SCALE@ORIGIN@WALL` (one that another process started), or nothing
            (the machine's clock).

    Raises:
        InvalidOption: the text does not denote a clock.
    """
    if not text or text == "1":
        return SystemClock()
    try:
        scale, *origins = (float(part) for part in text.split("@"))
    except ValueError:
        scale = 0.0
        origins = []
    if not 0.0 < scale <= MAX_SCALE or len(origins) not in (0, 2):
        raise InvalidOption("clock", text, f"a scale up to {MAX_SCALE:g}, or SCALE@ORIGIN@WALL as `emulate` prints it")
    return ScaledClock(scale, *origins) if origins else scaled_clock(scale)
