# SPDX-License-Identifier: Apache-2.0
"""Finds many byte strings in one pass over the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class SubstringPlace(NamedTuple):
    """A place of one of the byte strings.

    Attributes:
        number: the index of the byte string, from 0.
        start: its first byte.
    """

    number: int
    start: int


class Substrings:
    """Finds byte strings. Without the extra `check` it searches for one after the other, which takes longer.

    Args:
        needles: the byte strings to find; none may be empty.
    """

    def __init__(self, needles: Sequence[bytes]) -> None:
        self._needles = needles
        try:
            from ahocorasick_rs import BytesAhoCorasick  # of the extra `check`
        except ImportError:
            self._automaton = None
        else:
            self._automaton = BytesAhoCorasick(needles)

    def find(self, data: bytes) -> Iterator[SubstringPlace]:
        """Every place of every needle, overlapping ones included, in no particular order.

        Args:
            data: the bytes to search.
        """
        if self._automaton is None:
            yield from self._find_one_by_one(data)
            return
        for number, start, _ in self._automaton.find_matches_as_indexes(data, overlapping=True):
            yield SubstringPlace(number, start)

    def _find_one_by_one(self, data: bytes) -> Iterator[SubstringPlace]:
        for number, needle in enumerate(self._needles):
            start = data.find(needle)
            while start >= 0:
                yield SubstringPlace(number, start)
                start = data.find(needle, start + 1)
