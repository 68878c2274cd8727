# SPDX-License-Identifier: Apache-2.0
"""Finds many texts in bytes in one pass over them, however many they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class SubstringPlace(NamedTuple):
    """A place of a text.

    Attributes:
        number: of the text in the list of texts, from 0.
        start: its first byte.
    """

    number: int
    start: int


class Substrings:
    """Finds texts. Without the extra `check` it asks for one text after the other, which takes longer.

    Args:
        texts: what to find; none is empty.
    """

    def __init__(self, texts: Sequence[bytes]) -> None:
        self._texts = texts
        try:
            from ahocorasick_rs import BytesAhoCorasick  # of the extra `check`
        except ImportError:
            self._automaton = None
        else:
            self._automaton = BytesAhoCorasick(texts)

    def find(self, data: bytes) -> Iterator[SubstringPlace]:
        """Every place of every text, also where they overlap, in no order.

        Args:
            data: the bytes to look at.
        """
        if self._automaton is None:
            yield from self._find_one_by_one(data)
            return
        for number, start, _ in self._automaton.find_matches_as_indexes(data, overlapping=True):
            yield SubstringPlace(number, start)

    def _find_one_by_one(self, data: bytes) -> Iterator[SubstringPlace]:
        for number, text in enumerate(self._texts):
            start = data.find(text)
            while start >= 0:
                yield SubstringPlace(number, start)
                start = data.find(text, start + 1)
