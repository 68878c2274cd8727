# SPDX-License-Identifier: Apache-2.0
"""The stored position of one upload, which all calls of the same upload share.

Two concurrent calls of the same upload, in one process or two, send one object. They share one record::

    first call                       the record                        second call
    ──────────────────────────────   ───────────────────────────────   ─────────────────────────────────────────
    enters: names the creation ────> creation N, holder 1
                                     creation N, holders 1 and 2 <──── enters: joins creation N
    creates the object, under N      (exactly once, by the ledger)     creates under N: finds the same object
    stores it ─────────────────────> creation N, its target <───────── finds the target there, or stores it
    ends: holder 2 is at work        creation N, holder 2
                                     (nothing) <────────────────────── ends: is the last, and forgets all of it

A call that finds an object there joins it in the same way. One that starts over (`resume=False`) replaces the record
with its own; the calls that it found there then neither store nor forget anything but themselves.

Each arrow is one atomic step of the state. So a call that enters sees a creation, or a target, or nothing; and the name
of a creation is forgotten only when no call is left that could still create under it.

The name is stored before the request leaves, so that the same upload, started again after a kill, finds the object.
After the end of an upload, the same call creates another object.

A call on another machine cannot be seen. It counts as running for `LEASE_S` after it last stored a position, so that a
call that died there does not keep a finished upload in the state.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.client.exactly_once import store
from callwell.client.uploads.options import NO_UPLOAD
from callwell.errors import StateError
from callwell.observe.logs import LOGGER
from callwell.state.base import DELETE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.client.exactly_once.store import LedgerStore
    from callwell.core.upload import Upload
    from callwell.state.base import Cell, State


LEASE_S: Final = 600.0
"""Longer than the time between two stored positions: one is stored before and after each piece, and a piece with its
retries takes minutes."""


class JoinedUpload(NamedTuple):
    """An upload that a call has joined.

    Attributes:
        upload: its position. Other calls may also send pieces of it.
        is_new: it starts now, with a new creation.
    """

    upload: Upload
    is_new: bool


class UploadPosition:
    """The stored state of one upload.

    Args:
        state: the state with the record.
        cell: the record; None for an upload that cannot be resumed.
        ledger: the ledger of the calls that create objects.
        name: the operation, for messages.

    Attributes:
        cell: as above.
        has_failed: a position could not be stored.
    """

    def __init__(self, state: State, cell: Cell[Upload] | None, *, ledger: LedgerStore, name: str) -> None:
        self.cell = cell
        self.has_failed = False
        self.holder = ""
        self._creation = ""
        self._state = state
        self._ledger = ledger
        self._name = name

    @contextmanager
    def hold(self) -> Iterator[str]:
        """The holder of this call, which is alive inside the block."""
        with self._ledger.locks.hold() as self.holder:
            yield self.holder

    def release(self) -> None:
        """Record that this call is no longer running."""
        self._ledger.locks.release(self.holder)

    def join(self) -> Upload:
        """Join the upload that already has an object; an empty one if there is none."""
        if self.cell is None or self._state.read(self.cell).target is None:
            return NO_UPLOAD

        def change(before: Upload) -> tuple[Upload, Upload]:
            if before.target is None:
                return (before if before.creation else DELETE), NO_UPLOAD
            joined = self._hold(before)
            return joined, joined

        joined = self._state.update(self.cell, change)
        self._creation = joined.creation
        return joined

    def enter(
        self, cell: Cell[Upload], blank: Upload, *, gone: str | None = None, force_new: bool = False
    ) -> JoinedUpload:
        """Join the upload that is running or was interrupted, or start one.

        Args:
            cell: the record.
            blank: the upload as it starts.
            gone: a creation or target that the provider no longer has: an upload with it is not joined.
            force_new: start one, even if one is running.
        """

        def change(before: Upload) -> tuple[Upload, tuple[JoinedUpload, str]]:
            is_gone = gone is not None and gone in (before.creation, before.target)
            if before.creation and not force_new and not is_gone:
                joined = self._hold(before)
                return joined, (JoinedUpload(joined, is_new=False), "")
            started = blank._replace(creation=f"upload {store.new_marker()}", resumed=True)
            started = self._hold(started)
            return started, (JoinedUpload(started, is_new=True), "" if self._others(before) else before.creation)

        entered, forgotten = self._state.update(cell, change)
        self._creation = entered.upload.creation
        if forgotten:
            self._ledger.delete(forgotten)
        return entered

    def store_target(self, cell: Cell[Upload], entered: Upload, target: str) -> Upload:
        """Store the object of an upload; another call may have stored it first.

        Args:
            cell: the record.
            entered: the upload, from `enter`.
            target: the object.
        """

        def change(before: Upload) -> tuple[Upload, Upload]:
            if before.creation == entered.creation and before.target is not None:
                return before, before
            holds = before if before.holders else entered
            created = entered._replace(target=target, holders=holds.holders, leases=holds.leases)
            if not self._is_ours(before):
                return (before if before.creation else DELETE), created
            return created, created

        return self._state.update(cell, change)

    def store(self, upload: Upload) -> None:
        """Store the progress of the upload. A failure in between costs nothing else."""
        if self.cell is None or upload.target is None:
            return

        def change(before: Upload) -> tuple[Upload, None]:
            if not self._is_ours(before):
                return (before if before.creation else DELETE), None
            leases = {**before.leases, self.holder: self._ledger.wall() + LEASE_S}
            return upload._replace(holders=before.holders, leases=leases), None

        try:
            self._state.update(self.cell, change)
        except StateError as error:
            if not self.has_failed:
                LOGGER.warning("%s: the position of %s could not be stored: %s", self._name, upload.target, error)
            self.has_failed = True

    def delete(self) -> None:
        """The upload has ended: forget it, unless another call is still sending it."""
        if self.cell is None:
            return

        def leave(before: Upload) -> tuple[Upload, bool]:
            left = before._replace(holders=self._others(before))
            return left, self._is_ours(before) and not left.holders

        def remove(before: Upload) -> tuple[Upload, None]:
            # Another call may have joined it, or started another one, since this call left.
            return (DELETE if self._is_ours(before) and not self._others(before) else before), None

        try:
            if self._state.update(self.cell, leave):
                if self._creation:
                    self._ledger.delete(self._creation)
                self._state.update(self.cell, remove)
        except StateError as error:  # it must not lose the result
            LOGGER.warning("%s: the end of the upload could not be stored: %s", self._name, error)

    def _is_ours(self, stored: Upload) -> bool:
        """Whether the record belongs to this call's upload, and not to one that was started over in the meantime.

        A missing record was forgotten by a call that had waited for this one until its lease ended.
        """
        return not self._creation or stored.creation == self._creation

    def _hold(self, upload: Upload) -> Upload:
        """The upload, held by this call and the other running ones."""
        others = self._others(upload)
        leases = {holder: upload.leases[holder] for holder in others if holder in upload.leases}
        leases[self.holder] = self._ledger.wall() + LEASE_S
        return upload._replace(holders=(*others, self.holder), leases=leases)

    def _others(self, upload: Upload) -> tuple[str, ...]:
        """The other calls that are running, or that ran recently if they cannot be seen."""
        return tuple(holder for holder in upload.holders if holder != self.holder and self._is_at_work(holder, upload))

    def _is_at_work(self, holder: str, upload: Upload) -> bool:
        alive = self._ledger.locks.is_alive(holder)
        return upload.leases.get(holder, 0.0) > self._ledger.wall() if alive is None else alive
