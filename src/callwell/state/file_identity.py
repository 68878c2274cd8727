# SPDX-License-Identifier: Apache-2.0
"""Whether a path still leads to the file that was opened there.

A file that is removed, moved or replaced stays open for processes that have it, while others that open the path find
another file: two records of one quota. The same holds for the files that SQLite keeps beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

COMPANIONS: Final = ("-wal", "-shm")
"""Suffixes of the files that SQLite keeps beside an open one: its write-ahead log, and the index of that."""

FileId = tuple[int, int]
"""Device and inode."""


class FileIdentity:
    """The file that a path led to when it was opened.

    Args:
        path: absolute.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._companions: list[tuple[str, Path]] = []
        self._id: FileId | None = None
        self._size = 0
        self._companion_ids: dict[str, FileId] = {}

    def renew(self) -> FileIdentity:
        """The same for another connection, which must find the same file, if it was opened."""
        renewed = FileIdentity(self._path)
        renewed._id = self._id
        renewed._size = self._size
        renewed._companions = self._companions
        return renewed

    @property
    def was_opened(self) -> bool:
        """Whether the file was opened before."""
        return self._id is not None

    def forget_companions(self) -> None:
        """Forget the companions of a file that was closed: SQLite may remove and create them."""
        self._companion_ids = {}

    def describe_change(self, *, is_open: bool) -> str:
        """What happened to the file since it was opened, as the predicate of a sentence; empty if nothing did.

        Args:
            is_open: a connection has read from it: until then the last of the others may remove the companions.

        Raises:
            OSError: the file's status cannot be read.
        """
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return "was removed or moved away"
        file_id = (found.st_dev, found.st_ino)
        if self._id is None:
            self._id = file_id
            real = self._path.resolve()
            self._companions = [(suffix, real.with_name(real.name + suffix)) for suffix in COMPANIONS]
        if file_id != self._id:
            return "was replaced by another file"
        if found.st_size < self._size:
            return "was cut short"
        self._size = found.st_size
        return self._describe_companions() if is_open else ""

    def _describe_companions(self) -> str:
        for suffix, companion in self._companions:
            known = self._companion_ids.get(suffix)
            try:
                found = companion.stat()
            except FileNotFoundError:
                if known is not None:
                    return f"has lost its {suffix} file"
                continue
            file_id = (found.st_dev, found.st_ino)
            if self._companion_ids.setdefault(suffix, file_id) != file_id:
                return f"has lost its {suffix} file to another one"
        return ""
