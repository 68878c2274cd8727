# SPDX-License-Identifier: Apache-2.0
"""Detects whether a path still leads to the file that was opened there.

A file that is removed, moved or replaced stays open for processes that have it, while others that open the path find
another file: two records of one quota. The same applies to the files that SQLite keeps next to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

COMPANIONS: Final = ("-wal", "-shm")
"""Suffixes of the files that SQLite keeps next to an open one: its write-ahead log, and the index of that."""

FileId = tuple[int, int]
"""Device and inode."""


class OpenedFile:
    """What a process's first connection found at a path, shared by all its connections.

    Attributes:
        id: the file; None before it was opened.
        size: its size in bytes when last checked.
        companions: the identities of its companion files, by suffix.
    """

    def __init__(self) -> None:
        self.id: FileId | None = None
        self.size = 0
        self.companions: list[tuple[str, Path]] = []


class FileIdentity:
    """The file that a path led to when it was opened, for one connection.

    Args:
        path: absolute.
        opened: the shared findings of all connections.
    """

    def __init__(self, path: Path, opened: OpenedFile | None = None) -> None:
        self._path = path
        self._opened = opened or OpenedFile()
        self._companion_ids: dict[str, FileId] = {}

    def renew(self) -> FileIdentity:
        """The same for another connection: all connections must find the file that the first one found."""
        return FileIdentity(self._path, self._opened)

    @property
    def was_opened(self) -> bool:
        """Whether the file was opened before."""
        return self._opened.id is not None

    def forget_companions(self) -> None:
        """Forget the companions of a closed file: SQLite may remove and recreate them."""
        self._companion_ids = {}

    def describe_change(self, *, is_open: bool) -> str:
        """What happened to the file since it was opened, as a predicate for a message; empty if nothing did.

        Args:
            is_open: this connection has read from it; before that, the last other connection may remove the companions.

        Raises:
            OSError: the file's status cannot be read.
        """
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return "was removed or moved away"
        file_id = (found.st_dev, found.st_ino)
        opened = self._opened
        if opened.id is None:
            opened.id = file_id
            real = self._path.resolve()
            opened.companions = [(suffix, real.with_name(real.name + suffix)) for suffix in COMPANIONS]
        if file_id != opened.id:
            return "was replaced by another file"
        if found.st_size < opened.size:
            return "was cut short"
        opened.size = found.st_size
        return self._describe_companions() if is_open else ""

    def _describe_companions(self) -> str:
        for suffix, companion in self._opened.companions:
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
