# SPDX-License-Identifier: Apache-2.0
"""Follows cancelled requests to their end, since they continue without their callers.

pyreqwest runs every request in its own runtime. Cancelling the task that awaits a request ends only the wait: the
request is still connected, sent and answered, until its `timeout_s` is over. So a cancelled request may have used a
permit, created something and been billed, and only its end shows that::

    caller      awaits send ─────── cancelled, gone
    transport   `run_or_detach` ────┬─ a new task takes the same coroutine over ──> response, or no reply
                                    └─ `Request.on_abandoned(task)`: the client reclaims the permit when it ends

Unless it is cancelled, which is rare, a request runs in its caller's own task: creating and awaiting a task for each
request costs 17 µs more. The new task takes over the same suspended coroutine, so nothing is sent twice.

The tasks end with their event loop, or when the transport is closed. `asyncio.run` cancels the tasks that exist when
its main coroutine ends, but not tasks created by that cancellation. After that it closes all asynchronous generators,
so each task is guarded by one (`_cancel_at_shutdown`).
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

    Sending = Coroutine[Any, None, Response | NoReply]


@types.coroutine
def run_or_detach(
    sending: Sending, request: Request, detached: DetachedRequests
) -> Generator[Any, None, Response | NoReply]:
    """Run a coroutine in the caller's task; if the caller is cancelled, detach it into its own task.

    Args:
        sending: the coroutine that sends the request.
        request: the request; its `on_abandoned` gets the new task.
        detached: holds the new task until it ends.
    """
    while True:
        try:
            awaited = sending.send(None)
        except StopIteration as end:
            reply: Response | NoReply = end.value
            return reply
        try:
            yield awaited
        except asyncio.CancelledError:
            detached.detach(sending, request)
            raise
        except BaseException:
            sending.close()
            raise


class DetachedRequests:
    """The requests of one transport that were detached from their callers and have not ended."""

    def __init__(self) -> None:
        self._guards: dict[asyncio.Task[Response | NoReply], AsyncGenerator[None, None]] = {}
        reset_after_fork(self)

    def after_fork(self) -> None:
        """A forked child does not wait for its parent's requests."""
        self._guards = {}

    def detach(self, sending: Sending, request: Request) -> None:
        """Continue to wait for a request in a separate task.

        Args:
            sending: its caller's suspended coroutine.
            request: the request.
        """
        task = asyncio.get_running_loop().create_task(sending)
        guard = _cancel_at_shutdown(task)
        _run_step(guard.__anext__())
        self._guards[task] = guard
        task.add_done_callback(self._forget)
        if request.on_abandoned is not None:
            request.on_abandoned(task)

    async def cancel_all(self) -> None:
        """Stop waiting for the requests of the running loop."""
        loop = asyncio.get_running_loop()
        tasks = [task for task in self._guards if task.get_loop() is loop]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _forget(self, task: asyncio.Task[Response | NoReply]) -> None:
        guard = self._guards.pop(task, None)
        if guard is not None:
            _run_step(guard.aclose())


async def _cancel_at_shutdown(task: asyncio.Task[Response | NoReply]) -> AsyncGenerator[None, None]:
    """Cancel a task when the loop closes its asynchronous generators, this one among them."""
    try:
        yield
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])


def _run_step(coroutine: Any) -> None:
    """Run a coroutine that does not wait; one that is already being closed raises, which is ignored."""
    with suppress(StopIteration, StopAsyncIteration, RuntimeError):
        coroutine.send(None)
