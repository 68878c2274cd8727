# SPDX-License-Identifier: Apache-2.0
"""Many numbers as few runs of them, so that ten thousand pieces take no room."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class PieceRange(NamedTuple):
    """Numbers that follow each other.

    Attributes:
        first: the first.
        last: the last.
    """

    first: int
    last: int


def contains(runs: tuple[PieceRange, ...], number: int) -> bool:
    """Whether a number is in one of them."""
    return any(run.first <= number <= run.last for run in runs)


def merge(runs: tuple[PieceRange, ...], new: PieceRange) -> tuple[PieceRange, ...]:
    """The runs and another one, in order, no two adjacent."""
    apart = [run for run in runs if run.last + 1 < new.first or new.last + 1 < run.first]
    near = [run for run in runs if not (run.last + 1 < new.first or new.last + 1 < run.first)]
    whole = PieceRange(min(run.first for run in (*near, new)), max(run.last for run in (*near, new)))
    return tuple(sorted((*apart, whole)))


def from_numbers(numbers: Iterable[int]) -> tuple[PieceRange, ...]:
    """Numbers in any order, as runs."""
    found = list[PieceRange]()
    for number in sorted(set(numbers)):
        if found and found[-1].last + 1 == number:
            found[-1] = PieceRange(found[-1].first, number)
        else:
            found.append(PieceRange(number, number))
    return tuple(found)


def subtract(runs: tuple[PieceRange, ...], others: tuple[PieceRange, ...]) -> tuple[PieceRange, ...]:
    """The runs, but for the numbers of some others; both are in order."""
    left = list[PieceRange]()
    for run in runs:
        first = run.first
        for other in others:
            if other.last < first or run.last < other.first:
                continue
            if first < other.first:
                left.append(PieceRange(first, other.first - 1))
            first = other.last + 1
        if first <= run.last:
            left.append(PieceRange(first, run.last))
    return tuple(left)


def numbers(runs: tuple[PieceRange, ...]) -> list[int]:
    """Each number of the runs."""
    return [number for run in runs for number in range(run.first, run.last + 1)]
