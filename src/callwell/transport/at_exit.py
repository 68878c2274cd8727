# SPDX-License-Identifier: Apache-2.0
"""Lets threads of pyreqwest finish before the interpreter ends.

A thread of pyreqwest that has just woken an event loop is still inside the interpreter. Before Python 3.14, an
interpreter that ends at that moment stops the thread, which aborts the process: this hit about one short program in
six. So the exit waits for such threads.
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
"""The function that such a thread is running."""

LAST_STEP_S: Final = 1.0
"""The longest wait: the step takes microseconds unless the machine is very busy."""


@cache
def wait_at_exit() -> None:
    """Make the end of this process wait for such threads."""
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
