# SPDX-License-Identifier: Apache-2.0
"""How late the event loop is: the measure of how busy the machine is, to which client and emulator are exposed alike.

A timer is due every `BEAT_S`. The time by which it fires late is time in which this process could not run:

    due      due      due                    fired
     |--------|--------|······· lag ··········|
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

BEAT_S: Final = 0.05
"""Real seconds between two beats: short next to the grace that the lag is added to, and 20 timers a second at most."""

WINDOW_BEATS: Final = 40
"""Beats over which the longest lag counts: two seconds, longer than a request is in flight on this machine."""


class LoopLag:
    """Measures the running loop until it is stopped."""

    def __init__(self) -> None:
        self._lags_s = [0.0] * WINDOW_BEATS
        self._beats = 0
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to measure."""
        self._due_s = time.monotonic() + BEAT_S
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()

    def longest_s(self) -> float:
        """The longest lag of late, in real seconds; a beat that is overdue counts."""
        overdue_s = time.monotonic() - self._due_s if self._timer is not None else 0.0
        return max(overdue_s, *self._lags_s)

    def _beat(self) -> None:
        self._lags_s[self._beats % WINDOW_BEATS] = max(0.0, time.monotonic() - self._due_s)
        self._beats += 1
        self.start()
