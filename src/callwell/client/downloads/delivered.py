# SPDX-License-Identifier: Apache-2.0
"""Tracks what the reader of a file has received, so that no bytes of another version follow.

Delivered bytes cannot be taken back. A file that has to start again continues only if its version is proved to be the
same: by a strong validator, or, if the storage sends none, by a checksum of the delivered bytes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from callwell.core import storage_head
from callwell.core.storage_head import UNKNOWN_VERSION

if TYPE_CHECKING:
    from callwell.core.storage_head import FileVersion


class FileReplaced(Exception):
    """The file no longer matches the delivered bytes."""


class DeliveredBytes:
    """The delivered bytes of one file.

    Attributes:
        size: the number of delivered bytes.
    """

    def __init__(self) -> None:
        self.size = 0
        self._version = UNKNOWN_VERSION
        self._digest = hashlib.sha256()
        self._digest_again = hashlib.sha256()
        self._compared: int | None = None

    def add(self, offset: int, chunk: bytes, version: FileVersion) -> bytes:
        """Add a chunk, and return the part of it that was not delivered yet.

        Args:
            offset: the chunk's offset in the file; at 0 the file starts again.
            chunk: the bytes.
            version: of the file.

        Raises:
            FileReplaced: the file has changed.
        """
        if self.size == 0:
            self._version = version
        elif offset == 0:
            self._start_again(version)
        if self._compared is not None and offset <= self._compared:
            self._compare(chunk[self._compared - offset : self.size - offset])
        if offset > self.size:
            raise FileReplaced
        rest = chunk[self.size - offset :]
        if not self._version.is_provable:  # a checksum costs twice as much as the rest of reading
            self._digest.update(rest)
        self.size += len(rest)
        return rest

    def finish(self) -> None:
        """The file has ended.

        Raises:
            FileReplaced: it is shorter than the delivered bytes.
        """
        if self._compared is not None:
            raise FileReplaced

    def _start_again(self, version: FileVersion) -> None:
        if self._version.is_provable:
            if not storage_head.is_same_version(self._version, version):
                raise FileReplaced
            return
        self._digest_again = hashlib.sha256()
        self._compared = 0

    def _compare(self, known: bytes) -> None:
        self._digest_again.update(known)
        self._compared = (self._compared or 0) + len(known)
        if self._compared == self.size:
            self._compared = None
            if self._digest_again.digest() != self._digest.digest():
                raise FileReplaced
