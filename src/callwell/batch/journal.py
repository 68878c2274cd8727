# SPDX-License-Identifier: Apache-2.0
"""What a batch has done so far, in the state, so that the same batch goes on after a kill and sends nothing twice.

Each file has a name for its upload, which is stored before anything of it is sent: under it the provider's object is
found again, also when the process died between the last piece and the note that the file is done.

Several processes may work on one batch at once: they share its round, and the names in it. A round whose files are all
there is ended, but known for `KEPT_S`: whoever is still at work on it finds its notes, and the same batch, begun again,
gives the same report. After that it is forgotten, and the same batch begins another round.
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

KEPT_S: Final = 3_600.0
"""For how long a batch is known after its end: docs/how/uploads.md says so."""


class FileNote(NamedTuple):
    """What is known of one file.

    Attributes:
        name: under which it is uploaded.
        sent: what became of it, if it is there.
    """

    name: str = ""
    sent: FileResult | None = None


class UploadRound(NamedTuple):
    """One time that a batch is sent.

    Attributes:
        batch: the batch.
        name: of the round, by which its notes are found.
        ended: when all files were there, in seconds since the epoch; 0 if they are not.
    """

    batch: str
    name: str
    ended: float = 0.0


class UploadRounds(NamedTuple):
    """The rounds of all batches of an account that are known."""

    known: tuple[UploadRound, ...] = ()


NOTHING: Final = FileNote()


class UploadJournal:
    """The notes of one batch.

    Args:
        state: where they are.
        ledger: where the calls are that make objects.
        account: whose batch it is.
        parts: what makes it this batch: the operation, the files and their arguments.
        clock: whose time of day is noted.
        anew: a round that has ended is not meant.
    """

    def __init__(
        self,
        state: State,
        ledger: LedgerStore,
        account: str,
        parts: Iterable[object],
        *,
        clock: Clock,
        anew: bool = False,
    ) -> None:
        self._state = state
        self._ledger = ledger
        self._clock = clock
        self._batch = _digest(parts)
        self._rounds = Cell(f"batch-rounds:{account}", UploadRounds, UploadRounds())
        self._notes = f"batch:{account}:"
        noted = state.keys(self._notes)  # before the rounds are read: whose notes are there now has a round by then
        rounds = state.update(self._rounds, lambda before: self._opened(before, anew=anew))
        ours = next(one for one in rounds.known if one.batch == self._batch)
        self._round = ours.name
        self._forget(noted, {one.name for one in rounds.known})

    def begin(self, file: Iterable[object], *, anew: bool = False) -> FileNote:
        """The note of a file, with a name.

        Args:
            file: what makes it this file; if it changes, it is another one.
            anew: what was made under its name is not there any more, or is not the file.
        """

        def change(note: FileNote) -> tuple[FileNote, FileNote]:
            begun = FileNote(f"file {store.new_marker()}") if anew or not note.name else note
            return begun, begun

        return self._state.update(self._cell(file), change)

    def finish(self, file: Iterable[object], sent: FileResult) -> None:
        """Note that a file is there."""
        self._state.update(self._cell(file), lambda note: (note._replace(sent=sent), None))

    def end(self) -> None:
        """All files are there, and whoever wanted to know was told: from now on the round is known for a while."""
        now = self._clock.wall()

        def change(before: UploadRounds) -> tuple[UploadRounds, None]:
            ended = (one._replace(ended=one.ended or now) if one.name == self._round else one for one in before.known)
            return UploadRounds(tuple(ended)), None

        self._state.update(self._rounds, change)

    def _opened(self, before: UploadRounds, *, anew: bool) -> tuple[UploadRounds, UploadRounds]:
        """The rounds that are still known, with one of this batch."""
        oldest = self._clock.wall() - KEPT_S
        known = [one for one in before.known if not one.ended or one.ended > oldest]
        if anew:
            known = [one for one in known if not (one.batch == self._batch and one.ended)]
        if all(one.batch != self._batch for one in known):
            known.append(UploadRound(self._batch, store.new_marker()))
        rounds = UploadRounds(tuple(known))
        return rounds, rounds

    def _forget(self, noted: Iterable[str], rounds: set[str]) -> None:
        """Forget the notes of rounds that are not known any more, and the names in them."""
        for key in noted:
            if key.split(":")[-2] in rounds:
                continue
            name = self._state.read(Cell(key, FileNote, NOTHING)).name
            if name:
                self._ledger.forget(name)
            self._state.remove(key)

    def _cell(self, file: Iterable[object]) -> Cell[FileNote]:
        return Cell(f"{self._notes}{self._round}:{_digest(file)}", FileNote, NOTHING)


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(map(repr, parts)).encode("utf-8", "backslashreplace")).hexdigest()[:32]
