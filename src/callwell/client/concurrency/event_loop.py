# SPDX-License-Identifier: Apache-2.0
"""The fastest event loop there is: uvloop where it is installed, asyncio's own elsewhere; and many at work on it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from callwell.errors import CallwellError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, as `asyncio.run` does.

    Args:
        work: the coroutine.
    """
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


async def run_workers(count: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Have so many do the same work until nothing is left of it.

    Args:
        count: how many.
        work: what each does. If one fails, the others are cancelled, and its error is raised by itself: of several,
            one that a person can act upon.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise _first(errors) from None


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return _first(error)
        if isinstance(error, CallwellError):
            return error
    return errors.exceptions[0]
