# SPDX-License-Identifier: Apache-2.0
"""The callbacks in this process for notified topics."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from callwell.forks import reset_after_fork
from callwell.state.logs import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable


class Listeners:
    """The callbacks of one state.

    Args:
        begin: called when the first callback is added, with the function to call for each topic from another process.
            Returns a function that ends that. None if no other process notifies.
    """

    def __init__(self, begin: Callable[[Callable[[str], None]], Callable[[], None]] | None = None) -> None:
        self._begin = begin
        self._end: Callable[[], None] | None = None
        self._callbacks: dict[object, Callable[[str], None]] = {}
        self._lock = threading.Lock()
        reset_after_fork(self)

    def after_fork(self) -> None:
        """A forked child has none of its parent's threads, so nothing arrives for its parent's callbacks."""
        self._callbacks = {}
        self._end = None
        self._lock = threading.Lock()

    def add(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` with each topic that is notified from now on, until the returned function is called."""
        token = object()
        with self._lock:
            if not self._callbacks and self._begin is not None:
                self._end = self._begin(self.deliver)
            self._callbacks[token] = callback
        return lambda: self._remove(token)

    def deliver(self, topic: str) -> None:
        """Call each callback. Exceptions are logged, and the other callbacks are still called."""
        for callback in tuple(self._callbacks.values()):
            try:
                callback(topic)
            except Exception:
                LOGGER.exception("a callback for %s failed", topic)

    def close(self) -> None:
        """Forget all callbacks."""
        for token in tuple(self._callbacks):
            self._remove(token)

    def _remove(self, token: object) -> None:
        with self._lock:
            if self._callbacks.pop(token, None) is None or self._callbacks:
                return
            end = self._end
            self._end = None
        if end is not None:
            end()  # without the lock, which the ending thread may need in a callback
