# SPDX-License-Identifier: Apache-2.0
"""Sets of numbers as ranges, so that ten thousand pieces or a terabyte of bytes take almost no memory.

Two kinds, each counted as its protocol counts: bytes half open, like slices, and pieces from first to last, as
providers number them. A set is a tuple of ranges in order, none empty, no two of them touching.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class ByteRange(NamedTuple):
    """Some bytes of a file.

    Attributes:
        start: the first.
        stop: the first after them.
    """

    start: int
    stop: int


class PieceRange(NamedTuple):
    """Some pieces of a file.

    Attributes:
        first: the number of the first.
        last: the number of the last.
    """

    first: int
    last: int


R = TypeVar("R", bound=ByteRange | PieceRange)


def merge(ranges: tuple[R, ...], new: R) -> tuple[R, ...]:
    """The ranges with another one added."""
    gap = 1 if isinstance(new, PieceRange) else 0  # pieces 3 and 4 touch, and so do bytes up to 3 and from 3 on
    apart = [known for known in ranges if known[1] + gap < new[0] or new[1] + gap < known[0]]
    touching = [new, *(known for known in ranges if known not in apart)]
    first = min(known[0] for known in touching)
    last = max(known[1] for known in touching)
    return tuple(sorted((*apart, type(new)(first, last))))


def contains(ranges: tuple[PieceRange, ...], number: int) -> bool:
    """Whether a piece is in one of the ranges."""
    return any(known.first <= number <= known.last for known in ranges)


def from_numbers(numbers: Iterable[int]) -> tuple[PieceRange, ...]:
    """Pieces in any order, as ranges."""
    ranges = list[PieceRange]()
    for number in sorted(set(numbers)):
        if ranges and ranges[-1].last + 1 == number:
            ranges[-1] = PieceRange(ranges[-1].first, number)
        else:
            ranges.append(PieceRange(number, number))
    return tuple(ranges)


def subtract(ranges: tuple[PieceRange, ...], others: tuple[PieceRange, ...]) -> tuple[PieceRange, ...]:
    """The ranges without the pieces of some others."""
    left = list[PieceRange]()
    for known in ranges:
        first = known.first
        for other in others:
            if other.last < first or known.last < other.first:
                continue
            if first < other.first:
                left.append(PieceRange(first, other.first - 1))
            first = other.last + 1
        if first <= known.last:
            left.append(PieceRange(first, known.last))
    return tuple(left)


def to_numbers(ranges: tuple[PieceRange, ...]) -> list[int]:
    """The number of each piece."""
    return [number for known in ranges for number in range(known.first, known.last + 1)]
