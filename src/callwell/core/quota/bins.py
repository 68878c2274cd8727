# SPDX-License-Identifier: Apache-2.0
"""Permits counted by the time they come back: sorted bins of equal width.

Bin `n` holds permits that come back when `n` widths of the clock have passed. Times are rounded up to a bin, so a
permit comes back late by at most one width and never early, and a million permits take a thousand pairs of numbers
instead of a million. Bins are tuples, which are never changed in place.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

NEVER: Final = 1 << 60
"""The bin of permits that come back only when they are released: above every bin of a real time."""

Bins = tuple[tuple[int, int], ...]
"""Pairs of a bin and its number of permits, in the order of the bins."""


def count(bins: Bins) -> int:
    """How many permits there are."""
    # Most buckets have no bin of a kind, or only one.
    if not bins:
        return 0
    if len(bins) == 1:
        return bins[0][1]
    return sum([n for _, n in bins])


def add(bins: Bins, at: int, n: int = 1) -> Bins:
    """The bins with `n` more permits in bin `at`."""
    # Most permits go into the last bin or a new one after it, which needs no search.
    if not bins or bins[-1][0] < at:
        return (*bins, (at, n))
    if bins[-1][0] == at:
        return (*bins[:-1], (at, bins[-1][1] + n))
    i = bisect_left(bins, (at,))
    if bins[i][0] == at:
        return (*bins[:i], (at, bins[i][1] + n), *bins[i + 1 :])
    return (*bins[:i], (at, n), *bins[i:])


def merge(bins: Bins, others: Bins) -> Bins:
    """The permits of both, combined."""
    for at, n in others:
        bins = add(bins, at, n)
    return bins


def remove(bins: Bins, at: int, n: int = 1) -> Bins | None:
    """The bins with `n` fewer permits in bin `at`; None if it has fewer than that."""
    i = bisect_left(bins, (at,))
    if i == len(bins) or bins[i][0] != at or bins[i][1] < n:
        return None
    left = bins[i][1] - n
    if left:
        return (*bins[:i], (at, left), *bins[i + 1 :])
    return bins[:i] + bins[i + 1 :]


def drain(bins: Bins, last: int) -> tuple[Bins, int]:
    """The bins after bin `last`, and the number of permits in the removed ones."""
    i = bisect_left(bins, (last + 1,))
    return bins[i:], count(bins[:i])


def take(bins: Bins, n: int, skip: int = 0) -> tuple[Bins, Bins]:
    """Split off the permits that come back first; returns them, and the bins without them.

    Args:
        bins: the bins.
        n: how many to take.
        skip: how many earlier permits stay in the bins.
    """
    taken: list[tuple[int, int]] = []
    left: list[tuple[int, int]] = []
    for i, (at, permits) in enumerate(bins):
        if n <= 0:
            return tuple(taken), (*left, *bins[i:])
        skipped = min(skip, permits)
        given = min(n, permits - skipped)
        skip -= skipped
        n -= given
        if given:
            taken.append((at, given))
        if permits > given:
            left.append((at, permits - given))
    return tuple(taken), tuple(left)
