# SPDX-License-Identifier: Apache-2.0
"""An event loop in virtual time, which leaps to the next timer as soon as nothing else can happen."""

from __future__ import annotations

import asyncio
import selectors
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from callwell.testing import AsyncScriptedTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from callwell.transport.base import NoReply, Request, Response

T = TypeVar("T")


class LeapingLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time."""

    def __init__(self) -> None:
        self.virtual = 1000.0
        super().__init__(LeapingSelector(self))

    def time(self) -> float:
        """Virtual seconds."""
        return self.virtual


class LeapingSelector(selectors.DefaultSelector):
    """It never waits: it lets the loop's time pass instead."""

    def __init__(self, loop: LeapingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        """What is ready now."""
        ready: list[Any] = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("nothing will ever happen again")
        if not ready and timeout:
            self._loop.virtual += timeout
        return ready


class LoopClock:
    """The time of the loop that runs, or ran last: threads that work for it ask, too."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def now(self) -> float:
        """Monotonic seconds."""
        with suppress(RuntimeError):  # no loop runs in this thread
            self._loop = asyncio.get_running_loop()
        assert self._loop is not None
        return self._loop.time()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return self.now() + 1_700_000_000.0

    def real_s(self, seconds: float) -> float:
        """The loop's own."""
        return seconds

    def __str__(self) -> str:
        return "loop"


class SlowTransport(AsyncScriptedTransport):
    """A scripted transport with replies that take time; requests arrive half-way.

    Args:
        reply: from a request to its reply.
        took: seconds from a request to its reply.
    """

    def __init__(self, reply: Callable[[Request], Response | NoReply], took: float = 1.0) -> None:
        super().__init__(reply)
        self.took = took
        self.arrivals: list[float] = []
        self.order: list[str] = []

    async def send(self, request: Request) -> Response | NoReply:
        """The reply, in time."""
        self.order.append(request.url.rpartition("/")[2])
        await asyncio.sleep(self.took / 2)
        self.arrivals.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.took / 2)
        return await super().send(request)


def run_in_virtual_time(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in virtual time; a task that is left over or fails unseen is an error."""
    complaints: list[str] = []

    async def watched() -> T:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
        result = await work()
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left
        return result

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        result = runner.run(watched())
    assert complaints == []
    return result


class CancelledAt:
    """A coroutine that is cancelled where it waits for the n-th time.

    Args:
        work: the coroutine.
        step: which time; 1 for the first.
    """

    def __init__(self, work: Coroutine[Any, Any, T], step: int) -> None:
        self._work = work
        self._step = step

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._work.__await__()
        steps = 0
        error: BaseException | None = None
        while True:
            try:
                waits_for = next(inner) if error is None else inner.throw(error)
            except StopIteration as end:
                return end.value
            error = None
            steps = steps + 1
            if steps == self._step:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield waits_for
            except BaseException as raised:  # noqa: BLE001 - it is raised again inside
                error = raised
