# SPDX-License-Identifier: Apache-2.0
"""The emulator's clock: another clock that can be moved ahead, so that a day passes in a millisecond.

Only the emulator's time moves. Whoever shares the clock below keeps its own, and real times stay real. The clock never
goes back, not even when everything else begins anew: keys and signed URLs made ahead would come to life again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from callwell.emulator.errors import BadInput

if TYPE_CHECKING:
    from callwell.clock import Clock

# More than the longest retention of a recording, and far less than a date can hold.
FURTHEST_S: Final = 20 * 365 * 86_400


class Reading(msgspec.Struct, frozen=True):
    """What the clock says.

    Attributes:
        now_s: monotonic seconds, those of the ledger's rows.
        wall_s: seconds since the epoch.
        offset_s: how far the clock has been moved ahead in all.
    """

    now_s: float
    wall_s: float
    offset_s: float


class MovableClock:
    """A clock ahead of another one.

    Args:
        base: the other one.

    Attributes:
        jumps: from when to when it was moved, by itself: time in which nobody could do anything.
    """

    __slots__ = ("_base", "_offset_s", "jumps")

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._offset_s = 0.0
        self.jumps: list[tuple[float, float]] = []

    def now(self) -> float:
        """Monotonic seconds, with all jumps."""
        return self._base.now() + self._offset_s

    def wall(self) -> float:
        """Seconds since the epoch, with all jumps."""
        return self._base.wall() + self._offset_s

    def real_s(self, seconds: float) -> float:
        """Real seconds that pass while `seconds` of this clock pass by themselves."""
        return self._base.real_s(seconds)

    def read(self) -> Reading:
        """What it says."""
        return Reading(self.now(), self.wall(), self._offset_s)

    def advance(self, seconds: float) -> None:
        """Move ahead at once.

        Raises:
            BadInput: back, or too far.
        """
        if not 0.0 <= seconds <= FURTHEST_S - self._offset_s:
            raise BadInput(f"advance_s must not be negative, and all moves together at most {FURTHEST_S} seconds")
        start = self.now()
        self._offset_s += seconds
        self.jumps.append((start, start + seconds))
