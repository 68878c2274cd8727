# SPDX-License-Identifier: Apache-2.0
"""What a batch has done so far, in the state, so that the same batch goes on after a kill and sends nothing twice.

Each file has a name for its upload, which is stored before anything of it is sent: under it the provider's object is
found again, also when the process died between the last piece and the note that the file is done.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.batch.report import Sent  # noqa: TC001 - a stored `Note` is read by its annotations
from callwell.client import ledger
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.client.ledger import Ledger
    from callwell.state.base import State


class Note(NamedTuple):
    """What is known of one file.

    Attributes:
        name: under which it is uploaded.
        sent: what became of it, if it is there.
    """

    name: str = ""
    sent: Sent | None = None


NOTHING: Final = Note()


class Journal:
    """The notes of one batch.

    Args:
        state: where they are.
        ledger: where the calls are that make objects.
        account: whose batch it is.
        parts: what makes it this batch: the operation, the files and their arguments.
    """

    def __init__(self, state: State, ledger: Ledger, account: str, parts: Iterable[object]) -> None:
        self._state = state
        self._ledger = ledger
        self._prefix = f"batch:{account}:{_digest(parts)}:"

    def begin(self, file: Iterable[object], *, anew: bool = False) -> Note:
        """The note of a file, with a name.

        Args:
            file: what makes it this file; if it changes, it is another one.
            anew: what was made under its name is not there any more.
        """

        def change(note: Note) -> tuple[Note, Note]:
            begun = Note(f"file {ledger.new_marker()}") if anew or not note.name else note
            return begun, begun

        return self._state.update(self._cell(file), change)

    def finish(self, file: Iterable[object], sent: Sent) -> None:
        """Note that a file is there."""
        self._state.update(self._cell(file), lambda note: (note._replace(sent=sent), None))

    def forget(self) -> None:
        """The batch is over: the same one begins anew."""
        for key in self._state.keys(self._prefix):
            name = self._state.read(Cell(key, Note, NOTHING)).name
            if name:
                self._ledger.forget(name)
        self._state.remove(self._prefix)

    def _cell(self, file: Iterable[object]) -> Cell[Note]:
        return Cell(f"{self._prefix}{_digest(file)}", Note, NOTHING)


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(map(repr, parts)).encode("utf-8", "backslashreplace")).hexdigest()[:32]
