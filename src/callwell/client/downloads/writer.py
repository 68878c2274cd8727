# SPDX-License-Identifier: Apache-2.0
"""Writes a file in any order, and takes its checksum, which can only be done in order.

Bytes that come in order are hashed as they are written. What came early is read back when its turn has come, a little
at a time, so that nobody waits for it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, Final

from callwell.core import parallel_download, ranges
from callwell.core.ranges import ByteRange

if TYPE_CHECKING:
    from collections.abc import Callable

READ_BACK_BYTES: Final = 1 << 20
"""Bytes that are read back at once: a few milliseconds of hashing."""

RECORD_EVERY_BYTES: Final = 8 << 20
"""Bytes between two records of what is there: each record costs an fsync."""


class FileWriter:
    """Writes known file.

    Args:
        file: open for writing and reading.
        progress: called with the number of bytes that are safe on disk.
        safe: what was written before.
        save_record: called now and then with what is there, if the file is to be resumed.

    Attributes:
        size: bytes that were written.
    """

    def __init__(
        self,
        file: BinaryIO,
        progress: Callable[[int], None] | None,
        *,
        safe: tuple[ByteRange, ...] = (),
        save_record: Callable[[tuple[ByteRange, ...]], None] | None = None,
    ) -> None:
        self.size = sum(known.stop - known.start for known in safe)
        self._file = file
        self._progress = progress
        self._safe = safe
        self._save_record = save_record
        self._unrecorded = 0
        self._hashed = 0
        self._hash = hashlib.sha256()

    def truncate(self, offset: int) -> None:
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
        self.save_record()
        if offset < self._hashed:
            self._hashed = 0
            self._hash = hashlib.sha256()

    def write(self, offset: int, chunk: bytes) -> None:
        """Write a chunk at any place.

        Args:
            offset: where it begins.
            chunk: bytes that were not written yet.

        Raises:
            OSError: it cannot be written.
        """
        if self._file.tell() != offset:
            self._file.seek(offset)
        self._file.write(chunk)
        self.size += len(chunk)
        if offset == self._hashed:
            self._hash.update(chunk)
            self._hashed += len(chunk)
        if self._save_record is not None:
            self._safe = ranges.merge(self._safe, ByteRange(offset, offset + len(chunk)))
            self._unrecorded += len(chunk)
            if self._unrecorded >= RECORD_EVERY_BYTES:
                self.save_record()
        if self._progress is not None:
            self._progress(self.size)

    def save_record(self) -> None:
        """Record what is there.

        Raises:
            OSError: it cannot be.
        """
        self._unrecorded = 0
        if self._save_record is not None:
            self._save_record(self._safe)

    def hash_more(self, whole: int, most: int = READ_BACK_BYTES) -> bool:
        """Go on with the checksum over what has been written.

        Args:
            whole: bytes that have been written from the beginning on.
            most: bytes to read back now.

        Returns:
            whether there is more to do.
        """
        if self._hashed < whole:
            self._file.seek(self._hashed)
            chunk = self._file.read(min(most, whole - self._hashed))
            self._hash.update(chunk)
            self._hashed += len(chunk)
        return self._hashed < whole

    @property
    def sha256(self) -> str:
        """The checksum of what was hashed, in hexadecimal."""
        return self._hash.hexdigest()
