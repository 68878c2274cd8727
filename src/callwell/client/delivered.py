# SPDX-License-Identifier: Apache-2.0
"""What a reader of a file has been given, so that nothing of another version follows it.

What was given out cannot be taken back. If a file has to be begun again, its beginning is compared by checksum with
what the reader has; only what follows is given out.
"""

from __future__ import annotations

import hashlib


class Changed(Exception):
    """What comes again is not what was given out."""


class Delivered:
    """What has been given out of one file.

    Attributes:
        size: bytes.
    """

    def __init__(self) -> None:
        self.size = 0
        self._sum = hashlib.sha256()
        self._again = hashlib.sha256()
        self._compared: int | None = None

    def fresh(self, offset: int, piece: bytes) -> bytes:
        """The bytes of a piece that were not given out yet.

        Args:
            offset: the place of the piece; at 0 the file begins again.
            piece: the bytes.

        Raises:
            Changed: the file is another one.
        """
        if offset == 0 and self.size:
            self._again = hashlib.sha256()
            self._compared = 0
        if self._compared is not None and offset <= self._compared:
            known = piece[self._compared - offset : self.size - offset]
            self._again.update(known)
            self._compared += len(known)
            if self._compared == self.size:
                self._compared = None
                if self._again.digest() != self._sum.digest():
                    raise Changed
        if offset > self.size:
            raise Changed
        rest = piece[self.size - offset :]
        self._sum.update(rest)
        self.size += len(rest)
        return rest

    def finish(self) -> None:
        """The file has ended.

        Raises:
            Changed: it is shorter than what was given out.
        """
        if self._compared is not None:
            raise Changed
