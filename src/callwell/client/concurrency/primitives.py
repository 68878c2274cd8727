# SPDX-License-Identifier: Apache-2.0
"""What the two sides cannot share: waiting, waking, and doing something ahead. The twin of `_sync/primitives.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from callwell.transport.pyreqwest import AsyncPyreqwestTransport as AsyncDefaultTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Iterator

    from callwell.client.calls.responses import Answer


__all__ = [
    "AsyncBackgroundTask",
    "AsyncCloseMixin",
    "AsyncDefaultTransport",
    "AsyncFetch",
    "AsyncFind",
    "AsyncLatch",
    "AsyncPendingAnswer",
    "cancel_all",
    "next_or_none",
    "run",
    "run_blocking",
    "sleep",
    "wait_all",
]

T = TypeVar("T")

AsyncPendingAnswer: TypeAlias = "Awaitable[Answer]"
AsyncFetch: TypeAlias = "Callable[..., Awaitable[Answer]]"
AsyncFind: TypeAlias = "Callable[[], Awaitable[Answer | None]]"

LONGEST_S = 86_400.0
"""A wait is looked at again after a day, since a loop's timers are not made for more."""


class AsyncLatch:
    """Something that a task of this loop waits for, and anybody sets."""

    __slots__ = ("_event", "_loop")

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    @property
    def is_dead(self) -> bool:
        """The loop was closed: who waited never will again, though nobody has told the task."""
        return self._loop.is_closed()

    def set(self) -> None:
        """Wake who waits: from the same loop, from another one, or from a thread."""
        with suppress(RuntimeError):  # no loop runs here, or the other one has just been closed
            if asyncio.get_running_loop() is self._loop:
                self._event.set()
                return
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float) -> None:
        """Wait until it is set, or real seconds have passed, and unset it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, LONGEST_S)):
                await self._event.wait()
        self._event.clear()


async def sleep(seconds: float) -> None:
    """Wait for real seconds."""
    await asyncio.sleep(max(0.0, seconds))


class AsyncCloseMixin:
    """Gives what is closed by `aclose` the name `close` as well."""

    if TYPE_CHECKING:

        async def aclose(self) -> None:
            """Close it."""

    def close(self) -> Awaitable[None]:
        """The same as `aclose`, to be awaited. Without that, it is closed soon; at once, where no event loop runs."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(self.aclose())
            return DONE
        task = loop.create_task(self.aclose())
        UNDER_WAY.add(task)
        task.add_done_callback(UNDER_WAY.discard)
        return task


class DoneAwaitable:
    """Something to await that is over."""

    def __await__(self) -> Generator[Any, None, None]:
        """Nothing to wait for."""
        return iter(())  # type: ignore[return-value] # awaiting needs no more than an iterator


DONE: Final = DoneAwaitable()

UNDER_WAY: Final[set[asyncio.Task[None]]] = set()
"""A loop keeps no task alive that nobody else knows."""


class AsyncBackgroundTask(Generic[T]):
    """Something that is done while the caller goes on.

    Args:
        work: what to do, in a task of its own.
    """

    __slots__ = ("_task",)

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._task = asyncio.create_task(work())

    async def result(self) -> T:
        """What came of it."""
        return await self._task

    def cancel(self) -> None:
        """It is not wanted any more."""
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._task.cancel()

    @property
    def task(self) -> asyncio.Task[T]:
        """The task."""
        return self._task


async def wait_all(several: Iterable[AsyncBackgroundTask[Any]]) -> None:
    """Wait until all are done, or one of them has failed: then its failure is raised at once."""
    tasks = [one.task for one in several]
    if tasks:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()


async def cancel_all(several: Iterable[AsyncBackgroundTask[Any]]) -> None:
    """Things that are done ahead are not wanted any more: when this returns, their tasks have ended."""
    dropped = tuple(several)
    for one in dropped:
        one.cancel()
    if dropped:
        await asyncio.wait([one.task for one in dropped])


async def run_blocking(work: Callable[[], T]) -> T:
    """Do something that blocks, in a thread."""
    return await asyncio.to_thread(work)


async def next_or_none(source: AsyncIterator[T] | Iterator[T]) -> T | None:
    """The next thing that an iterator of either kind gives, None at its end."""
    if isinstance(source, AsyncIterator):
        return await anext(source, None)
    return await asyncio.to_thread(next, source, None)


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do it: what a test says once for both sides."""
    return asyncio.run(work())
