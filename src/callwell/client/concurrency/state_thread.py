# SPDX-License-Identifier: Apache-2.0
"""One thread for each shared state, which does the state's work for event loops, in order.

A state that processes share waits for a disk or a server, and an event loop must not. So a loop hands its work over and
continues with other tasks::

    task A ── write 1 ──┐
    task B ── read 2 ───┼──> thread of the state: 1, 2, 3, one after the other ──> disk or server
    no one ─ write 3 ───┘

Submitted work is done, in this order, even if its task is cancelled: a task that is cancelled while it waits loses only
the result. A process that ends first does what is still in the queue.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future, ThreadPoolExecutor

    from callwell.state.base import State

T = TypeVar("T")

_THREADS: Final = WeakKeyDictionary["State", "ThreadPoolExecutor"]()

_LOCK: Final = threading.RLock()
"""Held while a thread is looked up or gets work, and during a fork: a child never finds a half-submitted item."""


def submit(state: State, work: Callable[[], T]) -> Future[T]:
    """Do work in the thread of a state, after all work submitted before.

    Args:
        state: the state that the work uses. The thread ends with it, or by `end`.
        work: the work.
    """
    with _LOCK:
        thread = _THREADS.get(state)
        if thread is None:
            from concurrent.futures import ThreadPoolExecutor  # loads logging; a state in memory needs no thread

            thread = ThreadPoolExecutor(1, "callwell-state")
            _THREADS[state] = thread
        return thread.submit(work)


def finish(state: State) -> None:
    """Wait until all work submitted so far is done."""
    with _LOCK:
        thread = _THREADS.get(state)
        last = None if thread is None else thread.submit(_do_nothing)
    if last is not None:
        last.result()


def end(state: State) -> None:
    """End the thread of a closed state, once all submitted work is done."""
    with _LOCK:
        thread = _THREADS.pop(state, None)
    if thread is not None:
        thread.shutdown(wait=False)


def _do_nothing() -> None:
    """Mark a position in the queue of a state's thread."""


def _after_fork_in_child() -> None:
    """A child has no threads, and its parent does the work that it submitted itself."""
    _THREADS.clear()
    _LOCK.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_after_fork_in_child)
