# SPDX-License-Identifier: Apache-2.0
"""Polls the key records that processes share, in a thread, so that an event loop never waits for the state.

A poll is started by a call, from time to time, and by the state, as soon as another process has changed such a record.
Two polls never run at the same time; one that is requested meanwhile follows.

All clients of a process poll through the state of their keeper (`client.quota.leases.keeper`), which has one connection
for queries and one that listens, and does not wait long for a locked file. A client that is garbage-collected without
being closed stops polling: except during a poll, nothing here keeps it alive.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol
from weakref import ref

from callwell.errors import StateError
from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client.keys.usage import KeyUseLog
    from callwell.core.keyring import KeyRing

UNSIGNALLED_POLL_S: Final = 0.5
"""How often a client that makes calls polls while the state sends it no signals: two reads, 0.1 ms in SQLite."""

SIGNALLED_POLL_S: Final = 5.0
"""The same while it does, in case a signal is lost."""


class PolledKeys(Protocol):
    """The keys of a client that polls: see `BaseKeyManager`."""

    def check_revoked(self) -> None:
        """Stop using the keys that are marked as revoked."""

    def reread(self, *, ends_lease: bool = False) -> bool:
        """Read the source, and return whether it has a new key."""

    def switch_to_accepted(self, is_accepted: Callable[[str], bool]) -> None:
        """Switch to a new key that another process has tried."""

    def copy_ring(self) -> KeyRing:
        """A copy of the key ring."""


class KeyPoller:
    """Runs the polls of one client.

    Args:
        keys: the client's keys.
        uses: the records of its account.
        now: monotonic seconds of the client's clock.
    """

    def __init__(self, keys: PolledKeys, uses: KeyUseLog, now: float) -> None:
        self._keys = ref(keys)
        self._uses = uses
        self._reloads = 0
        self._is_source_changed = False
        self._lock = threading.Lock()
        self._is_running = False
        self._is_wanted = False
        self._is_closed = False
        self._ended = threading.Condition(self._lock)
        self._stop_listening: Callable[[], None] | None = None
        self._begun_at = now
        reset_after_fork(self)

    def after_fork(self) -> None:
        """In a forked child no poll is running."""
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._is_running = False
        self._is_wanted = False
        self._stop_listening = None

    def open(self) -> None:
        """Record the reload requests so far, since the key is read after this."""
        self._reloads = self._uses.fleet.read_reloads()

    def poll_if_due(self, now: float) -> None:
        """Start a poll if there was no signal for a while; the first one is not due immediately.

        Args:
            now: monotonic seconds of the client's clock.
        """
        every_s = UNSIGNALLED_POLL_S if self._stop_listening is None else SIGNALLED_POLL_S
        if now - self._begun_at >= every_s:
            self._begun_at = now
            self.start()

    def start(self, *, read_source: bool = False) -> None:
        """Start a poll, or request another one after the one that is running.

        Args:
            read_source: the key source has changed, and must be read again.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_source_changed = self._is_source_changed or read_source
            self._is_wanted = True
            if self._is_running:
                return
            self._is_running = True
        threading.Thread(target=self._run, name="callwell-keys", daemon=True).start()

    def poll(self) -> None:
        """Apply what other processes have recorded about keys, and report which key is used here. This blocks."""
        keys = self._keys()
        if keys is None:
            return
        keys.check_revoked()
        with suppress(StateError):
            reloads = self._uses.fleet.read_reloads()
            is_asked = reloads != self._reloads
            if is_asked or self._is_source_changed:
                self._is_source_changed = False
                keys.reread(ends_lease=is_asked)
                self._reloads = reloads
            keys.switch_to_accepted(self._uses.fleet.has_accepted)
            self._uses.fleet.report(keys.copy_ring(), self._reloads, is_closed=False)

    def close(self) -> None:
        """Stop polling, wait for the running poll, and report that no key is used here any more.

        A report that cannot be written is skipped: others consider the client closed when it has been silent for long
        enough (`fleet.is_silent`).
        """
        with self._lock:
            self._is_closed = True
            self._is_wanted = False
            while self._is_running:
                self._ended.wait()
        if self._stop_listening is not None:
            self._stop_listening()
        keys = self._keys()
        if keys is not None:
            with suppress(StateError):
                self._uses.fleet.report(keys.copy_ring(), self._reloads, is_closed=True)

    def _on_topic(self, topic: str) -> None:
        if topic == self._uses.topic:
            self.start()

    def _run(self) -> None:
        if self._stop_listening is None:  # not before the first poll: a short-lived program needs no signals
            with suppress(StateError):
                self._stop_listening = self._uses.state.listen(self._on_topic)
        while True:
            with self._lock:
                if not self._is_wanted:
                    self._is_running = False
                    self._ended.notify_all()
                    return
                self._is_wanted = False
            self.poll()
