# SPDX-License-Identifier: Apache-2.0
"""Views of some bytes: raw, as wide text, without escapes, and with broken lines joined.

A key may be URL-encoded, escaped in JSON, stored as UTF-16, or wrapped after 76 columns, in any combination. Each view
undoes one more of these than the view before it. Undoing can also hide a key that contains such characters itself, so
every view is searched. A key with `%` or a backslash is always found unescaped, but not in every escaped text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Locate = Callable[[int], int]
    """Maps an offset in a view to the offset in its base view."""

NULS: Final = re.compile(rb"\0+")

ESCAPES: Final = re.compile(
    rb"\\(?:u00([2-7][0-9A-Fa-f])|u\{0*([2-7][0-9A-Fa-f])\}|x([2-7][0-9A-Fa-f])|([nr])|([!-/:-@\[-`{-~]))"
    rb"|%([2-7][0-9A-Fa-f])"
)
"""An escaped ASCII character, as in JSON, JavaScript and Python, or in a URL (RFC 3986, 2.1).

Groups: hexadecimal digits, but the fourth is a line break and the fifth is punctuation.
"""

LEVELS: Final = 3
"""How many levels of escapes are undone: JSON in JSON in JSON."""

LINE_BREAK_GROUP: Final = 4
PUNCTUATION_GROUP: Final = 5

BACKSLASH_HINT: Final = re.compile(rb"\\(?:u00[2-7]|u\{0*[2-7]|x[2-7]|(?<=[A-Za-z0-9+/_-]{8}\\)\\*[nr])")
PERCENT_HINT: Final = re.compile(rb"%[2-7][0-9A-Fa-f]")
"""Matches a text if undoing its escapes reveals more than dropping its backslashes.

An escaped line break only counts after text as dense as base64, because most source files have other ones.
"""

LINE_EDGES: Final = b" \t\r\\"
"""What may surround a line break inside a split key: indentation, and the backslash of a shell or C."""

SEAM: Final = re.compile(rb"[\"'`][ \t]*\+?[ \t]*\+?[ \t]*[\"'`]")
"""What may stand between two string literals that are concatenated."""


class View:
    """One view of some bytes.

    Args:
        text: the text in this view.
        undone: what this view undoes, as the end of a sentence; empty for the raw bytes.
        base: the view that it was made from; None for the raw bytes.
        compare: compares both views, and returns what maps offsets to the base view; None for the raw bytes.
    """

    def __init__(
        self, text: bytes, undone: str = "", base: View | None = None, compare: Callable[[], Locate] | None = None
    ) -> None:
        self.text = text
        self.undone = undone
        self._base = base
        self._compare = compare
        self._locate_below: Locate | None = None

    def locate(self, offset: int) -> int:
        """Map an offset in this view to the offset in the raw bytes."""
        if self._base is None or self._compare is None:
            return offset
        if self._locate_below is None:  # lazily, as most views never have a hit
            self._locate_below = self._compare()
        return self._base.locate(self._locate_below(offset))


def make_views(data: bytes) -> Iterator[View]:
    """Make all views of some bytes, the raw one first.

    Args:
        data: the bytes.
    """
    view = View(data)
    yield view
    if b"\0" in data:
        view = _substitute(view, NULS, _nothing, undone="in wide characters")
        yield view
    for _ in range(LEVELS):
        if b"\\" not in view.text and b"%" not in view.text:
            break
        view = _substitute(view, ESCAPES, _unescape, undone="escaped")
        yield view
    view = _join_lines(view)
    yield _substitute(view, SEAM, _nothing, undone="split over lines")


def has_escapes(text: bytes) -> bool:
    """Whether undoing the escapes of a text reveals more than dropping its backslashes."""
    return bool((b"%" in text and PERCENT_HINT.search(text)) or (b"\\" in text and BACKSLASH_HINT.search(text)))


def undo_escapes(text: bytes) -> Iterator[bytes]:
    """Undo the escapes of a text, level by level, as long as `has_escapes`."""
    for _ in range(LEVELS):
        if not has_escapes(text):
            return
        text = ESCAPES.sub(_unescape, text)
        yield text


def _unescape(found: re.Match[bytes]) -> bytes:
    group = found.lastindex or 0
    if group == LINE_BREAK_GROUP:
        return b"\n"
    if group == PUNCTUATION_GROUP:
        return found[group]
    return bytes.fromhex(found[group].decode())


def _nothing(_: re.Match[bytes]) -> bytes:
    return b""


def _substitute(
    base: View, pattern: re.Pattern[bytes], replace: Callable[[re.Match[bytes]], bytes], undone: str
) -> View:
    """Make the view in which all matches of a pattern are replaced."""

    def compare() -> Locate:
        here = [0]
        there = [0]
        for found in pattern.finditer(base.text):
            start = here[-1] + found.start() - there[-1]
            here += (start, start + len(replace(found)))
            there += found.span()

        def locate(offset: int) -> int:
            last = bisect_right(here, offset) - 1
            return there[last] + offset - here[last]

        return locate

    return View(pattern.sub(replace, base.text), undone=undone, base=base, compare=compare)


def _join_lines(base: View) -> View:
    """Make the view in which lines are joined, without the indentation between them."""
    lines = base.text.split(b"\n")
    parts = [line.strip(LINE_EDGES) for line in lines]

    def compare() -> Locate:
        here = list(accumulate(map(len, parts), initial=0))
        there = list(accumulate(map(len, lines), initial=0))  # without the line breaks

        def locate(offset: int) -> int:
            number = min(bisect_right(here, offset), len(lines)) - 1
            indent = len(lines[number]) - len(lines[number].lstrip(LINE_EDGES))
            return there[number] + number + indent + offset - here[number]

        return locate

    return View(b"".join(parts), base=base, compare=compare)
