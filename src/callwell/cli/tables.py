# SPDX-License-Identifier: Apache-2.0
"""Tables that fit their paper: columns side by side where no name must be broken for it, else a field a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDEST: Final = 44
"""Characters of a word that is never broken, the length of an identifier with a prefix."""

PROSE: Final = 20
"""Characters that a column of sentences has at least."""

GAP: Final = 3
"""Characters between two columns."""


def lines(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """The lines of a table.

    Args:
        columns: their names.
        rows: the cells of each row, one for each column, without line breaks.
        width: characters of a line.
    """
    every = [columns, *rows]
    heads = [min(WIDEST, _longest_word(name)) for name in columns]  # a heading may stand on several lines
    least = [max(head, *(_least(row[i]) for row in rows)) for i, head in enumerate(heads)]
    left = width - sum(least) - GAP * (len(columns) - 1)
    if left < 0:
        yield from _stacked(columns, rows, width)
        return
    widths: list[int] = []
    for i, narrow in enumerate(least):
        natural = max(_cells(row[i]) for row in every)
        more = min(max(0, natural - narrow), left)
        left -= more
        widths.append(narrow + more)
    yield from _beside(columns, widths)
    yield "─" * (sum(widths) + GAP * (len(columns) - 1))
    for row in rows:
        yield from _beside(row, widths)


def _beside(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    wrapped = [list(_wrapped(text, width, fold=True)) for text, width in zip(row, widths, strict=True)]
    for i in range(max(len(cell) for cell in wrapped)):
        parts = [cell[i] if i < len(cell) else "" for cell in wrapped]
        padded = [text + " " * (width - _cells(text)) for text, width in zip(parts, widths, strict=True)]
        yield (" " * GAP).join(padded).rstrip()


def _stacked(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """A field a line, under its name where the line is too short for both."""
    margin = max(_cells(name) for name in columns) + 2
    for number, row in enumerate(rows):
        if number:
            yield ""
        for name, text in zip(columns, row, strict=True):
            space = width - margin
            if _longest_word(text) > space:
                yield name
                yield from (f"  {line}" for line in _wrapped(text, width - 2, fold=False))
                continue
            first, *others = _wrapped(text, space, fold=False)
            yield f"{name}{' ' * (margin - _cells(name))}{first}".rstrip()
            yield from (f"{' ' * margin}{line}".rstrip() for line in others)


def _wrapped(text: str, width: int, *, fold: bool) -> Iterator[str]:
    """A text in lines, broken between words; longer words are broken too, if they may be."""
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if _cells(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        line = word
        while fold and _cells(line) > width:
            piece = _fitting(line, width)
            yield piece
            line = line[len(piece) :]
    yield line


def _fitting(text: str, width: int) -> str:
    """The beginning of a text that fits, one character at least."""
    used = 0
    for i, character in enumerate(text):
        used += _cells(character)
        if used > width and i:
            return text[:i]
    return text


def _least(text: str) -> int:
    """The least width of a column with a text: words stay whole, and sentences get room for a few."""
    return max(min(WIDEST, _longest_word(text)), min(PROSE, _cells(text)))


def _longest_word(text: str) -> int:
    return max(_cells(word) for word in text.split(" "))


def _cells(text: str) -> int:
    """Columns that a text takes on a terminal: Chinese characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # few tables need it

    return cell_len(text)
