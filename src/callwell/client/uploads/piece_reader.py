# SPDX-License-Identifier: Apache-2.0
"""Pieces of files as read by a transport: in small chunks, counted, and never complete if the file has changed.

A piece is read by a thread of the transport, so several may be read concurrently. Its last bytes are handed out only
after a final check of the file.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol

from callwell.errors import FileChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READ_BYTES: Final = 512 << 10
"""Bytes per read: including all copies, a piece being sent then takes less than 1 MiB. Smaller reads cost more CPU."""


class PieceSource(Protocol):
    """The source of pieces.

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
        """Check that it has not changed.

        Raises:
            FileChanged: it has.
        """
        ...

    def check_sent(self) -> None:
        """Check the same once after the last piece, for sources that cannot be compared before each one.

        Raises:
            FileChanged: it is not.
        """
        ...

    def checksum(self, kind: str) -> bytes:
        """The digest of everything that is sent from it."""
        ...


class ProgressMeter:
    """Counts the bytes in transit.

    Args:
        on_progress: called with the number of bytes that have arrived or are in transit.
    """

    def __init__(self, on_progress: Callable[[int], None] | None) -> None:
        self.stopped = False
        self._on_progress = on_progress
        self._count = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Add to the number of bytes in transit; a negative count subtracts."""
        with self._lock:  # held during the callback, so that the numbers are reported in order
            self._count += count
            if self._on_progress is not None and count:
                self._on_progress(self._count)


class UploadCancelled(Exception):
    """The upload was stopped. Raised where a transport reads the piece; callers never see it."""


class PieceReader:
    """A piece of a file, as read by a transport.

    Args:
        source: the file.
        start: where the piece begins.
        size: its bytes.
        meter: counts them.

    Attributes:
        given: bytes handed out since reading last started.
        wasted: bytes handed out before that.
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
        """The bytes, in chunks.

        Raises:
            FileChanged: the file has changed.
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
            yield hand_over.pop()  # keeps no reference to the chunk, which saves a copy per piece
            self.given += size
            self._meter.add(size)

    def reset(self) -> None:
        """Forget the bytes handed out so far."""
        self._meter.add(-self.given)
        self.given = 0
