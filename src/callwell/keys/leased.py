# SPDX-License-Identifier: Apache-2.0
"""Sources that run a program or use the network: read in a thread, kept for a lease, shared by a process's clients.

On an event loop, nothing here but the lookup of the kept key is called. Some time before a lease ends, a thread reads
the source again, while calls continue with the key::

    read ── calls use the key ── 0.8 of the lease: a thread reads again ── the lease ends: whoever reads waits

If the source cannot be read then, it is only tried again, even after the end of the lease: clients log that once, and
keep using the key. A key that a thread has read changes `revision`, which is how clients notice a new key at any
source.
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
"""The fraction of a lease after which the source is read again: the rest leaves time for a slow program and several
tries."""

RETRY_S: Final = 5.0
"""Seconds until an unreadable source is tried again."""

MIN_LEASE_S: Final = 0.001
"""The shortest lease, in case a third-party source returns nonsense."""


class CachedKey:
    """The key that was read from one place, by any client of this process.

    Attributes:
        key: the key that was read last; None before the first time.
        fresh_until: when its lease ends, in monotonic seconds.
        renew_at: when a thread reads the source again.
        number: how many different keys were read.
        is_failing: the last read failed.
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
        """In a forked child no thread reads the source."""
        self._reading = threading.Lock()
        self._state = threading.Lock()
        self._is_renewing = False

    def read(self, source: KeySource, refused: str | None = None) -> Key:
        """The key within its lease, otherwise read now; one thread reads, and the others wait for its result.

        Args:
            source: the place.
            refused: the fingerprint of a key that does not work; if it is the kept one, the source is read again.

        Raises:
            KeyMissing: it cannot be read.
        """
        kept = self._find_fresh(refused)
        if kept is not None:
            return kept  # without the lock, since a thread may be renewing the lease
        with self._reading:
            return self._find_fresh(refused) or self._read_now(source)

    def _find_fresh(self, refused: str | None) -> Key | None:
        """The kept key, if its lease has not ended and it is not known to be refused."""
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
                if time.monotonic() >= self.renew_at:  # a caller may have read it in the meantime
                    self._read_now(source)
        except KeyMissing as error:  # calls continue with the key until it is refused; then a caller reads the source
            with self._state:
                self.renew_at = time.monotonic() + RETRY_S
                # Callers get the kept key meanwhile, since they must not wait for a source that is down.
                self.fresh_until = max(self.fresh_until, self.renew_at)
                is_first = not self.is_failing
                self.is_failing = True
            if is_first:
                _warn(source.location, str(error))
        finally:
            with self._state:
                self._is_renewing = False


def _warn(location: str, reason: str) -> None:
    """Log once that a source is unavailable, regardless of the number of clients and tries."""
    import logging  # most processes never need it

    logging.getLogger("callwell").warning(
        "%s: calls continue with the key, which cannot be read again: %s", location, reason
    )


_CACHE: Final[dict[str, CachedKey]] = {}
_LOCK: Final = threading.Lock()


class LeasedSource:
    """A source with a lease, as clients see it.

    Args:
        inner: reads the place.
        name: the place as written; sources with the same name share the key that was read.
    """

    def __init__(self, inner: KeySource, name: str) -> None:
        self._inner = inner
        self.location: str = inner.location
        self.can_change: bool = inner.can_change
        with _LOCK:
            self._kept = _CACHE.setdefault(name, CachedKey())

    @property
    def lease_s(self) -> float | None:
        """How long the last key that was read is kept; a source may change this with each read."""
        return self._inner.lease_s or MIN_LEASE_S

    @property
    def file(self) -> Path | None:
        """The file that has the key, if there is one."""
        return self._inner.file

    def how_to_store(self) -> StoringGuide:
        """The source's instructions."""
        return guide_storing(self._inner)

    def read(self) -> Key:
        """The key, read within the lease or now."""
        return self._kept.read(self._inner)

    def refresh(self, refused: str) -> Key:
        """The key, read now if the kept one was refused.

        Args:
            refused: the fingerprint of the refused key.
        """
        return self._kept.read(self._inner, refused)

    def revision(self) -> object:
        """How many different keys were read. A lease that has ended is renewed in a thread."""
        self._kept.renew_if_due(self._inner)
        return self._kept.number
