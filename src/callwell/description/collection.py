# SPDX-License-Identifier: Apache-2.0
"""Pauses Python's garbage collector for work that makes many objects and hardly any garbage."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def without_gc() -> Iterator[None]:
    """Pause the garbage collector.

    A parser makes a million objects, and every thousand of them trigger a collection that finds nothing. The pause
    saves a third of the time for Stripe's document (460 operations in YAML), and a quarter for GitHub's (JSON).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
