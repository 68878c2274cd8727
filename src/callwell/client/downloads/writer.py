# SPDX-License-Identifier: Apache-2.0
"""Writes a file in any order, and computes its checksum, which needs the bytes in order.

Bytes that arrive in order are hashed as they are written. Bytes that arrived early are read back later, a little at a
time, so that no worker waits long.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, Final

from callwell.core import parallel_download, ranges
from callwell.core.ranges import ByteRange

if TYPE_CHECKING:
    from collections.abc import Callable

READ_BACK_BYTES: Final = 1 << 20
"""Bytes per read-back: less than a millisecond of hashing with SHA instructions, a few without."""

RECORD_EVERY_BYTES: Final = 8 << 20
"""Bytes between two records of what is on disk: each record costs an fsync."""


class FileWriter:
    """Writes one file.

    Args:
        file: open for writing and reading.
        progress: called with the number of bytes written.
        safe: ranges that were written before.
        save_record: called from time to time with the written ranges, if the file is to be resumable.

    Attributes:
        size: bytes written.
    """

    def __init__(
        self,
        file: BinaryIO,
        progress: Callable[[int], None] | None,
        *,
        safe: tuple[ByteRange, ...] = (),
        save_record: Callable[[tuple[ByteRange, ...]], None] | None = None,
    ) -> None:
        self.size = sum(part.stop - part.start for part in safe)
        self._file = file
        self._progress = progress
        self._safe = safe
        self._save_record = save_record
        self._unrecorded = 0
        self._hashed = 0
        self._hash = hashlib.sha256()

    def truncate(self, offset: int) -> None:
        """Cut the file off at an offset.

        Args:
            offset: everything before it was written.

        Raises:
            OSError: the file cannot be truncated.
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
        """Write a chunk at any offset.

        Args:
            offset: where it begins.
            chunk: bytes that were not written yet.

        Raises:
            OSError: they cannot be written.
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
        """Record which ranges are written, if the file is to be resumable.

        Raises:
            OSError: the record cannot be written.
        """
        self._unrecorded = 0
        if self._save_record is not None:
            self._save_record(self._safe)

    def hash_more(self, stop: int, max_bytes: int = READ_BACK_BYTES) -> bool:
        """Continue the checksum over the written bytes.

        Args:
            stop: everything before this offset was written.
            max_bytes: the most bytes to read back now.

        Returns:
            whether more is to be hashed.
        """
        if self._hashed < stop:
            self._file.seek(self._hashed)
            chunk = self._file.read(min(max_bytes, stop - self._hashed))
            self._hash.update(chunk)
            self._hashed += len(chunk)
        return self._hashed < stop

    @property
    def sha256(self) -> str:
        """The checksum of the bytes hashed so far, in hexadecimal."""
        return self._hash.hexdigest()
