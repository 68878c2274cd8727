# SPDX-License-Identifier: Apache-2.0
"""Many numbers as few runs of them, so that ten thousand pieces take no room."""

from __future__ import annotations

from typing import NamedTuple


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
