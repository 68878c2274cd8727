# SPDX-License-Identifier: Apache-2.0
"""The emulator's clock: another clock plus an offset, so that a day can pass in a millisecond.

    machine's clock ──(× scale, `callwell.clock`)──> base clock ──(+ offset, here)──> emulator's clock

Quotas, keys, signed URLs and retention follow the emulator's clock. A client that shares the base clock keeps its own
time when the emulator's is moved, and waits that are real (a slow body, a timeout) stay real.

The clock never goes back, and a reset keeps its offset: otherwise keys and signed URLs that have expired would work
again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from callwell.emulator.errors import InvalidInput

if TYPE_CHECKING:
    from callwell.clock import Clock

# 20 years: more than the longest retention of a recording (10 years), and far below the year 9999 where dates end.
MAX_OFFSET_S: Final = 20 * 365 * 86_400


class ClockState(msgspec.Struct, frozen=True):
    """The clock's time, as the control port shows it.

    Attributes:
        now_s: monotonic seconds; the rows of the ledger use the same.
        wall_s: seconds since the epoch.
        offset_s: how many seconds the clock has been moved ahead in all.
    """

    now_s: float
    wall_s: float
    offset_s: float


class MovableClock:
    """A clock that can be moved ahead of another one.

    Args:
        base: the other clock.

    Attributes:
        jumps: start and end of each move, by this clock: time that no client could use.
    """

    __slots__ = ("_base", "_offset_s", "jumps")

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._offset_s = 0.0
        self.jumps: list[tuple[float, float]] = []

    def now(self) -> float:
        """Return monotonic seconds, moves included."""
        return self._base.now() + self._offset_s

    def wall(self) -> float:
        """Return seconds since the epoch, moves included."""
        return self._base.wall() + self._offset_s

    def real_s(self, seconds: float) -> float:
        """Return the real seconds in which `seconds` of this clock pass by themselves."""
        return self._base.real_s(seconds)

    def read(self) -> ClockState:
        """Return the clock's state."""
        return ClockState(now_s=self.now(), wall_s=self.wall(), offset_s=self._offset_s)

    def advance(self, seconds: float) -> None:
        """Move the clock ahead immediately.

        Raises:
            InvalidInput: `seconds` is negative, or the offset would exceed `MAX_OFFSET_S`.
        """
        if not 0.0 <= seconds <= MAX_OFFSET_S - self._offset_s:
            raise InvalidInput(f"advance_s must not be negative, and all moves together at most {MAX_OFFSET_S} seconds")
        start = self.now()
        self._offset_s += seconds
        self.jumps.append((start, start + seconds))
