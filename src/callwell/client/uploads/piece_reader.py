# SPDX-License-Identifier: Apache-2.0
"""Pieces of files as a transport reads them: a little at a time, counted, and none whole of a file that has changed.

A piece is read by a thread of the transport's, so that several may be read at once. Its last bytes are given out only
after one more check of the file.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol

from callwell.errors import FileChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READ_BYTES: Final = 512 << 10
"""Bytes that are read at once: with all copies of them, a piece under way holds less than 1 MiB. Fewer cost more
CPU."""


class PieceSource(Protocol):
    """What pieces are read from.

    Attributes:
        name: the file's name.
        size: its bytes.
    """

    name: str
    size: int

    def read(self, start: int, size: int) -> bytes:
        """Some bytes from an offset on."""
        ...

    def check_unchanged(self) -> None:
        """See that it still is what it was.

        Raises:
            FileChanged: it is not.
        """
        ...

    def check_sent(self) -> None:
        """The same, once after the last piece, for what cannot be compared with each.

        Raises:
            FileChanged: it is not.
        """
        ...

    def checksum(self, kind: str) -> bytes:
        """The digest of all that is sent of it."""
        ...


class ProgressMeter:
    """Counts the bytes on their way.

    Args:
        on_progress: called with the number of bytes that have arrived or are on their way.
    """

    def __init__(self, on_progress: Callable[[int], None] | None) -> None:
        self.stopped = False
        self._on_progress = on_progress
        self._count = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """So many more bytes are on their way; fewer, if it is negative."""
        with self._lock:  # held during the call, so that the numbers are reported in order
            self._count += count
            if self._on_progress is not None and count:
                self._on_progress(self._count)


class UploadCancelled(Exception):
    """The upload was stopped. Raised where a transport reads the piece, and never seen by a caller."""


class PieceReader:
    """A piece of a file, as a transport reads it.

    Args:
        source: the file.
        start: where the piece begins.
        size: its bytes.
        meter: counts them.

    Attributes:
        given: bytes that were given out since it was last started.
        wasted: bytes that were given out before that.
        one_time: see `StreamedBody`.
    """

    one_time = False

    def __init__(self, source: PieceSource, start: int, size: int, meter: ProgressMeter) -> None:
        self.name = source.name
        self.size = size
        self.given = 0
        self.wasted = 0
        self._source = source
        self._start = start
        self._meter = meter

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, little by little.

        Raises:
            FileChanged: the file is not what it was.
        """
        self.wasted += self.given
        self.reset()
        end = self._start + self.size
        while (offset := self._start + self.given) < end:
            if self._meter.stopped:
                raise UploadCancelled
            chunk = self._source.read(offset, min(READ_BYTES, end - offset))
            if offset + len(chunk) == end or not chunk:
                self._source.check_unchanged()
            if not chunk:
                raise FileChanged(f"{self.name}: it became shorter while it was sent; send it again when it is whole")
            size = len(chunk)
            hand_over = [chunk]
            del chunk
            yield hand_over.pop()  # no name here holds what a transport has taken: saves a copy in memory per piece
            self.given += size
            self._meter.add(size)

    def reset(self) -> None:
        """What was given out does not count."""
        self._meter.add(-self.given)
        self.given = 0
