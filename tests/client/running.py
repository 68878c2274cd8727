# SPDX-License-Identifier: Apache-2.0
"""Runs what a test says once for both sides."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


@overload
def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T: ...
@overload
def run(work: Callable[[], T]) -> T: ...
def run(work: Callable[[], Any]) -> Any:
    """Run work to its end: in an event loop of its own if it is asynchronous.

    Args:
        work: makes the coroutine, or does the work itself.
    """
    result = work()
    return asyncio.run(result) if inspect.iscoroutine(result) else result
