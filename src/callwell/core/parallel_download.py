# SPDX-License-Identifier: Apache-2.0
"""Pieces of one large file that are fetched at once: which are to come, and which are safe.

A round begins when storage has answered with a part of a file whose size is known, under a strong ETag, and every
request of the round is pinned by that tag: so all pieces are of one version. Several workers take one piece each, the
first in the file first. One that is broken off goes on from its last byte; a request that brought nothing ends its
worker, and an answer that does not fit (an expired URL, the whole file, another version, a refusal) lets nobody begin
another request. What follows from a round is decided in `download.joined`: what was wrong is met again, and told, by
the one request with which the next round begins.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from callwell.core import partial, ranges
from callwell.core.partial import PARTIAL_CONTENT
from callwell.core.ranges import ByteRange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.partial import StorageHead, Version


class RangeSplit(NamedTuple):
    """When a file is fetched in pieces, and how.

    Attributes:
        most: pieces that are fetched at once.
        piece: bytes of a piece: long enough for the request to cost nothing, short enough to keep all workers busy.
        least: bytes that must be missing for a split to be worth it.
    """

    most: int = 4
    piece: int = 8 << 20
    least: int = 16 << 20


class DownloadRound(NamedTuple):
    """Where the pieces stand.

    Attributes:
        size: of the file.
        version: of all pieces, with a strong ETag.
        todo: pieces that nobody fetches, in order.
        safe: what is on disk, in order, no two of them adjacent.
        over: no other request is to be made.
        status: of the answer that did not fit.
        wait_s: seconds for which that answer asked to be left alone.
    """

    size: int
    version: Version
    todo: tuple[ByteRange, ...]
    safe: tuple[ByteRange, ...] = ()
    over: bool = False
    status: int = 0
    wait_s: float = 0.0


def missing_ranges(split: RangeSplit, size: int, offset: int, islands: tuple[ByteRange, ...]) -> tuple[ByteRange, ...]:
    """The pieces that are missing, or none if a split is not worth it.

    Args:
        split: when it is.
        size: of the file.
        offset: bytes that are safe from the beginning on.
        islands: what is safe beyond them.
    """
    if split.most < 2 or not (islands or size - offset >= split.least):  # noqa: PLR2004 - one piece is no split
        return ()
    return tuple(_split_gaps(split.piece, size, offset, islands))


def start_round(
    todo: tuple[ByteRange, ...], size: int, version: Version, offset: int, islands: tuple[ByteRange, ...]
) -> DownloadRound:
    """A round whose first piece storage has begun to send.

    Args:
        todo: the pieces that are missing.
        size: of the file.
        version: of the file.
        offset: bytes that are safe from the beginning on.
        islands: what is safe beyond them.
    """
    return DownloadRound(size, version, todo, (ByteRange(0, offset), *islands) if offset else islands)


def take_range(now: DownloadRound) -> tuple[DownloadRound, ByteRange | None]:
    """The next piece for a worker, if there is one to be fetched."""
    if now.over or not now.todo:
        return now, None
    return now._replace(todo=now.todo[1:]), now.todo[0]


def is_requested_range(now: DownloadRound, span: ByteRange, head: StorageHead) -> bool:
    """Whether an answer is the piece that was asked for, of the same version of the file.

    Args:
        now: where the round stands.
        span: the piece.
        head: the answer; without an ETag, it matched the one that the request was pinned by.
    """
    if head.status != PARTIAL_CONTENT or head.start != span.start or head.coding or not head.consistent:
        return False
    inside = head.stop is None or head.stop <= now.size
    return inside and head.total in (None, now.size) and partial.is_same_version(now.version, head.version) is not False


def add_bytes(now: DownloadRound, span: ByteRange, count: int) -> tuple[DownloadRound, ByteRange]:
    """The first `count` bytes of a piece are safe; what is left of it."""
    came = ByteRange(span.start, span.start + count)
    return now._replace(safe=ranges.merge(now.safe, came)), ByteRange(came.stop, span.stop)


def end_request(
    now: DownloadRound, span: ByteRange, before: ByteRange, *, status: int = 0, wait_s: float = 0.0
) -> tuple[DownloadRound, ByteRange | None]:
    """A request has ended, and what its worker does next.

    Args:
        now: where the round stands.
        span: what is left of the piece.
        before: what was left of it when the request was made.
        status: of an answer that did not fit; 0 for none or one that did.
        wait_s: seconds for which that answer asks to be left alone.
    """
    if status:
        now = now._replace(over=True, status=status, wait_s=max(wait_s, now.wait_s))
    if span.start == span.stop:
        return take_range(now)
    if span.start > before.start and not now.over:
        return now, span
    return now._replace(todo=tuple(sorted((span, *now.todo)))), None


def leading_bytes(safe: tuple[ByteRange, ...]) -> int:
    """Bytes that are safe from the beginning on."""
    return safe[0].stop if safe and safe[0].start == 0 else 0


def cut_ranges(safe: tuple[ByteRange, ...], offset: int) -> tuple[ByteRange, ...]:
    """What of some spans lies before an offset."""
    return tuple([ByteRange(one.start, min(one.stop, offset)) for one in safe if one.start < offset])


def are_disjoint(safe: tuple[ByteRange, ...]) -> bool:
    """Whether ranges are as `ranges.merge` gives them: none empty, in order, no two of them adjacent."""
    edges = [-1, *(edge for span in safe for edge in span)]
    return all(one < other for one, other in itertools.pairwise(edges))


def _split_gaps(length: int, size: int, offset: int, islands: tuple[ByteRange, ...]) -> Iterator[ByteRange]:
    for island in (*islands, ByteRange(size, size)):
        for start in range(offset, island.start, length):
            yield ByteRange(start, min(start + length, island.start))
        offset = island.stop
