# SPDX-License-Identifier: Apache-2.0
"""How much can be under way at a time, which nobody is told: what is too much is refused at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from callwell.emulator.language_confidence.options import ServiceOptions

IDLE_S: Final = 300.0
"""Clock seconds without a request after which the service grows anew."""

COLD: Final = 4
"""What part of the capacity is there at the beginning: one in so many."""

GROWING: Final = (429, 500)
OVERLOADED: Final = {429: (429,), 503: (503,), "both": (429, 503)}


class Gate:
    """Counts what is under way.

    Args:
        options: with the capacity.

    Attributes:
        refused: how often it was too much.
        most: the most that was under way at a time.
    """

    def __init__(self, options: ServiceOptions) -> None:
        self._options = options
        self._under_way = 0
        self._began = self._latest = float("-inf")
        self.refused = 0
        self.most = 0

    def refusal(self, now: float) -> int | None:
        """The status with which one more request is refused; None if there is room."""
        if now - self._latest >= IDLE_S:
            self._began = now
        self._latest = now
        whole, scaling_s = self._options.capacity, self._options.scaling_s
        grown = min(1.0, (now - self._began) / scaling_s) if scaling_s else 1.0
        room = max(1, int(whole * max(grown, 1 / COLD)))
        if self._under_way < room:
            return None
        statuses = GROWING if grown < 1.0 else OVERLOADED[self._options.overload]
        self.refused += 1
        return statuses[(self.refused - 1) % len(statuses)]

    def enter(self) -> None:
        """One more is under way."""
        self._under_way += 1
        self.most = max(self.most, self._under_way)

    def leave(self) -> None:
        """One less."""
        self._under_way -= 1
