# SPDX-License-Identifier: Apache-2.0
"""Requests whose callers were cancelled, where the HTTP library goes on with them.

What comes of such a request decides what it has cost. So its transport waits on, in a task that takes the caller's
coroutine over, and hands the end to come to `Request.on_abandoned`.
"""

from __future__ import annotations

import asyncio
import types
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Generator

    from callwell.transport.base import NoReply, Request, Response

    Work = Coroutine[Any, None, Response | NoReply]


@types.coroutine
def run_or_detach(work: Work, request: Request, detached: DetachedRequests) -> Generator[Any, None, Response | NoReply]:
    """Do work in the caller's task, without the price of another one; if the caller is cancelled, in one of its own.

    Args:
        work: the work.
        request: is told of the task.
        detached: holds the new task until it ends.
    """
    while True:
        try:
            awaited = work.send(None)
        except StopIteration as end:
            reply: Response | NoReply = end.value
            return reply
        try:
            yield awaited
        except asyncio.CancelledError:
            detached.detach(work, request)
            raise
        except BaseException:
            work.close()
            raise


class DetachedRequests:
    """Tasks that wait for requests that the callers have left. They end with their loop, or with the transport."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Response | NoReply], AsyncGenerator[None, None]] = {}
        reset_after_fork(self)

    def after_fork(self) -> None:
        """A child waits for none of the requests of its parent."""
        self._tasks = {}

    def detach(self, work: Work, request: Request) -> None:
        """Wait for a request in a task of its own.

        Args:
            work: what its caller was doing.
            request: it.
        """
        task = asyncio.get_running_loop().create_task(work)
        keeper = _until_shutdown(task)
        _step(keeper.__anext__())
        self._tasks[task] = keeper
        task.add_done_callback(self._forget)
        if request.on_abandoned is not None:
            request.on_abandoned(task)

    async def cancel_all(self) -> None:
        """Wait no more, in this loop."""
        here = asyncio.get_running_loop()
        tasks = [task for task in self._tasks if task.get_loop() is here]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _forget(self, task: asyncio.Task[Response | NoReply]) -> None:
        keeper = self._tasks.pop(task, None)
        if keeper is not None:
            _step(keeper.aclose())


async def _until_shutdown(task: asyncio.Task[Response | NoReply]) -> AsyncGenerator[None, None]:
    # `asyncio.run` cancels the tasks that are there at its end, and not those that are left then; after that it closes
    # all asynchronous generators.
    try:
        yield
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])


def _step(coroutine: Any) -> None:
    """Do the step of a coroutine that does not wait; one that is already on its way to its end is left alone."""
    with suppress(StopIteration, StopAsyncIteration, RuntimeError):
        coroutine.send(None)
