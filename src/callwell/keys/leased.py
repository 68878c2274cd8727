# SPDX-License-Identifier: Apache-2.0
"""Sources that take a program or a network to read: read in a thread, kept for a lease, shared by a process's clients.

Nothing here runs on an event loop but looking at what is kept. Some time before a lease ends, a thread reads the source
again, and calls go on with the key meanwhile::

    read ── calls use the key ── 0.8 of the lease: a thread reads again ── the lease ends: whoever reads waits

A source that cannot be read then costs nothing but another try, also after the end of the lease: clients say so once,
and keep the key in use. What a thread has read shows in `revision`, by which clients notice a new key at any source.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from callwell.errors import KeyMissing
from callwell.forks import reset_after_fork
from callwell.keys.spec import guide_storing

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.keys.key import Key
    from callwell.keys.spec import KeySource, StoringGuide

RENEW_AFTER: Final = 0.8
"""The part of a lease after which the source is read again: the rest is time for a slow program and several tries."""

RETRY_S: Final = 5.0
"""Seconds until a source is tried again that could not be read."""

MIN_LEASE_S: Final = 0.001
"""The shortest lease: a source of another package may say nonsense after a reading."""


class CachedKey:
    """What was read from one place, by whichever client of this process.

    Attributes:
        key: the key that was read last; None before the first time.
        fresh_until: when its lease ends, in monotonic seconds.
        renew_at: when a thread reads the source again.
        number: how many different keys were read.
        is_failing: the source could not be read the last time.
    """

    def __init__(self) -> None:
        self.key: Key | None = None
        self.fresh_until = 0.0
        self.renew_at = 0.0
        self.number = 0
        self.is_failing = False
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
        kept = self._find_fresh(refused)
        if kept is not None:
            return kept  # without the lock: a thread may be renewing the lease
        with self._reading:
            return self._find_fresh(refused) or self._read_now(source)

    def _find_fresh(self, refused: str | None) -> Key | None:
        """The kept key, if its lease has not ended and it works as far as is known."""
        key = self.key
        is_fresh = key is not None and time.monotonic() < self.fresh_until and key.fingerprint != refused
        return key if is_fresh else None

    def _read_now(self, source: KeySource) -> Key:
        """Read the source, and begin a lease."""
        key = source.read()
        with self._state:
            if key != self.key:
                self.key = key
                self.number += 1
            now = time.monotonic()
            lease_s = max(source.lease_s or 0.0, MIN_LEASE_S)
            self.fresh_until = now + lease_s
            self.renew_at = now + RENEW_AFTER * lease_s
            self.is_failing = False
        return key

    def renew_if_due(self, source: KeySource) -> None:
        """Read the source in a thread if the lease ends soon. This never waits."""
        if self.key is None or time.monotonic() < self.renew_at:
            return
        with self._state:
            if self._is_renewing:
                return
            self._is_renewing = True
        threading.Thread(target=self._renew, args=(source,), name="callwell-key-source", daemon=True).start()

    def _renew(self, source: KeySource) -> None:
        try:
            with self._reading:
                if time.monotonic() >= self.renew_at:  # a caller may have read it meanwhile
                    self._read_now(source)
        except KeyMissing as error:  # calls go on with the key until it is refused; then a caller reads the source
            with self._state:
                self.renew_at = time.monotonic() + RETRY_S
                # Whoever reads it gets the kept key meanwhile: a caller must not wait for a source that is down.
                self.fresh_until = max(self.fresh_until, self.renew_at)
                is_first = not self.is_failing
                self.is_failing = True
            if is_first:
                _warn(source.location, str(error))
        finally:
            with self._state:
                self._is_renewing = False


def _warn(location: str, reason: str) -> None:
    """Say once that a source is away, whatever the number of clients and tries."""
    import logging  # most processes never need it

    logging.getLogger("callwell").warning(
        "%s: calls go on with the key, which cannot be read again: %s", location, reason
    )


_CACHE: Final[dict[str, CachedKey]] = {}
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
        with _LOCK:
            self._kept = _CACHE.setdefault(name, CachedKey())

    @property
    def lease_s(self) -> float | None:
        """How long the key that was read last is kept: a source may say so again with each reading."""
        return self._inner.lease_s or MIN_LEASE_S

    @property
    def file(self) -> Path | None:
        """The file that has the key, if there is one."""
        return self._inner.file

    def how_to_store(self) -> StoringGuide:
        """As the source says."""
        return guide_storing(self._inner)

    def read(self) -> Key:
        """The key, read within the lease or now."""
        return self._kept.read(self._inner)

    def refresh(self, refused: str) -> Key:
        """The key, read now if the kept one is the refused one.

        Args:
            refused: the fingerprint of the key that does not work any more.
        """
        return self._kept.read(self._inner, refused)

    def revision(self) -> object:
        """How many different keys were read. A lease that has ended is renewed in a thread."""
        self._kept.renew_if_due(self._inner)
        return self._kept.number
