# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/uploads/stream.py by tools/unasync.py; do not edit
"""A stream whose end is not known: its next piece is kept in a file without a name until it has arrived."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callwell.client._sync.concurrency.primitives import next_or_none
from callwell.client.uploads.files import DEFAULT_NAME, TemporaryPiece
from callwell.client.uploads.piece_reader import READ_BYTES
from callwell.errors import FileUnfit, InvalidOption

if TYPE_CHECKING:
    from callwell.client.uploads.files import DiskFile
    from callwell.core.rules.operations import UploadRule
    from callwell.core.upload import Upload


class PieceStream:
    """A stream of bytes, piece by piece.

    Args:
        file: what the caller gave: something to iterate over, or to read from.
        rule: what the provider takes.
        piece: bytes of a piece.

    Attributes:
        name: what the file is called.
        size: bytes of the piece that is at hand.
        total: bytes of all pieces so far.
    """

    def __init__(self, file: Any, rule: UploadRule, piece: int) -> None:
        name = getattr(file, "name", None)
        self.name = Path(name).name if isinstance(name, str) and name else DEFAULT_NAME
        self.size = 0
        self.total = 0
        self._chunks = _chunks(file)
        self._rule = rule
        self._piece = piece
        self._rest = memoryview(b"")
        self._made = None if rule.checksum is None else hashlib.new(rule.checksum_kind, usedforsecurity=False)
        self._disk: DiskFile | None = None
        self._ahead: bool | None = None

    def open(self) -> None:
        """Read the first piece.

        Raises:
            FileUnfit: there is none.
        """
        self._ahead = self._read()
        if not self.size:
            raise FileUnfit(f"{self.name}: it is empty")

    def ready(self, state: Upload) -> bool:
        """Have the next piece at hand.

        Args:
            state: where the upload stands.

        Returns:
            whether it is the last.

        Raises:
            FileUnfit: the stream is longer than the provider takes.
        """
        last = self._read() if self._ahead is None else self._ahead
        self._ahead = None
        most = min(self._rule.max_bytes, self._rule.max_pieces * self._piece)
        if self.total > most or (self.total == most and not last):
            raise FileUnfit(f"{self.name}: the stream has more than {most} bytes", target=state.target)
        return last

    def read(self, start: int, size: int) -> bytes:
        """Some bytes of the piece that is at hand."""
        return b"" if self._disk is None else self._disk.read(start, size)

    def look(self) -> None:
        """What was read does not change."""

    def checksum(self, kind: str) -> bytes:
        """The digest of all that was read, by the algorithm that the provider takes."""
        return hashlib.new(kind, usedforsecurity=False).digest() if self._made is None else self._made.digest()

    def _read(self) -> bool:
        self.size = 0
        with TemporaryPiece(self.name) as spool:
            while self.size < self._piece and self._more():
                room = self._piece - self.size
                chunk = self._rest[:room]
                self._rest = self._rest[room:]
                spool.write(chunk)
                if self._made is not None:
                    self._made.update(chunk)
                self.size += len(chunk)
            self._disk = spool.disk()
        self.total += self.size
        return not self._more()

    def _more(self) -> bool:
        while not self._rest:
            chunk = next_or_none(self._chunks)
            if chunk is None:
                return False
            self._rest = memoryview(chunk)
        return True


def _chunks(file: Any) -> Any:
    if hasattr(file, "read"):
        return iter(lambda: file.read(READ_BYTES), b"")
    for begin in ("__iter__", "__iter__"):
        if hasattr(file, begin) and not isinstance(file, dict):
            return getattr(file, begin)()
    raise InvalidOption("file", type(file).__name__, "a path, bytes, an open file, or something that gives bytes")
