# SPDX-License-Identifier: Apache-2.0
"""How many assessments can be in progress at a time: the service publishes no limit, and refuses more.

    room
     ▲            ┌──────────────  capacity: more is refused with 429 or 503 (`overload`)
     │        ┌───┘
     │    ┌───┘                    scaling up: more is refused with 429 and 500 in turn
     ├────┘  a quarter of it
     └────┬───────────┬──────────> clock
          first       first request
          request     + scaling_s

The documentation says that rate limit errors occur "during intense spikes" and 500 rarely, while the service scales up;
both are to be retried. After five idle minutes the service scales up again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from callwell.emulator.language_confidence.options import LanguageConfidenceOptions

# Clock seconds without a request after which the service scales up again. Our choice: nothing is documented.
IDLE_S: Final = 300.0
# The share of the capacity at the beginning is one in so many. Our choice as well.
COLD_DIVISOR: Final = 4
SCALING_STATUSES: Final = (429, 500)
OVERLOAD_STATUSES: Final = {429: (429,), 503: (503,), "both": (429, 503)}


class Capacity:
    """Counts the assessments in progress.

    Args:
        options: the options, with the capacity.

    Attributes:
        rejected: how many requests were too many.
        peak: the most assessments that were in progress at a time.
    """

    def __init__(self, options: LanguageConfidenceOptions) -> None:
        self._options = options
        self._under_way = 0
        self._started_s = float("-inf")
        self._latest_s = float("-inf")
        self.rejected = 0
        self.peak = 0

    def rejection_status(self, now: float) -> int | None:
        """Return the status with which one more request is refused, None if there is room."""
        if now - self._latest_s >= IDLE_S:
            self._started_s = now
        self._latest_s = now
        scaling_s = self._options.scaling_s
        scaled = min(1.0, (now - self._started_s) / scaling_s) if scaling_s else 1.0
        room = max(1, int(self._options.capacity * max(scaled, 1 / COLD_DIVISOR)))
        if self._under_way < room:
            return None
        statuses = SCALING_STATUSES if scaled < 1.0 else OVERLOAD_STATUSES[self._options.overload]
        status = statuses[self.rejected % len(statuses)]
        self.rejected += 1
        return status

    def enter(self) -> None:
        """Count one more assessment in progress."""
        self._under_way += 1
        self.peak = max(self.peak, self._under_way)

    def leave(self) -> None:
        """Count one less."""
        self._under_way -= 1
