# SPDX-License-Identifier: Apache-2.0
"""What the two sides cannot share: waiting, waking, and working in the background.

`client/_sync/concurrency/primitives.py` is the twin, written by hand.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Iterator

    from callwell.client.calls.responses import Answer
    from callwell.state.base import State


__all__ = [
    "AsyncBackgroundTask",
    "AsyncCloseMixin",
    "AsyncFetch",
    "AsyncFind",
    "AsyncLatch",
    "AsyncPendingAnswer",
    "AsyncWork",
    "cancel_all",
    "next_item",
    "post_to_state",
    "run_blocking",
    "run_with_timeout",
    "runs_event_loop",
    "sleep",
    "use_state",
    "wait_all",
    "wait_for_state",
    "when_loop_closes",
    "would_block",
]

T = TypeVar("T")
E = TypeVar("E")

AsyncPendingAnswer: TypeAlias = "Awaitable[Answer]"
AsyncFetch: TypeAlias = "Callable[..., Awaitable[Answer]]"
AsyncFind: TypeAlias = "Callable[[], Awaitable[Answer | None]]"
AsyncWork: TypeAlias = "Callable[[], Awaitable[None]]"

MAX_TIMER_S: Final = 86_400.0
"""Waits end after a day and start again: asyncio does not poll for longer either (MAXIMUM_SELECT_TIMEOUT)."""


class AsyncLatch:
    """An event that a task of this loop waits for, and that any thread or loop may set."""

    __slots__ = ("_event", "_loop")

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    @property
    def is_dead(self) -> bool:
        """Whether the loop was closed: the task never runs again, although it was not cancelled."""
        return self._loop.is_closed()

    def set(self) -> None:
        """Wake the task: from its own loop, from another one, or from a thread."""
        with suppress(RuntimeError):  # no loop runs here, or the task's loop has just been closed
            if asyncio.get_running_loop() is self._loop:
                self._event.set()
                return
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float) -> None:
        """Wait until it is set or real seconds have passed, and clear it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, MAX_TIMER_S)):
                await self._event.wait()
        self._event.clear()


async def sleep(seconds: float) -> None:
    """Wait for real seconds."""
    await asyncio.sleep(max(0.0, seconds))


TEN_YEARS_S: Final = 10 * 365 * 86_400.0
"""Seconds of a timer that must never fire: no loop runs for ten years."""


class LoopLifetime:
    """A callback that only its loop keeps alive: a closed loop drops its timers, and this object with them."""

    __slots__ = ("__weakref__",)

    def __call__(self) -> None:
        """Do nothing."""


@contextmanager
def when_loop_closes(action: Callable[[], None]) -> Iterator[None]:
    """Call `action` if this task's loop is closed before the block has ended, since the block then never continues.

    asyncio has no hook for the closing of a loop, but a closed loop drops its timers immediately.

    Args:
        action: what to call, in the thread that closes the loop.
    """
    timer = LoopLifetime()
    finalizer = weakref.finalize(timer, action)
    finalizer.atexit = False
    handle = weakref.ref(asyncio.get_running_loop().call_later(TEN_YEARS_S, timer))
    del timer
    try:
        yield
    finally:
        finalizer.detach()
        scheduled = handle()
        if scheduled is not None:
            scheduled.cancel()


class AsyncCloseMixin:
    """Adds `close` to a class with `aclose`, so that both sides have both names."""

    if TYPE_CHECKING:

        async def aclose(self) -> None:
            """Close it."""

    def close(self) -> Awaitable[None]:
        """Close it, to be awaited like `aclose`; otherwise it is closed soon, or immediately if no event loop runs."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(self.aclose())
            return DONE
        task = loop.create_task(self.aclose())
        CLOSING.add(task)
        task.add_done_callback(CLOSING.discard)
        return task


class DoneAwaitable:
    """An awaitable that is already done."""

    def __await__(self) -> Generator[Any, None, None]:
        """Return immediately."""
        return iter(())  # type: ignore[return-value] # awaiting needs no more than an iterator


DONE: Final = DoneAwaitable()

CLOSING: Final[set[asyncio.Task[None]]] = set()
"""Tasks that close something: a loop refers to its tasks only weakly, so they are kept alive here."""


class AsyncBackgroundTask(Generic[T]):
    """Work that runs while the caller continues.

    Args:
        work: the work, which runs in a task of its own.
    """

    __slots__ = ("_task",)

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._task = asyncio.create_task(work())

    async def result(self) -> T:
        """Wait for its result."""
        return await self._task

    def cancel(self) -> None:
        """Cancel it, and ignore its error, if it has one."""
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._task.cancel()

    @property
    def task(self) -> asyncio.Task[T]:
        """The task."""
        return self._task


async def wait_all(background: Iterable[AsyncBackgroundTask[Any]]) -> None:
    """Wait until all are done, or one has failed: its error is then raised immediately."""
    tasks = [item.task for item in background]
    if tasks:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()


async def cancel_all(background: Iterable[AsyncBackgroundTask[Any]]) -> None:
    """Cancel all; when this returns, their tasks have ended."""
    cancelled = tuple(background)
    for item in cancelled:
        item.cancel()
    if cancelled:
        await asyncio.wait([item.task for item in cancelled])


def runs_event_loop() -> bool:
    """Whether an event loop runs in this thread, so that blocking would stall it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def run_blocking(work: Callable[[], T]) -> T:
    """Run blocking work in a thread."""
    return await asyncio.to_thread(work)


async def run_with_timeout(work: Callable[[], None], seconds: float) -> None:
    """Run blocking work in a thread of its own, and wait for it at most this many real seconds.

    Args:
        work: the work, which continues alone if it takes longer, but does not keep the process alive.
        seconds: the longest wait.
    """
    errors: list[BaseException] = []
    latch = AsyncLatch()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the work is waited for
            errors.append(error)
        finally:
            latch.set()

    threading.Thread(target=run, name="callwell-closing", daemon=True).start()
    await latch.wait(seconds)
    for error in errors:
        raise error


def would_block(state: State) -> bool:
    """Whether using a state would block the caller's event loop."""
    return state.shared


async def use_state(state: State, work: Callable[[], T]) -> T:
    """Use a state: directly if it is in memory, otherwise in its thread, after all work submitted before.

    If a task is cancelled while it waits, the thread still does the work in its turn.

    Args:
        state: the state.
        work: the work that uses it.
    """
    if not state.shared:
        return work()
    from callwell.client.concurrency.state_thread import submit  # a state in memory needs none

    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def wake(_future: Any) -> None:
        with suppress(RuntimeError):  # the loop was closed in the meantime
            loop.call_soon_threadsafe(_set_done, done)

    future = submit(state, work)
    future.add_done_callback(wake)
    await done
    return future.result()


def _set_done(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def post_to_state(state: State, work: Callable[[], None]) -> None:
    """Use a state without waiting: directly if it is in memory, otherwise in its thread, in order.

    Args:
        state: the state.
        work: the work that uses it. It reports its own errors.
    """
    if not state.shared:
        work()
        return
    from callwell.client.concurrency.state_thread import submit  # as above

    submit(state, work)


async def wait_for_state(state: State) -> None:
    """Wait until the thread of a state has done all submitted work."""
    if state.shared:
        await use_state(state, _do_nothing)


def _do_nothing() -> None:
    """Mark a position in the queue of a state's thread."""


async def next_item(source: AsyncIterator[T] | Iterator[T], end: E) -> T | E:
    """The next item of a sync or async iterator, or `end` if there is none."""
    if isinstance(source, AsyncIterator):
        return await anext(source, end)
    return await asyncio.to_thread(next, source, end)
