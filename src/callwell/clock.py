# SPDX-License-Identifier: Apache-2.0
"""Where the time comes from: the machine's clocks, or the same clocks run faster.

Everything above the core takes its time from a `Clock`, so that a demo, a test and an emulator in another process can
share one faster clock. A scaled clock is pure arithmetic on the machine's monotonic clock, which all processes of one
boot have in common: its text (`25@ORIGIN@WALL`) is all that another process needs to have the same time.

**Which clock.** Spans are measured by CLOCK_MONOTONIC, which stands still while the machine sleeps, not by
CLOCK_BOOTTIME, which goes on. The timeouts of requests run by the former: by BOOTTIME, a request that sleeps with the
machine would live longer than its permit; by MONOTONIC both sleep. Permits then come back late, never early. The end
of a lease is different: what others may have by then depends on their time, so it goes on while this machine sleeps.

**Time namespaces.** A container may have one, with a monotonic clock of its own on the same boot. Its offset from the
machine's clock is taken out, so that all containers that share a state have the same time. Where the offset cannot be
known, the namespace is part of the clock's identity, and records of other clocks are moved by the time of day.
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
"""Faster than this, a millisecond of scheduling is a second: no wait would be what it should be."""

BOOT_FILE: Final = Path("/proc/sys/kernel/random/boot_id")
"""A random name of this boot (random(4))."""

NAMESPACES: Final = Path("/proc/self/ns")
"""Links to the namespaces of this process (namespaces(7))."""

OFFSETS_FILE: Final = Path("/proc/self/timens_offsets")
"""The offsets of the time namespace in which this process's children will be, mostly its own (time_namespaces(7))."""


def parse_offset_s(offsets: str) -> float:
    """By how many seconds the monotonic clock of a time namespace is ahead of the machine's.

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
    """The offset of this process's time namespace; None if it has one that cannot be known."""
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
    """The machine's monotonic clock; without an offset it is Python's own, which costs no frame."""
    if not offset_s:
        return time.monotonic
    return lambda: time.monotonic() - offset_s


monotonic: Final = _to_monotonic(_OFFSET_S)
"""Monotonic seconds of this machine, the same in all its time namespaces."""


def _through_sleep() -> Callable[[], float]:
    """Monotonic seconds that go on while the machine sleeps, where the system has such a clock."""
    name = "CLOCK_MONOTONIC" if sys.platform == "darwin" else "CLOCK_BOOTTIME"
    try:
        read = partial(time.clock_gettime, getattr(time, name))
        read()
    except (AttributeError, OSError):  # unknown to Python, or to a kernel that only looks like Linux
        return time.monotonic
    return read


def boot_id() -> str:
    """The name of what monotonic seconds count from: this boot of this machine, as far as it is known."""
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
    """A source of time: monotonic seconds, seconds since the epoch, and how long they really take."""

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
        """The same: its seconds are real ones."""
        return seconds

    def __str__(self) -> str:
        return "1"


class ScaledClock(NamedTuple):
    """The machine's monotonic clock from a time on, several times as fast.

    Attributes:
        scale: how many times as fast.
        origin: from when on, in monotonic seconds.
        wall_origin: the time of day then, in seconds since the epoch.
    """

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
    """The clock with this text, as `str(clock)` gives it.

    Args:
        text: `SCALE` (a scaled clock from now on), `SCALE@ORIGIN@WALL` (one that another process started), or nothing
            (the machine's clock).

    Raises:
        InvalidOption: the text is that of no clock.
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
