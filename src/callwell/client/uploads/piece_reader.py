# SPDX-License-Identifier: Apache-2.0
"""Pieces of files, as a transport reads them: a little at a time, counted, and none whole of a file that has changed.

A piece is read by a thread of the transport's, so that several may be read at once. The last of it is given out only
after another look at the file.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol

from callwell.errors import FileChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READ_BYTES: Final = 512 << 10
"""Bytes that are read at once: with all copies of them a piece under way holds less than 1 MiB. Fewer cost more CPU."""


class PieceSource(Protocol):
    """What has bytes somewhere.

    Attributes:
        name: what the file is called.
        size: its bytes.
    """

    name: str
    size: int

    def read(self, start: int, size: int) -> bytes:
        """Some bytes from a place on."""
        ...

    def look(self) -> None:
        """See that it is still what it was."""
        ...

    def checksum(self, kind: str) -> bytes:
        """The digest of all that is sent of it."""
        ...


class ProgressMeter:
    """Counts what is on its way.

    Args:
        told: called with the number of bytes that are there or on their way.
    """

    def __init__(self, told: Callable[[int], None] | None) -> None:
        self.stopped = False
        self._told = told
        self._count = 0
        self._lock = threading.Lock()

    def move(self, count: int) -> None:
        """So many more bytes are on their way; fewer, where it is negative."""
        with self._lock:  # told in order, whoever counts
            self._count += count
            if self._told is not None and count:
                self._told(self._count)


class UploadCancelled(Exception):
    """Nobody waits for this piece any more: what is raised while it is read, and never seen by a caller."""


class PieceReader:
    """A piece of a file, as a transport reads it.

    Args:
        source: the file.
        start: its first byte.
        size: how many there are.
        meter: counts them.

    Attributes:
        given: bytes that were given out since it was last begun.
        wasted: bytes that were given out before that.
    """

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
        self.forget()
        end = self._start + self.size
        while (place := self._start + self.given) < end:
            if self._meter.stopped:
                raise UploadCancelled
            piece = self._source.read(place, min(READ_BYTES, end - place))
            if place + len(piece) == end or not piece:
                self._source.look()
            if not piece:
                raise FileChanged(f"{self.name}: it became shorter while it was sent")
            size, hand = len(piece), [piece]
            del piece
            yield hand.pop()  # nothing here holds what a transport has taken
            self.given += size
            self._meter.move(size)

    def forget(self) -> None:
        """What was given out does not count."""
        self._meter.move(-self.given)
        self.given = 0
