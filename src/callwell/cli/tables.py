# SPDX-License-Identifier: Apache-2.0
"""Tables that fit the terminal: columns side by side if no identifier has to be broken, else one field a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDEST: Final = 44
"""Characters of a word that is never broken: the length of an identifier with a prefix."""

PROSE: Final = 20
"""Characters that a column of sentences gets at least: three or four words a line."""

GAP: Final = 3
"""Spaces between two columns."""


def lines(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """The lines of a table.

    Args:
        columns: the headings.
        rows: the cells of each row, one for each column, without line breaks.
        width: characters of a line.
    """
    headings = [min(WIDEST, _longest_word(name)) for name in columns]  # a heading may take several lines
    narrowest = [max(heading, *(_min_width(row[i]) for row in rows)) for i, heading in enumerate(headings)]
    left = width - sum(narrowest) - GAP * (len(columns) - 1)
    if left < 0:
        yield from _stacked(columns, rows, width)
        return
    # What is left goes to the columns from left to right, up to the width that each would like to have.
    widths: list[int] = []
    for i, narrow in enumerate(narrowest):
        natural = max(_display_width(row[i]) for row in (columns, *rows))
        extra = min(max(0, natural - narrow), left)
        left -= extra
        widths.append(narrow + extra)
    yield from _side_by_side(columns, widths)
    yield "─" * (sum(widths) + GAP * (len(columns) - 1))
    for row in rows:
        yield from _side_by_side(row, widths)


def _side_by_side(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    wrapped = [list(_wrap(text, width, fold=True)) for text, width in zip(row, widths, strict=True)]
    for i in range(max(len(cell) for cell in wrapped)):
        parts = [cell[i] if i < len(cell) else "" for cell in wrapped]
        padded = [text + " " * (width - _display_width(text)) for text, width in zip(parts, widths, strict=True)]
        yield (" " * GAP).join(padded).rstrip()


def _stacked(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """One field a line, below its name if the line is too short for both."""
    margin = max(_display_width(name) for name in columns) + 2
    for number, row in enumerate(rows):
        if number:
            yield ""
        for name, text in zip(columns, row, strict=True):
            space = width - margin
            if _longest_word(text) > space:
                yield name
                yield from (f"  {line}" for line in _wrap(text, width - 2, fold=False))
                continue
            first, *others = _wrap(text, space, fold=False)
            yield f"{name}{' ' * (margin - _display_width(name))}{first}".rstrip()
            yield from (f"{' ' * margin}{line}".rstrip() for line in others)


def _wrap(text: str, width: int, *, fold: bool) -> Iterator[str]:
    """Break a string into lines between words; `fold` breaks longer words too."""
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if _display_width(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        line = word
        while fold and _display_width(line) > width:
            start = _prefix(line, width)
            yield start
            line = line[len(start) :]
    yield line


def _prefix(text: str, width: int) -> str:
    """The longest beginning of a string that fits, but at least one character."""
    used = 0
    for i, character in enumerate(text):
        used += _display_width(character)
        if used > width and i:
            return text[:i]
    return text


def _min_width(text: str) -> int:
    """The smallest width of a column with this text: words stay whole, sentences get a few words a line."""
    return max(min(WIDEST, _longest_word(text)), min(PROSE, _display_width(text)))


def _longest_word(text: str) -> int:
    return max(_display_width(word) for word in text.split(" "))


def _display_width(text: str) -> int:
    """Columns of a string on a terminal: Chinese characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # imported here because few tables need it

    return cell_len(text)
