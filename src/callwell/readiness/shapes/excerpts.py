# SPDX-License-Identifier: Apache-2.0
"""Writes what kingfisher is to read of a history: of each content of a file, the lines that no earlier one had.

Versions of a file hardly differ: of a history of 2,000 commits with 35 MB of contents, this leaves 3 MB, and kingfisher
takes a third of the time. A line counts as new also if it follows another line than before, and the lines around it
are written too, because a rule may ask for a name some lines before the value. What a search by lines does not suit is
written whole: archives, wide text, and blocks such as those of private keys.
"""

from __future__ import annotations

import bisect
import itertools
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from callwell.readiness.contents.archive_formats import HEAD_BYTES, detect_archive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from callwell.readiness.history.objects import GitObject

NEIGHBORS: Final = 10
"""Lines before and after a new one: the key file of a service account has 13 in all, and a rule asks for most of it."""

GAP: Final = b"\n" + b" " * 256 + b"\n\n"
"""Between two excerpts: more than any rule passes over. It has so many line ends as `GAP_LINES`."""

GAP_LINES: Final = 3

BLOCK: Final = b"-----BEGIN "
"""How a block of lines begins that is one secret (RFC 7468, section 2)."""

MAX_LINES: Final = 1_000_000
"""Lines that are remembered: about 150 MB. Then all are forgotten, and what comes next is written again."""

MAX_COMPARED: Final = 64 << 20
"""Bytes of contents that are kept to compare the next ones with."""

HEAD: Final = 64
"""Bytes at the beginning that versions of a file have in common, mostly: enough to find the version before."""

MAX_TEXT: Final = 32 << 20
"""Bytes of a content that is held in memory as a whole; a larger one is written as it is."""

MAX_FILE: Final = 4 << 20
"""Bytes after which the next file begins, so that several processors have something to read."""


class TooLarge(Exception):
    """More would be written than was allowed."""


class ExcerptPlace(NamedTuple):
    """Where a line of a written file comes from.

    Attributes:
        blob: the ID of the content.
        line: the line in it, from 1.
    """

    blob: str
    line: int


class ExcerptFile:
    """One written file.

    Args:
        path: the file.

    Attributes:
        path: as above.
        size: its bytes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._file = path.open("wb")
        self._lines = 0
        self._starts: list[int] = []
        self._origins: list[ExcerptPlace] = []

    def add(self, lines: list[bytes], origin: ExcerptPlace) -> None:
        """Write lines that follow each other in a content.

        Args:
            lines: the lines, without their ends.
            origin: where the first of them comes from.
        """
        self._starts.append(self._lines)
        self._origins.append(origin)
        text = b"\n".join(lines) + GAP
        self._file.write(text)
        self._lines += len(lines) - 1 + GAP_LINES
        self.size += len(text)

    def locate(self, line: int) -> ExcerptPlace:
        """Where a line comes from.

        Args:
            line: from 1.
        """
        number = bisect.bisect_right(self._starts, line - 1) - 1
        blob, first = self._origins[number]
        return ExcerptPlace(blob, first + line - 1 - self._starts[number])

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


class Versions:
    """Compares each content with the one that was before it and begins alike: three quarters of the bytes are equal.

    To look for the ends of what is equal takes a fifth of the time of looking at every line.
    """

    def __init__(self) -> None:
        self._last: dict[bytes, bytes] = {}
        self._size = 0

    def compare(self, data: bytes) -> slice:
        """The part of a content that an earlier one does not have at its beginning or its end, in whole lines.

        Args:
            data: the content.
        """
        head = data[:HEAD]
        before = self._last.get(head)
        if self._size > MAX_COMPARED:
            self._last.clear()
            self._size = 0
        self._last[head] = data
        self._size += len(data)
        if before is None:
            return slice(0, len(data))
        start = _count_equal(before, data)
        rest = min(len(before), len(data)) - start
        stop = len(data) - _count_equal_end(before, data, rest)
        return slice(data.rfind(b"\n", 0, start) + 1, stop)


class Excerpts:
    """The excerpts of one history. Use it as a context manager, so that all is written.

    Args:
        folder: the folder to write into.
        max_bytes: bytes to write at most; any number if None.

    Attributes:
        folder: as above.
    """

    def __init__(self, folder: Path, max_bytes: int | None = None) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._versions = Versions()
        self._seen: set[tuple[bytes, bytes]] = set()
        self._files: dict[str, ExcerptFile] = {}
        self._open: ExcerptFile | None = None
        self._written = 0

    def add(self, one: GitObject) -> None:
        """Write what is new in a content.

        Args:
            one: the content.

        Raises:
            TooLarge: more would be written than was allowed.
        """
        parts = []
        size = 0
        for chunk in one.chunks:
            parts.append(chunk)
            size += len(chunk)
            if size > MAX_TEXT:
                break
        data = b"".join(parts)
        if size > MAX_TEXT or _is_whole(data):
            self._write_whole(one.id, itertools.chain((data,), one.chunks))
        else:
            self._write_new(one.id, data)

    def has(self, path: str) -> bool:
        """Whether a file is one of excerpts.

        Args:
            path: the file.
        """
        return path in self._files

    def locate(self, path: str, line: int) -> ExcerptPlace:
        """Where a line of a file of excerpts comes from.

        Args:
            path: the file.
            line: from 1.
        """
        return self._files[path].locate(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            self._open.close()

    def _write_new(self, blob: str, data: bytes) -> None:
        changed = self._versions.compare(data)
        skipped = data.count(b"\n", 0, changed.start)
        lines = data.split(b"\n")
        stop = len(lines) - data.count(b"\n", changed.stop)
        pairs = list(itertools.pairwise([b"" if not skipped else lines[skipped - 1], *lines[skipped:stop]]))
        seen = self._seen
        new = [number for number, pair in enumerate(pairs, start=skipped) if pair not in seen]
        if not new:
            return
        if len(seen) > MAX_LINES:
            seen.clear()
        seen.update(pairs)
        file = self._file()
        before = file.size
        for first, end in _merge(new, len(lines)):
            file.add(lines[first:end], ExcerptPlace(blob, first + 1))
        self._count(file.size - before)

    def _file(self) -> ExcerptFile:
        """The file to write to."""
        if self._open is not None and self._open.size > MAX_FILE:
            self._open.close()
            self._open = None
        if self._open is None:
            path = self.folder / f"excerpts{len(self._files)}"
            self._open = self._files[str(path)] = ExcerptFile(path)
        return self._open

    def _write_whole(self, blob: str, chunks: Iterable[bytes]) -> None:
        """Write a content under the name that it has in a repository."""
        place = self.folder / "objects" / blob[:2] / blob[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            for chunk in chunks:
                self._count(len(chunk))
                file.write(chunk)

    def _count(self, size: int) -> None:
        self._written += size
        if self._max_bytes is not None and self._written > self._max_bytes:
            raise TooLarge


def _is_whole(data: bytes) -> bool:
    """Whether a content is not one of lines that stand for themselves."""
    return b"\0" in data or BLOCK in data or detect_archive(data[:HEAD_BYTES]) is not None


def _count_equal(first: bytes, second: bytes) -> int:
    """The bytes at the beginning that two contents have in common."""
    low = 0
    high = min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _count_equal_end(first: bytes, second: bytes, limit: int) -> int:
    """The bytes at the end that two contents have in common, up to a limit."""
    low = 0
    high = limit
    while low < high:
        middle = (low + high + 1) // 2
        if first[len(first) - middle : len(first) - low] == second[len(second) - middle : len(second) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _merge(numbers: Iterable[int], count: int) -> Iterator[tuple[int, int]]:
    """The stretches of a text with some of its lines and those around them: the first line, and that behind the last.

    Args:
        numbers: the lines, in their order; at least one.
        count: all lines.
    """
    first = 0
    end = 0
    for number in numbers:
        if end and number - NEIGHBORS > end:
            yield first, end
            first = number - NEIGHBORS
        elif not end:
            first = max(0, number - NEIGHBORS)
        end = min(count, number + NEIGHBORS + 1)
    yield first, end
