# SPDX-License-Identifier: Apache-2.0
"""Looks at the records that processes share about keys, in a thread: an event loop never waits for the state.

A look is begun by a call, now and then, and by the state, as soon as another process has changed such a record. Two
looks never run at the same time; one that is asked for meanwhile follows.

All clients of a process look by the state of their keeper (`client.quota.leases.keeper`), which has one connection and
one that listens, and does not wait long for a file that is locked. A client that is collected without being closed
looks no more: except while a look runs, nothing here keeps it alive.
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
"""How often a client that makes calls looks while the state gives it no signals: two reads, 0.1 ms in SQLite."""

SIGNALLED_POLL_S: Final = 5.0
"""The same while it does, in case that one is lost."""


class LookingKeys(Protocol):
    """The keys of a client that looks at what others do: see `KeyHolder`."""

    def check_revoked(self) -> None:
        """Stop using the keys that are marked as revoked."""

    def reread(self, *, ends_lease: bool = False) -> bool:
        """Read the source; whether it has a new key."""

    def switch_to_accepted(self, is_accepted: Callable[[str], bool]) -> None:
        """Switch to a new key that another process has tried."""

    def copy_ring(self) -> KeyRing:
        """The keys as they are now."""


class KeyPoller:
    """Runs the looks of one client.

    Args:
        keys: the client's keys.
        uses: the records of its account.
        now: monotonic seconds of the client's clock.
    """

    def __init__(self, keys: LookingKeys, uses: KeyUseLog, now: float) -> None:
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
        """In a child no look runs."""
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._is_running = False
        self._is_wanted = False
        self._stop_listening = None

    def open(self) -> None:
        """Note what was asked of all processes so far: the key is read after this."""
        self._reloads = self._uses.fleet.read_reloads()

    def begin_if_due(self, now: float) -> None:
        """Begin a look if there was no signal for a while; the first one is not due at once.

        Args:
            now: monotonic seconds of the client's clock.
        """
        every_s = UNSIGNALLED_POLL_S if self._stop_listening is None else SIGNALLED_POLL_S
        if now - self._begun_at >= every_s:
            self._begun_at = now
            self.begin()

    def begin(self, *, read_source: bool = False) -> None:
        """Begin a look, or another one after that which runs now.

        Args:
            read_source: the key source has changed, and is read again.
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

    def look(self) -> None:
        """Take over what other processes have recorded about keys, and report which key is used here. This blocks."""
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
        """Begin no other look, wait for the one that runs, and report that no key is used here any longer.

        A report that cannot be written is left out: others take the client for closed when it has been silent for long
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
            self.begin()

    def _run(self) -> None:
        if self._stop_listening is None:  # not before the first look: a short-lived program needs no signals
            with suppress(StateError):
                self._stop_listening = self._uses.state.listen(self._on_topic)
        while True:
            with self._lock:
                if not self._is_wanted:
                    self._is_running = False
                    self._ended.notify_all()
                    return
                self._is_wanted = False
            self.look()
