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

from callwell.core import partial
from callwell.core.partial import PART

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.partial import Head, Version


class Split(NamedTuple):
    """When a file is fetched in pieces, and how.

    Attributes:
        most: pieces that are fetched at once.
        piece: bytes of a piece: long enough for the request to cost nothing, short enough to keep all workers busy.
        least: bytes that must be missing for a split to be worth it.
    """

    most: int = 4
    piece: int = 8 << 20
    least: int = 16 << 20


class Span(NamedTuple):
    """Some bytes of a file.

    Attributes:
        start: the first.
        stop: the first that does not belong to it.
    """

    start: int
    stop: int


class Round(NamedTuple):
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
    todo: tuple[Span, ...]
    safe: tuple[Span, ...] = ()
    over: bool = False
    status: int = 0
    wait_s: float = 0.0


def pieces(split: Split, size: int, offset: int, islands: tuple[Span, ...]) -> tuple[Span, ...]:
    """The pieces that are missing, or none if a split is not worth it.

    Args:
        split: when it is.
        size: of the file.
        offset: bytes that are safe from the beginning on.
        islands: what is safe beyond them.
    """
    if split.most < 2 or not (islands or size - offset >= split.least):  # noqa: PLR2004 - one piece is no split
        return ()
    return tuple(_pieces(split.piece, size, offset, islands))


def begun(todo: tuple[Span, ...], size: int, version: Version, offset: int, islands: tuple[Span, ...]) -> Round:
    """A round whose first piece storage has begun to send.

    Args:
        todo: the pieces that are missing.
        size: of the file.
        version: of the file.
        offset: bytes that are safe from the beginning on.
        islands: what is safe beyond them.
    """
    return Round(size, version, todo, (Span(0, offset), *islands) if offset else islands)


def take(now: Round) -> tuple[Round, Span | None]:
    """The next piece for a worker, if there is one to be fetched."""
    if now.over or not now.todo:
        return now, None
    return now._replace(todo=now.todo[1:]), now.todo[0]


def fits(now: Round, span: Span, head: Head) -> bool:
    """Whether an answer is the piece that was asked for, of the same version of the file.

    Args:
        now: where the round stands.
        span: the piece.
        head: the answer; without an ETag, it matched the one that the request was pinned by.
    """
    if head.status != PART or head.start != span.start or head.coding or not head.consistent:
        return False
    inside = head.stop is None or head.stop <= now.size
    return inside and head.total in (None, now.size) and partial.same(now.version, head.version) is not False


def received(now: Round, span: Span, count: int) -> tuple[Round, Span]:
    """The first `count` bytes of a piece are safe; what is left of it."""
    came = Span(span.start, span.start + count)
    return now._replace(safe=merged(now.safe, came)), Span(came.stop, span.stop)


def left(now: Round, span: Span, before: Span, *, status: int = 0, wait_s: float = 0.0) -> tuple[Round, Span | None]:
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
        return take(now)
    if span.start > before.start and not now.over:
        return now, span
    return now._replace(todo=tuple(sorted((span, *now.todo)))), None


def whole(safe: tuple[Span, ...]) -> int:
    """Bytes that are safe from the beginning on."""
    return safe[0].stop if safe and safe[0].start == 0 else 0


def merged(safe: tuple[Span, ...], new: Span) -> tuple[Span, ...]:
    """Spans in order, no two of them adjacent, with another one among them."""
    apart = [one for one in safe if one.stop < new.start or new.stop < one.start]
    near = [one for one in safe if not (one.stop < new.start or new.stop < one.start)]
    joined = Span(min(one.start for one in (*near, new)), max(one.stop for one in (*near, new)))
    return tuple(sorted((*apart, joined)))


def before(safe: tuple[Span, ...], offset: int) -> tuple[Span, ...]:
    """What of some spans lies before an offset."""
    return tuple([Span(one.start, min(one.stop, offset)) for one in safe if one.start < offset])


def apart(safe: tuple[Span, ...]) -> bool:
    """Whether spans are as `merged` gives them: none empty, in order, no two of them adjacent."""
    edges = [-1, *(edge for span in safe for edge in span)]
    return all(one < other for one, other in itertools.pairwise(edges))


def _pieces(length: int, size: int, offset: int, islands: tuple[Span, ...]) -> Iterator[Span]:
    for island in (*islands, Span(size, size)):
        for start in range(offset, island.start, length):
            yield Span(start, min(start + length, island.start))
        offset = island.stop
