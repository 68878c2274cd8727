# SPDX-License-Identifier: Apache-2.0
"""How late the event loop is."""

from __future__ import annotations

import asyncio
import time

from callwell.emulator.loop_lag import BEAT_S, LoopLag


def test_a_loop_that_is_held_up_is_late_by_that_time() -> None:
    """Both while the beat is overdue, and after it."""
    asyncio.run(_hold_up())


async def _hold_up() -> None:
    lag = LoopLag()
    lag.start()
    began = time.monotonic()
    while time.monotonic() - began < 3 * BEAT_S:
        pass
    assert lag.longest_s() >= BEAT_S
    await asyncio.sleep(BEAT_S)
    assert lag.longest_s() >= BEAT_S
    lag.stop()
