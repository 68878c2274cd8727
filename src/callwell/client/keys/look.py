# SPDX-License-Identifier: Apache-2.0
"""Looks at the records that processes share about keys, in a thread: an event loop never waits for the state.

A look is begun by a call, now and then, and by the state, as soon as another process has changed such a record. Two
looks never run at the same time; one that is asked for meanwhile follows.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from callwell.errors import StateError
from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.state.base import State

DEAF_LOOK_S: Final = 0.5
"""How often a client that makes calls looks while the state gives it no signals: two reads, 0.1 ms in SQLite."""

LOOK_S: Final = 5.0
"""The same while it does, in case that one is lost."""


class KeyLooks:
    """Runs the looks of one client.

    Args:
        look: looks once, which may block.
        state: gives the signals.
        topic: of the signals.
        now: monotonic seconds of the client's clock.
    """

    def __init__(self, look: Callable[[], None], state: State, topic: str, now: float) -> None:
        self._look = look
        self._state = state
        self._topic = topic
        self._lock = threading.Lock()
        self._is_running = False
        self._is_wanted = False
        self._is_closed = False
        self._ended = threading.Condition(self._lock)
        self._stop_listening: Callable[[], None] | None = None
        self._begun_at = now
        reset_after_fork(self)

    def after_fork(self) -> None:
        """In a child no look runs."""
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._is_running = False
        self._is_wanted = False
        self._stop_listening = None

    def begin_if_due(self, now: float) -> None:
        """Begin a look if there was no signal for a while; the first one is not due at once.

        Args:
            now: monotonic seconds of the client's clock.
        """
        every_s = DEAF_LOOK_S if self._stop_listening is None else LOOK_S
        if now - self._begun_at >= every_s:
            self._begun_at = now
            self.begin()

    def begin(self) -> None:
        """Begin a look, or another one after that which runs now."""
        with self._lock:
            if self._is_closed:
                return
            self._is_wanted = True
            if self._is_running:
                return
            self._is_running = True
        threading.Thread(target=self._run, name="callwell-keys", daemon=True).start()

    def close(self) -> None:
        """Begin no other look, and wait for the one that runs: the state may be closed afterwards."""
        with self._lock:
            self._is_closed = True
            self._is_wanted = False
            while self._is_running:
                self._ended.wait()
        if self._stop_listening is not None:
            self._stop_listening()

    def _on_topic(self, topic: str) -> None:
        if topic == self._topic:
            self.begin()

    def _run(self) -> None:
        if self._stop_listening is None:  # not before the first look: a short-lived program needs no signals
            with suppress(StateError):
                self._stop_listening = self._state.listen(self._on_topic)
        while True:
            with self._lock:
                if not self._is_wanted:
                    self._is_running = False
                    self._ended.notify_all()
                    return
                self._is_wanted = False
            self._look()
