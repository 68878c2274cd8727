# SPDX-License-Identifier: Apache-2.0
"""The ways to read some bytes: as they are, as wide text, without escapes, and with broken lines joined.

A key may be URL-encoded, escaped in JSON, stored as UTF-16, or wrapped after 76 columns, in any combination. Each view
undoes one more of these than the view before it. Undoing can also hide a key that has such characters itself, so every
view is searched. A key with `%` or a backslash is always found as it is, but not in every text that is escaped.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Locate = Callable[[int], int]
    """The offset in the view below of an offset in a view."""

NULS: Final = re.compile(rb"\0+")

ESCAPES: Final = re.compile(
    rb"\\(?:u00([2-7][0-9A-Fa-f])|u\{0*([2-7][0-9A-Fa-f])\}|x([2-7][0-9A-Fa-f])|([nr])|([!-/:-@\[-`{-~]))"
    rb"|%([2-7][0-9A-Fa-f])"
)
"""An escaped ASCII character: of JSON, JavaScript or Python, or of a URL (RFC 3986, 2.1).

Groups: hexadecimal digits, but the fourth is a line break and the fifth is punctuation.
"""

LEVELS: Final = 3
"""How often a string may be escaped: JSON in JSON in JSON."""

LINE_BREAK_GROUP: Final = 4
PUNCTUATION_GROUP: Final = 5

BACKSLASH_HINT: Final = re.compile(rb"\\(?:u00[2-7]|u\{0*[2-7]|x[2-7]|(?<=[A-Za-z0-9+/_-]{8}\\)\\*[nr])")
PERCENT_HINT: Final = re.compile(rb"%[2-7][0-9A-Fa-f]")
"""What a string has if undoing its escapes reveals more than dropping its backslashes.

An escaped line break counts only behind text as dense as base64, because most source files have others.
"""

LINE_EDGES: Final = b" \t\r\\"
"""What may surround a line break inside a broken key: indentation, and the backslash of a shell or C."""

SEAM: Final = re.compile(rb"[\"'`][ \t]*\+?[ \t]*\+?[ \t]*[\"'`]")
"""Between two string literals that become one string."""


class View:
    """One way to read some bytes.

    Args:
        text: the text in this view.
        how: what this view undoes, as the end of a sentence; empty for the bytes as they are.
        below: the view that it was made of; None for the bytes themselves.
        compare: compares both, and returns what locates an offset in the one below; None for the bytes themselves.
    """

    def __init__(
        self, text: bytes, how: str = "", below: View | None = None, compare: Callable[[], Locate] | None = None
    ) -> None:
        self.text = text
        self.how = how
        self._below = below
        self._compare = compare
        self._locate_below: Locate | None = None

    def locate(self, offset: int) -> int:
        """The offset in the bytes themselves of an offset in this view."""
        if self._below is None or self._compare is None:
            return offset
        if self._locate_below is None:  # most views never have a hit
            self._locate_below = self._compare()
        return self._below.locate(self._locate_below(offset))


def make_views(data: bytes) -> Iterator[View]:
    """All ways to read some bytes, the plainest first.

    Args:
        data: the bytes.
    """
    view = View(data)
    yield view
    if b"\0" in data:
        view = _substitute(view, NULS, _nothing, how="in wide characters")
        yield view
    for _ in range(LEVELS):
        if b"\\" not in view.text and b"%" not in view.text:
            break
        view = _substitute(view, ESCAPES, _unescape, how="escaped")
        yield view
    view = _join_lines(view)
    yield _substitute(view, SEAM, _nothing, how="split over lines")


def has_escapes(text: bytes) -> bool:
    """Whether undoing the escapes of a string reveals more than dropping its backslashes."""
    return bool((b"%" in text and PERCENT_HINT.search(text)) or (b"\\" in text and BACKSLASH_HINT.search(text)))


def undo_escapes(text: bytes) -> Iterator[bytes]:
    """A string without its escapes, level by level, as long as `has_escapes`."""
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


def _substitute(below: View, pattern: re.Pattern[bytes], replace: Callable[[re.Match[bytes]], bytes], how: str) -> View:
    """The view in which all matches of a pattern are replaced."""

    def compare() -> Locate:
        here = [0]
        there = [0]
        for found in pattern.finditer(below.text):
            start = here[-1] + found.start() - there[-1]
            here += (start, start + len(replace(found)))
            there += found.span()

        def locate(offset: int) -> int:
            last = bisect_right(here, offset) - 1
            return there[last] + offset - here[last]

        return locate

    return View(pattern.sub(replace, below.text), how=how, below=below, compare=compare)


def _join_lines(below: View) -> View:
    """The view in which lines follow each other without what surrounds their ends."""
    lines = below.text.split(b"\n")
    parts = [line.strip(LINE_EDGES) for line in lines]

    def compare() -> Locate:
        here = list(accumulate(map(len, parts), initial=0))
        there = list(accumulate(map(len, lines), initial=0))  # without the line breaks

        def locate(offset: int) -> int:
            number = min(bisect_right(here, offset), len(lines)) - 1
            indent = len(lines[number]) - len(lines[number].lstrip(LINE_EDGES))
            return there[number] + number + indent + offset - here[number]

        return locate

    return View(b"".join(parts), below=below, compare=compare)
