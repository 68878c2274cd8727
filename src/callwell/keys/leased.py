# SPDX-License-Identifier: Apache-2.0
"""Sources that take a program or a network to read: read in a thread, kept for a lease, shared by a process's clients.

Nothing here runs on an event loop but looking at what is kept. When a lease has ended, calls go on with the key while a
thread reads it again; a source that cannot be read then costs nothing but another try. What a thread has read shows in
`revision`, by which clients notice a new key at any source.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from callwell.errors import KeyMissing
from callwell.forks import reset_after_fork

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.keys.key import Key
    from callwell.keys.spec import KeySource

RETRY_S: Final = 5.0
"""Seconds until a source is tried again that could not be read when its lease had ended."""


class KeptKey:
    """What was read from one place, by whichever client of this process.

    Attributes:
        key: the key that was read last; None before the first time.
        fresh_until: when it is read again, in monotonic seconds.
        number: how many different keys were read.
    """

    def __init__(self) -> None:
        self.key: Key | None = None
        self.fresh_until = 0.0
        self.number = 0
        self._reading = threading.Lock()
        self._state = threading.Lock()
        self._is_renewing = False
        reset_after_fork(self)

    def after_fork(self) -> None:
        """In a child no thread reads the source."""
        self._reading = threading.Lock()
        self._state = threading.Lock()
        self._is_renewing = False

    def read(self, source: KeySource, refused: str | None = None) -> Key:
        """The key within its lease, or read now; one thread reads, and the others wait for what it gets.

        Args:
            source: the place.
            refused: the fingerprint of a key that does not work, so that it is read again if that is the kept one.

        Raises:
            KeyMissing: it cannot be read.
        """
        with self._reading:
            key = self.key
            if key is not None and time.monotonic() < self.fresh_until and key.fingerprint != refused:
                return key
            key = source.read()
            with self._state:
                if key != self.key:
                    self.key = key
                    self.number += 1
                self.fresh_until = time.monotonic() + (source.lease_s or 0.0)
            return key

    def renew_if_due(self, source: KeySource) -> None:
        """Read the source in a thread if the lease has ended. This never waits."""
        if self.key is None or time.monotonic() < self.fresh_until:
            return
        with self._state:
            if self._is_renewing:
                return
            self._is_renewing = True
        threading.Thread(target=self._renew, args=(source,), name="callwell-key-source", daemon=True).start()

    def _renew(self, source: KeySource) -> None:
        try:
            self.read(source)
        except KeyMissing:  # calls go on with the key until it is refused; then a caller reads the source and reports
            with self._state:
                self.fresh_until = time.monotonic() + RETRY_S
        finally:
            with self._state:
                self._is_renewing = False


_KEPT: Final[dict[str, KeptKey]] = {}
_LOCK: Final = threading.Lock()


class LeasedSource:
    """A source with a lease, as clients see it.

    Args:
        inner: reads the place.
        name: the place as it was written: those of the same name share what was read.
    """

    def __init__(self, inner: KeySource, name: str) -> None:
        self._inner = inner
        self.location: str = inner.location
        self.can_change: bool = inner.can_change
        self.lease_s: float | None = inner.lease_s
        with _LOCK:
            self._kept = _KEPT.setdefault(name, KeptKey())

    @property
    def file(self) -> Path | None:
        """The file that has the key, if there is one."""
        return self._inner.file

    @property
    def is_kept(self) -> bool:
        """Whether a key was read before, so that `read` returns at once."""
        return self._kept.key is not None and time.monotonic() < self._kept.fresh_until

    def read(self) -> Key:
        """The key, read within the lease or now."""
        return self._kept.read(self._inner)

    def read_anew(self, refused: str) -> Key:
        """The key, read now if the kept one is the refused one.

        Args:
            refused: the fingerprint of the key that does not work any more.
        """
        return self._kept.read(self._inner, refused)

    def revision(self) -> object:
        """How many different keys were read. A lease that has ended is renewed in a thread."""
        self._kept.renew_if_due(self._inner)
        return self._kept.number
