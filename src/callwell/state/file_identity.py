# SPDX-License-Identifier: Apache-2.0
"""Whether a path still leads to the file that is open.

A file that is removed, moved or replaced stays open for who has it, while every other process that opens the path finds
another one: two records of one quota. The same holds for the files that SQLite keeps beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

COMPANIONS: Final = ("-wal", "-shm")
"""What SQLite keeps beside an open file: the log of what was written, and the index that all its users share."""

FileId = tuple[int, int]


class FileIdentity:
    """What the path of an open file led to when it was opened.

    Args:
        path: absolute.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._companions: list[tuple[str, Path]] = []
        self._id: FileId | None = None
        self._size = 0
        self._companion_ids: dict[str, FileId] = {}

    @property
    def was_opened(self) -> bool:
        """The file was open before."""
        return self._id is not None

    def forget_companions(self) -> None:
        """The file is not open any more: what is beside it may come and go."""
        self._companion_ids = {}

    def describe_change(self) -> str:
        """What has happened to the file since it was first looked at, or nothing.

        Raises:
            OSError: it cannot be looked at.
        """
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return "was removed or moved away"
        place = (found.st_dev, found.st_ino)
        if self._id is None:
            self._id = place
            real = self._path.resolve()
            self._companions = [(ending, real.with_name(real.name + ending)) for ending in COMPANIONS]
        if place != self._id:
            return "was replaced by another file"
        if found.st_size < self._size:
            return "was cut short"
        self._size = found.st_size
        return self._describe_companions()

    def _describe_companions(self) -> str:
        for ending, companion in self._companions:
            known = self._companion_ids.get(ending)
            try:
                found = companion.stat()
            except FileNotFoundError:
                if known is not None:
                    return f"has lost its {ending} file"
                continue
            place = (found.st_dev, found.st_ino)
            if self._companion_ids.setdefault(ending, place) != place:
                return f"has lost its {ending} file to another one"
        return ""
