# SPDX-License-Identifier: Apache-2.0
"""Many numbers as few runs of them, so that ten thousand pieces take no room."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Run(NamedTuple):
    """Numbers that follow each other.

    Attributes:
        first: the first.
        last: the last.
    """

    first: int
    last: int


def has(runs: tuple[Run, ...], number: int) -> bool:
    """Whether a number is in one of them."""
    return any(run.first <= number <= run.last for run in runs)


def joined(runs: tuple[Run, ...], new: Run) -> tuple[Run, ...]:
    """The runs and another one, in order, no two adjacent."""
    apart = [run for run in runs if run.last + 1 < new.first or new.last + 1 < run.first]
    near = [run for run in runs if not (run.last + 1 < new.first or new.last + 1 < run.first)]
    whole = Run(min(run.first for run in (*near, new)), max(run.last for run in (*near, new)))
    return tuple(sorted((*apart, whole)))


def of(numbers: Iterable[int]) -> tuple[Run, ...]:
    """Numbers in any order, as runs."""
    found = list[Run]()
    for number in sorted(set(numbers)):
        if found and found[-1].last + 1 == number:
            found[-1] = Run(found[-1].first, number)
        else:
            found.append(Run(number, number))
    return tuple(found)


def without(runs: tuple[Run, ...], others: tuple[Run, ...]) -> tuple[Run, ...]:
    """The runs, but for the numbers of some others; both are in order."""
    left = list[Run]()
    for run in runs:
        first = run.first
        for other in others:
            if other.last < first or run.last < other.first:
                continue
            if first < other.first:
                left.append(Run(first, other.first - 1))
            first = other.last + 1
        if first <= run.last:
            left.append(Run(first, run.last))
    return tuple(left)


def numbers(runs: tuple[Run, ...]) -> list[int]:
    """Each number of the runs."""
    return [number for run in runs for number in range(run.first, run.last + 1)]
