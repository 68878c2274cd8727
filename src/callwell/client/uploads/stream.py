# SPDX-License-Identifier: Apache-2.0
"""A stream of unknown length: its next piece stays in an unnamed temporary file until it has arrived.

Only the end of the stream ends the upload. Any other non-bytes value is refused, such as None from a non-blocking pipe
without data: otherwise the bytes so far would pass for the whole.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from callwell.client.concurrency.primitives import next_item
from callwell.client.uploads.files import DEFAULT_NAME, TemporaryPiece
from callwell.client.uploads.piece_reader import READ_BYTES
from callwell.errors import FileProblem, FileRejected, InvalidOption

if TYPE_CHECKING:
    from callwell.client.uploads.files import DiskFile
    from callwell.core.rules.operations import UploadRule
    from callwell.core.upload import Upload

END: Final = object()
"""Marks the end of a stream, since any value may be an item."""


class AsyncPieceStream:
    """A stream of bytes, cut into pieces.

    Args:
        file: the caller's stream: an iterable, or an object with `read`.
        rule: what the provider accepts.
        piece_size: bytes of a piece.

    Attributes:
        name: the file's name.
        size: bytes of the current piece.
        total: bytes of all pieces so far.
    """

    def __init__(self, file: Any, rule: UploadRule, piece_size: int) -> None:
        name = getattr(file, "name", None)
        self.name = Path(name).name if isinstance(name, str) and name else DEFAULT_NAME
        self.size = 0
        self.total = 0
        self._chunks = _iterate(file, self.name)
        self._rule = rule
        self._piece_size = piece_size
        self._rest = memoryview(b"")
        self._digest = None if rule.checksum is None else hashlib.new(rule.checksum_kind, usedforsecurity=False)
        self._piece: DiskFile | None = None
        self._first_is_last: bool | None = None

    async def open(self) -> None:
        """Read the first piece.

        Raises:
            FileRejected: the stream is empty.
        """
        self._first_is_last = await self._read_piece()
        if not self.size:
            raise FileRejected(f"{self.name} is empty")

    async def read_piece(self, state: Upload) -> bool:
        """Read the next piece.

        Args:
            state: the state of the upload.

        Returns:
            whether it is the last.

        Raises:
            FileRejected: the stream is longer than the provider accepts.
        """
        last = await self._read_piece() if self._first_is_last is None else self._first_is_last
        self._first_is_last = None
        max_bytes = min(self._rule.max_bytes, self._rule.max_pieces * self._piece_size)
        if self.total > max_bytes or (self.total == max_bytes and not last):
            raise FileRejected(f"{self.name}: the stream has more than {max_bytes} bytes", target=state.target)
        return last

    def read(self, start: int, size: int) -> bytes:
        """Some bytes of the current piece."""
        return b"" if self._piece is None else self._piece.read(start, size)

    def check_unchanged(self) -> None:
        """Do nothing: bytes that were read do not change."""

    def check_sent(self) -> None:
        """The bytes that were read did not change."""

    def checksum(self, kind: str) -> bytes:
        """The digest of everything that was read."""
        return hashlib.new(kind, usedforsecurity=False).digest() if self._digest is None else self._digest.digest()

    async def _read_piece(self) -> bool:
        self.size = 0
        with TemporaryPiece(self.name) as temporary:
            while self.size < self._piece_size and await self._has_more():
                room = self._piece_size - self.size
                chunk = self._rest[:room]
                self._rest = self._rest[room:]
                temporary.write(chunk)
                if self._digest is not None:
                    self._digest.update(chunk)
                self.size += len(chunk)
            self._piece = temporary.to_file()
        self.total += self.size
        return not await self._has_more()

    async def _has_more(self) -> bool:
        while not self._rest:
            chunk = await next_item(self._chunks, END)
            if chunk is END:
                return False
            self._rest = _to_view(chunk)
        return True


def _to_view(chunk: Any) -> memoryview:
    """The bytes of an item; a copy if the memory may change.

    Raises:
        InvalidOption: it has none.
    """
    if isinstance(chunk, bytes):
        return memoryview(chunk)
    try:
        return memoryview(memoryview(chunk).tobytes())
    except TypeError as error:
        expected = "a stream of bytes"
        if chunk is None:
            expected += ": one in non-blocking mode has no bytes yet where it gives None"
        raise InvalidOption("file", type(chunk).__name__, expected) from error


def _read(file: Any, name: str) -> Any:
    try:
        return file.read(READ_BYTES)
    except (OSError, ValueError) as error:  # a ValueError means that it is closed
        raise FileProblem(f"{name}: cannot be read: {error}") from error


def _iterate(file: Any, name: str) -> Any:
    if hasattr(file, "read"):
        return iter(lambda: _read(file, name), b"")
    for method in ("__aiter__", "__iter__"):
        if hasattr(file, method) and not isinstance(file, dict):
            return getattr(file, method)()
    raise InvalidOption("file", type(file).__name__, "a path, bytes, an open file, or something that yields bytes")
