# SPDX-License-Identifier: Apache-2.0
"""Records the progress of a batch in the state, so that the same batch resumes after a kill and sends nothing twice.

Its methods block on the state: see `use_state` for event loops.

Each file gets a name for its upload, which is stored before any of it is sent. The name identifies the provider's
object later, even if the process died between the last piece and the note that the file is done.

Several processes may work on one batch concurrently: they share its round and the names in it::

    begin       a round is opened, or joined if it is still known
    complete    all files are uploaded: the round has ended, but is remembered for REMEMBERED_S
    afterwards  the round is forgotten, and the same batch begins a new one

While a round is remembered, a process that still works on it finds its notes, and running the same batch again returns
the same report.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.batch.report import FileResult  # noqa: TC001 - a stored `FileNote` is read by its annotations
from callwell.client.exactly_once import store
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.client.exactly_once.store import LedgerStore
    from callwell.clock import Clock
    from callwell.state.base import State

REMEMBERED_S: Final = 3_600.0
"""Seconds for which a finished batch is remembered, as docs/how/uploads.md promises."""


class FileNote(NamedTuple):
    """The note about one file.

    Attributes:
        name: the name of its exactly-once upload.
        result: its result, once it is uploaded.
    """

    name: str = ""
    result: FileResult | None = None


class UploadRound(NamedTuple):
    """One round of a batch: every file is uploaded once.

    Attributes:
        batch: the digest of the batch.
        name: the name of the round, part of the keys of its notes.
        ended: when all files were uploaded, in seconds since the epoch; 0 before.
    """

    batch: str
    name: str
    ended: float = 0.0


class UploadRounds(NamedTuple):
    """The remembered rounds of all batches of an account."""

    known: tuple[UploadRound, ...] = ()


NO_NOTE: Final = FileNote()


class UploadJournal:
    """The notes of one batch.

    Args:
        state: the state that stores them.
        ledger: the ledger of the calls that create the objects.
        account: the account of the batch.
        parts: the identity of the batch: the operation, the files and their arguments.
        clock: the source of `ended`.
        force: start a new round, even if a finished one is remembered.
    """

    def __init__(
        self,
        state: State,
        ledger: LedgerStore,
        account: str,
        parts: Iterable[object],
        *,
        clock: Clock,
        force: bool = False,
    ) -> None:
        self._state = state
        self._ledger = ledger
        self._clock = clock
        self._batch = _digest(parts)
        self._rounds = Cell(f"batch-rounds:{account}", UploadRounds, UploadRounds())
        self._notes = f"batch:{account}:"
        self._force = force
        self._round = ""

    def open(self) -> None:
        """Open or join a round; must be called before anything else."""
        # Read before the rounds, so that every note found here belongs to a round that exists by then.
        notes = self._state.keys(self._notes)
        rounds = self._state.update(self._rounds, self._open_round)
        self._round = next(known.name for known in rounds.known if known.batch == self._batch)
        self._delete_old_notes(notes, {known.name for known in rounds.known})

    def begin(self, file: Iterable[object], *, restart: bool = False) -> FileNote:
        """The note about a file, with a stored name.

        Args:
            file: the identity of the file; a changed file has another one.
            restart: give it a new name, because the object of the old name is gone or has other contents.
        """

        def name_file(note: FileNote) -> tuple[FileNote, FileNote]:
            named = FileNote(name=f"file {store.new_marker()}") if restart or not note.name else note
            return named, named

        return self._state.update(self._cell(file), name_file)

    def finish(self, file: Iterable[object], result: FileResult) -> None:
        """Record that a file was uploaded."""
        self._state.update(self._cell(file), lambda note: (note._replace(result=result), None))

    def end_round(self) -> None:
        """Record that all files were uploaded and reported: the round is remembered for `REMEMBERED_S` from now on."""
        now = self._clock.wall()

        def end(before: UploadRounds) -> tuple[UploadRounds, None]:
            known = list(before.known)
            for number, current in enumerate(known):
                if current.name == self._round:
                    known[number] = current._replace(ended=current.ended or now)
            return UploadRounds(known=tuple(known)), None

        self._state.update(self._rounds, end)

    def _open_round(self, before: UploadRounds) -> tuple[UploadRounds, UploadRounds]:
        """The rounds that are still remembered, including one of this batch."""
        oldest = self._clock.wall() - REMEMBERED_S
        known = [entry for entry in before.known if not entry.ended or entry.ended > oldest]
        if self._force:
            known = [entry for entry in known if not (entry.batch == self._batch and entry.ended)]
        if all(entry.batch != self._batch for entry in known):
            known.append(UploadRound(batch=self._batch, name=store.new_marker()))
        rounds = UploadRounds(known=tuple(known))
        return rounds, rounds

    def _delete_old_notes(self, notes: Iterable[str], rounds: set[str]) -> None:
        """Delete the notes of forgotten rounds, and the ledger's entries of their names."""
        for key in notes:
            if key.split(":")[-2] in rounds:
                continue
            name = self._state.read(Cell(key, FileNote, NO_NOTE)).name
            if name:
                self._ledger.delete(name)
            self._state.remove(key)

    def _cell(self, file: Iterable[object]) -> Cell[FileNote]:
        return Cell(f"{self._notes}{self._round}:{_digest(file)}", FileNote, NO_NOTE)


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(map(repr, parts)).encode("utf-8", "backslashreplace")).hexdigest()[:32]
