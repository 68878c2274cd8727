# SPDX-License-Identifier: Apache-2.0
"""A file that grows under a temporary name, in any order, and its checksum, which can only be taken in order.

What comes next in line is hashed as it is written. What came early is read back when its turn has come: little at a
time, so that nobody waits for it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, Final

from callwell.core import parallel_download, ranges
from callwell.core.ranges import ByteRange

if TYPE_CHECKING:
    from collections.abc import Callable

READ_BACK_BYTES: Final = 1 << 20
"""Bytes that are read back at once."""

RECORD_EVERY_BYTES: Final = 8 << 20
"""Bytes that come between two records of what is there."""


class FileWriter:
    """What has been written of a file.

    Args:
        file: open for writing and reading.
        progress: called with the number of bytes that are safe on disk.
        safe: what was written before.
        keep: called now and then with what is there, where somebody is to go on from it.

    Attributes:
        size: bytes that were written.
    """

    def __init__(
        self,
        file: BinaryIO,
        progress: Callable[[int], None] | None,
        *,
        safe: tuple[ByteRange, ...] = (),
        keep: Callable[[tuple[ByteRange, ...]], None] | None = None,
    ) -> None:
        self.size = sum(span.stop - span.start for span in safe)
        self._file = file
        self._progress = progress
        self._safe = safe
        self._keep = keep
        self._since = 0
        self._hashed = 0
        self._hash = hashlib.sha256()

    def cut(self, offset: int) -> None:
        """Forget all that was written from there on.

        Args:
            offset: everything before it was written.

        Raises:
            OSError: it cannot be.
        """
        if offset == self.size:
            return
        self._file.flush()
        self._file.truncate(offset)
        self.size = offset
        self._safe = parallel_download.cut_ranges(self._safe, offset)
        self.keep()
        if offset < self._hashed:
            self._hashed, self._hash = 0, hashlib.sha256()

    def put(self, offset: int, piece: bytes) -> None:
        """Write a piece somewhere.

        Args:
            offset: where it begins.
            piece: some bytes, none of which was written.

        Raises:
            OSError: it cannot be written.
        """
        if self._file.tell() != offset:
            self._file.seek(offset)
        self._file.write(piece)
        self.size += len(piece)
        if offset == self._hashed:
            self._hash.update(piece)
            self._hashed += len(piece)
        if self._keep is not None:
            self._safe = ranges.merge(self._safe, ByteRange(offset, offset + len(piece)))
            self._since += len(piece)
            if self._since >= RECORD_EVERY_BYTES:
                self.keep()
        if self._progress is not None:
            self._progress(self.size)

    def keep(self) -> None:
        """Have it recorded what is there.

        Raises:
            OSError: it cannot be.
        """
        self._since = 0
        if self._keep is not None:
            self._keep(self._safe)

    def hash(self, whole: int, most: int = READ_BACK_BYTES) -> bool:
        """Go on with the checksum over what has been written.

        Args:
            whole: bytes that have been written from the beginning on.
            most: bytes to read back now.

        Returns:
            whether there is more to do.
        """
        if self._hashed < whole:
            self._file.seek(self._hashed)
            piece = self._file.read(min(most, whole - self._hashed))
            self._hash.update(piece)
            self._hashed += len(piece)
        return self._hashed < whole

    @property
    def sha256(self) -> str:
        """The checksum of what was hashed, in hexadecimal."""
        return self._hash.hexdigest()
