# SPDX-License-Identifier: Apache-2.0
"""What the two sides cannot share: waiting, waking, and doing something ahead. The twin of `_async/primitives.py`."""

from __future__ import annotations

import contextvars
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from callwell.transport.pyreqwest import PyreqwestTransport as DefaultTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator

    from callwell.client.calls.responses import Answer

__all__ = [
    "BackgroundTask",
    "CloseMixin",
    "DefaultTransport",
    "Fetch",
    "Find",
    "Latch",
    "PendingAnswer",
    "cancel_all",
    "next_or_none",
    "run",
    "run_blocking",
    "sleep",
    "wait_all",
]

T = TypeVar("T")

PendingAnswer: TypeAlias = "Answer"
Fetch: TypeAlias = "Callable[..., Answer]"
Find: TypeAlias = "Callable[[], Answer | None]"


class Latch:
    """Something that one waits for and another sets."""

    __slots__ = ("_event",)

    is_dead = False
    """No thread ends without a word."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Wake who waits."""
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Wait until it is set, or real seconds have passed, and unset it."""
        self._event.wait(min(seconds, threading.TIMEOUT_MAX))
        self._event.clear()


def sleep(seconds: float) -> None:
    """Wait for real seconds."""
    time.sleep(max(0.0, seconds))


class CloseMixin:
    """Gives what is closed by `close` the name `aclose` as well."""

    if TYPE_CHECKING:

        def close(self) -> None:
            """Close it."""

    def aclose(self) -> Awaitable[None]:
        """The same as `close`: it is closed when this returns, and may be awaited."""
        self.close()
        return DONE


class DoneAwaitable:
    """Something to await that is over."""

    def __await__(self) -> Generator[Any, None, None]:
        """Nothing to wait for."""
        return iter(())  # type: ignore[return-value] # awaiting needs no more than an iterator


DONE: Final = DoneAwaitable()


class BackgroundTask(Generic[T]):
    """Something that is done while the caller goes on.

    Args:
        work: what to do, in a thread of its own, with the context variables of the caller: spans go on in it.
    """

    __slots__ = ("_future", "_work")

    def __init__(self, work: Callable[[], T]) -> None:
        self._future: Future[T] = Future()
        self._work = work
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(self._run,), name="callwell-ahead", daemon=True).start()

    def result(self) -> T:
        """What came of it."""
        return self._future.result()

    def cancel(self) -> None:
        """It is not wanted any more. What was sent is under way; its answer is dropped."""
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


def wait_all(several: Iterable[BackgroundTask[Any]]) -> None:
    """Wait until all are done, or one of them has failed: then its failure is raised at once."""
    done, _ = wait([one.future for one in several], return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()


def cancel_all(several: Iterable[BackgroundTask[Any]]) -> None:
    """Things that are done ahead are not wanted any more: their threads end with the answers that are under way."""
    for one in several:
        one.cancel()


def run_blocking(work: Callable[[], T]) -> T:
    """Do something that blocks."""
    return work()


def next_or_none(source: Iterator[T]) -> T | None:
    """The next thing that an iterator gives, None at its end."""
    return next(source, None)


def run(work: Callable[[], T]) -> T:
    """Do it: what a test says once for both sides."""
    return work()
