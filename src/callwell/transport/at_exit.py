# SPDX-License-Identifier: Apache-2.0
"""An interpreter that ends while a thread of pyreqwest is at its last step.

A thread of the library that has just woken a loop has a last step to do. An interpreter before 3.14 that ends meanwhile
stops it there, and that aborts the process (one short program in six): so the end waits for such threads.
"""

from __future__ import annotations

import atexit
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

LAST_STEP: Final = "call_soon_threadsafe"
"""Where a thread of the library is while it wakes a loop."""

LAST_STEP_S: Final = 1.0
"""For how long it is waited for, at most."""


@cache
def wait_at_exit() -> None:
    """See to it that the end of this process waits for such threads."""
    if sys.version_info < (3, 14):
        atexit.register(_await_last_steps)


def _await_last_steps() -> None:
    until = time.monotonic() + LAST_STEP_S
    while any(map(_in_last_step, sys._current_frames().values())) and time.monotonic() < until:  # noqa: SLF001 - documented
        time.sleep(0.001)


def _in_last_step(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_name != LAST_STEP:
        frame = frame.f_back
    return frame is not None
