# SPDX-License-Identifier: Apache-2.0
"""Runs coroutines on the fastest available event loop (uvloop if installed), and workers concurrently."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from callwell.errors import CallwellError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, as `asyncio.run` does, and return its result.

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
    """Run the same work in several concurrent workers, until all are done.

    Args:
        count: how many workers.
        work: what each does.

    Raises:
        BaseException: the error of the worker that failed, not wrapped in a group; the others are cancelled. Of several
            errors it is the first `CallwellError`, which a person can act on.
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
