# SPDX-License-Identifier: Apache-2.0
"""Whether a path still leads to the file that is open.

A file that is removed, moved or replaced stays open for who has it, while every other process that opens the path finds
another one: two records of one quota. The same holds for the files that SQLite keeps beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

BESIDE: Final = ("-wal", "-shm")
"""What SQLite keeps beside an open file: the log of what was written, and the index that all its users share."""

Place = tuple[int, int]


class Identity:
    """What the path of an open file led to when it was opened.

    Args:
        path: absolute.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._neighbours: list[tuple[str, Path]] = []
        self._place: Place | None = None
        self._size = 0
        self._beside: dict[str, Place] = {}

    @property
    def known(self) -> bool:
        """The file was open before."""
        return self._place is not None

    def closed(self) -> None:
        """The file is not open any more: what is beside it may come and go."""
        self._beside = {}

    def trouble(self) -> str:
        """What has happened to the file since it was first looked at, or nothing.

        Raises:
            OSError: it cannot be looked at.
        """
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return "was removed or moved away"
        place = (found.st_dev, found.st_ino)
        if self._place is None:
            self._place = place
            real = self._path.resolve()
            self._neighbours = [(ending, real.with_name(real.name + ending)) for ending in BESIDE]
        if place != self._place:
            return "was replaced by another file"
        if found.st_size < self._size:
            return "was cut short"
        self._size = found.st_size
        return self._missing()

    def _missing(self) -> str:
        for ending, neighbour in self._neighbours:
            known = self._beside.get(ending)
            try:
                found = neighbour.stat()
            except FileNotFoundError:
                if known is not None:
                    return f"has lost its {ending} file"
                continue
            place = (found.st_dev, found.st_ino)
            if self._beside.setdefault(ending, place) != place:
                return f"has lost its {ending} file to another one"
        return ""
