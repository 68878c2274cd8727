# SPDX-License-Identifier: Apache-2.0
"""What a reader of a file has been given, so that nothing of another version follows it.

What was given out cannot be taken back. If a file has to be begun again, it goes on only if its version is proved to be
the same: by a strong validator, or, where the storage sends none, by a checksum over what was given out.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from callwell.core import partial
from callwell.core.partial import UNKNOWN_VERSION

if TYPE_CHECKING:
    from callwell.core.partial import Version


class FileReplaced(Exception):
    """What comes again is not what was given out."""


class DeliveredBytes:
    """What has been given out of one file.

    Attributes:
        size: bytes.
    """

    def __init__(self) -> None:
        self.size = 0
        self._version = UNKNOWN_VERSION
        self._sum = hashlib.sha256()
        self._again = hashlib.sha256()
        self._compared: int | None = None

    def fresh(self, offset: int, piece: bytes, version: Version) -> bytes:
        """The bytes of a piece that were not given out yet.

        Args:
            offset: the place of the piece; at 0 the file begins again.
            piece: the bytes.
            version: of the file.

        Raises:
            Changed: the file is another one.
        """
        if self.size == 0:
            self._version = version
        elif offset == 0:
            self._begin_again(version)
        if self._compared is not None and offset <= self._compared:
            self._compare(piece[self._compared - offset : self.size - offset])
        if offset > self.size:
            raise FileReplaced
        rest = piece[self.size - offset :]
        if not self._version.lasting:  # a checksum costs twice as much as all the rest of reading
            self._sum.update(rest)
        self.size += len(rest)
        return rest

    def finish(self) -> None:
        """The file has ended.

        Raises:
            Changed: it is shorter than what was given out.
        """
        if self._compared is not None:
            raise FileReplaced

    def _begin_again(self, version: Version) -> None:
        if self._version.lasting:
            if not partial.is_same_version(self._version, version):
                raise FileReplaced
            return
        self._again = hashlib.sha256()
        self._compared = 0

    def _compare(self, known: bytes) -> None:
        self._again.update(known)
        self._compared = (self._compared or 0) + len(known)
        if self._compared == self.size:
            self._compared = None
            if self._again.digest() != self._sum.digest():
                raise FileReplaced
