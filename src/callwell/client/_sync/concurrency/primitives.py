# SPDX-License-Identifier: Apache-2.0
"""What the two sides cannot share: waiting, waking, and working in the background.

Written by hand, as the twin of `client/concurrency/primitives.py`.
"""

from __future__ import annotations

import contextvars
import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from callwell.client.calls.responses import Answer
    from callwell.state.base import State

__all__ = [
    "BackgroundTask",
    "CloseMixin",
    "Fetch",
    "Find",
    "Latch",
    "PendingAnswer",
    "Work",
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

PendingAnswer: TypeAlias = "Answer"
Fetch: TypeAlias = "Callable[..., Answer]"
Find: TypeAlias = "Callable[[], Answer | None]"
Work: TypeAlias = "Callable[[], None]"


SLICE_S: Final = 1.0
"""Seconds that a thread waits in one piece. A signal that arrives just before the main thread begins to wait does not
wake it: Python has noted it, but acts on it when the wait is over (seen: 3 of 360 SIGTERM sent at that moment)."""


class Latch:
    """An event that one thread waits for, and another sets."""

    __slots__ = ("_event",)

    is_dead = False
    """A thread that waits never ends before it has left the queue."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Wake the thread."""
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Wait until it is set or real seconds have passed, and clear it."""
        ends_at = time.monotonic() + seconds
        left_s = seconds
        while not self._event.wait(min(left_s, SLICE_S)):
            left_s = ends_at - time.monotonic()
            if left_s <= 0.0:
                break
        self._event.clear()


def sleep(seconds: float) -> None:
    """Wait for real seconds."""
    ends_at = time.monotonic() + seconds
    left_s = max(0.0, seconds)
    while left_s > SLICE_S:
        time.sleep(SLICE_S)
        left_s = ends_at - time.monotonic()
    time.sleep(max(0.0, left_s))


def when_loop_closes(_action: Callable[[], None]) -> AbstractContextManager[None]:
    """Threads have no loop that could be closed under them."""
    return nullcontext()


class CloseMixin:
    """Adds `aclose` to a class with `close`, so that both sides answer to both names."""

    if TYPE_CHECKING:

        def close(self) -> None:
            """Close it."""

    def aclose(self) -> Awaitable[None]:
        """Close it as `close` does; the result may be awaited."""
        self.close()
        return DONE


class DoneAwaitable:
    """An awaitable that is done."""

    def __await__(self) -> Generator[Any, None, None]:
        """Return at once."""
        return iter(())  # type: ignore[return-value] # awaiting needs no more than an iterator


DONE: Final = DoneAwaitable()


class BackgroundTask(Generic[T]):
    """Work that is done while the caller goes on.

    Args:
        work: the work, which runs in a thread of its own with the caller's context variables: spans go on in it.
    """

    __slots__ = ("_future", "_work")

    def __init__(self, work: Callable[[], T]) -> None:
        from concurrent.futures import Future  # loads logging; only walks and parallel transfers need it

        self._future: Future[T] = Future()
        self._work = work
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(self._run,), name="callwell-background", daemon=True).start()

    def result(self) -> T:
        """Wait for its result."""
        wait_all([self])
        return self._future.result()

    def cancel(self) -> None:
        """Do not start it if it has not begun; else its result is dropped."""
        self._future.cancel()

    @property
    def future(self) -> Future[T]:
        """The future."""
        return self._future

    def _run(self) -> None:
        if not self._future.set_running_or_notify_cancel():
            return
        try:
            self._future.set_result(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the result is wanted
            self._future.set_exception(error)


def wait_all(background: Iterable[BackgroundTask[Any]]) -> None:
    """Wait until all are done, or one has failed: then its error is raised at once."""
    from concurrent.futures import FIRST_EXCEPTION, wait

    left = {item.future for item in background}
    while left:
        done, left = wait(left, timeout=SLICE_S, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()


def cancel_all(background: Iterable[BackgroundTask[Any]]) -> None:
    """Drop the results of all; threads that have begun end with the answers they wait for."""
    for item in background:
        item.cancel()


def runs_event_loop() -> bool:
    """Whether waiting must be left to others: never, on this side."""
    return False


def run_blocking(work: Callable[[], T]) -> T:
    """Do something that blocks."""
    return work()


def run_with_timeout(work: Callable[[], None], seconds: float) -> None:
    """Do something that blocks, and wait for that no longer than real seconds.

    Args:
        work: the work, which goes on in a thread if it takes longer, but does not keep the process alive.
        seconds: see above.
    """
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the work is waited for
            errors.append(error)

    thread = threading.Thread(target=run, name="callwell-closing", daemon=True)
    thread.start()
    ends_at = time.monotonic() + seconds
    while thread.is_alive() and time.monotonic() < ends_at:
        thread.join(min(SLICE_S, max(0.0, ends_at - time.monotonic())))
    for error in errors:
        raise error


def would_block(_state: State) -> bool:
    """A thread may wait for any state: it has no loop to hold up."""
    return False


def use_state(_state: State, work: Callable[[], T]) -> T:
    """Use a state."""
    return work()


def post_to_state(_state: State, work: Callable[[], None]) -> None:
    """Use a state."""
    work()


def wait_for_state(_state: State) -> None:
    """Nothing is ever handed to another thread."""


def next_item(source: Iterator[T], end: E) -> T | E:
    """The next item of an iterator, or `end` where there is none."""
    return next(source, end)
