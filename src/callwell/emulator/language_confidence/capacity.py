# SPDX-License-Identifier: Apache-2.0
"""How much can be under way at a time, which nobody is told: what is too much is refused at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from callwell.emulator.language_confidence.options import LanguageConfidenceOptions

IDLE_S: Final = 300.0
"""Clock seconds without a request after which the service grows anew."""

COLD_DIVISOR: Final = 4
"""What part of the capacity is there at the beginning: one in so many."""

SCALING_STATUSES: Final = (429, 500)
OVERLOAD_STATUSES: Final = {429: (429,), 503: (503,), "both": (429, 503)}


class Capacity:
    """Counts what is under way.

    Args:
        options: with the capacity.

    Attributes:
        refused: how often it was too much.
        most: the most that was under way at a time.
    """

    def __init__(self, options: LanguageConfidenceOptions) -> None:
        self._options = options
        self._under_way = 0
        self._began = self._latest = float("-inf")
        self.rejected = 0
        self.peak = 0

    def rejection_status(self, now: float) -> int | None:
        """The status with which one more request is refused; None if there is room."""
        if now - self._latest >= IDLE_S:
            self._began = now
        self._latest = now
        whole, scaling_s = self._options.capacity, self._options.scaling_s
        grown = min(1.0, (now - self._began) / scaling_s) if scaling_s else 1.0
        room = max(1, int(whole * max(grown, 1 / COLD_DIVISOR)))
        if self._under_way < room:
            return None
        statuses = SCALING_STATUSES if grown < 1.0 else OVERLOAD_STATUSES[self._options.overload]
        self.rejected += 1
        return statuses[(self.rejected - 1) % len(statuses)]

    def enter(self) -> None:
        """One more is under way."""
        self._under_way += 1
        self.peak = max(self.peak, self._under_way)

    def leave(self) -> None:
        """One less."""
        self._under_way -= 1
