# SPDX-License-Identifier: Apache-2.0
"""The sections, tables and numbers of a paper in Markdown."""

from __future__ import annotations

import re
from typing import Final

# A bar without blanks is part of a cell: `str|null`.
CELLS: Final = re.compile(r"(?<= )\|(?= )")
QUOTED: Final = re.compile(r"`([^`]+)`")


def part(paper: str, heading: str) -> str:
    """The text below a heading that begins like this, up to the next heading."""
    found = re.search(rf"^#+ {re.escape(heading)}.*?$(.*?)(?=^#+ |\Z)", paper, re.MULTILINE | re.DOTALL)
    if found is None:
        msg = f"no heading begins with {heading!r}"
        raise LookupError(msg)
    return found[1]


def tables(text: str) -> list[list[list[str]]]:
    """The cells of each table, without its head."""
    blocks = re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)
    return [[_cells(line) for line in block.splitlines()[2:]] for block in blocks]


def table(text: str) -> list[list[str]]:
    """The cells of the first table, without its head."""
    return tables(text)[0]


def row(text: str, begin: str) -> list[str]:
    """The only row of the first table that begins like this."""
    (found,) = (cells for cells in table(text) if cells[0].startswith(begin))
    return found


def integer(digits: str) -> int:
    """A whole number, with or without commas between thousands."""
    return int(digits.replace(",", ""))


def number(text: str, pattern: str) -> int:
    """The number in the one group of a pattern that the text must match."""
    found = re.search(pattern, text)
    if found is None:
        msg = f"nothing matches {pattern!r}"
        raise LookupError(msg)
    return integer(found[1])


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in CELLS.split(line.removeprefix("|").removesuffix("|"))]
