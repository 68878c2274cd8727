# SPDX-License-Identifier: Apache-2.0
"""Lays out generated code: one line where it fits, one item a line with a trailing comma where it does not.

The result is what the project's formatter would make of it, so generated code can be written where no formatter is
installed, and is checked in unchanged. Code is a tree of `Brackets`:

    Brackets("def get(", ["self", "*", "thing_id: int"], ") -> Thing:")

    def get(self, *, thing_id: int) -> Thing:         def get(
                                                          self,
                                                          *,
                                                          thing_id: int,
                                                      ) -> Thing:
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.description.plain_text import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 120
"""The line length of the project's formatter (`pyproject.toml`)."""

INDENT: Final = "    "
QUOTES: Final = 6
"""The characters of two triple quotes."""

ENDS: Final = (".", "!", "?", ".)", ".'")
"""How a sentence ends."""


class Brackets(NamedTuple):
    """Code in brackets, with what comes before and after them.

    Attributes:
        head: up to and with the opening bracket.
        items: what is between the commas.
        tail: the closing bracket and what follows.
        comments: a comment for an item, by its index; with one, each item gets a line.
    """

    head: str
    items: Sequence[str | Brackets]
    tail: str
    comments: dict[int, str] = {}  # noqa: RUF012 - never changed


def one_line(node: str | Brackets) -> str:
    """Code in one line, however long it is."""
    if isinstance(node, str):
        return node
    return node.head + ", ".join(map(one_line, node.items)) + node.tail


def format_lines(node: str | Brackets, indent: str = "", end: str = "") -> list[str]:
    """Code in as few lines as fit.

    Args:
        node: the code.
        indent: the beginning of every line.
        end: the end of the last line.
    """
    line = indent + one_line(node) + end
    if isinstance(node, str) or not node.items or (len(line) <= WIDTH and not node.comments):
        return [line]
    code = [indent + node.head]
    for index, item in enumerate(node.items):
        comment = f"  # {node.comments[index]}" if index in node.comments else ""
        code += [part + comment for part in format_lines(item, indent + INDENT, ",")]
    return [*code, indent + node.tail + end]


def docstring(text: str, indent: str = "") -> str:
    """A docstring of one line: a sentence with a capital and a full stop, shortened if it does not fit.

    Args:
        text: the sentence; a provider's own words, so anything may stand in it.
        indent: the beginning of the line.
    """
    text = safe_text(text).rstrip(" :,;") or "No summary."
    text = text[0].upper() + text[1:]
    if not text.endswith(ENDS):
        text = f"{text}."
    return f'{indent}"""{shorten(text, WIDTH - len(indent) - QUOTES)}"""'


def safe_text(text: str) -> str:
    """A string that cannot end a docstring early or escape anything in it: one line without quotes and backslashes."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())


def quote(value: object) -> str:
    """A value as the formatter writes it: a string in double quotes, unless these would have to be escaped."""
    text = repr(value)
    return f'"{text[1:-1]}"' if text[:1] == "'" and '"' not in text else text
