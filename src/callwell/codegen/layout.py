# SPDX-License-Identifier: Apache-2.0
"""Lays out generated code: one line where it fits, one item a line with a trailing comma where it does not.

The result is what the project's formatter would write, so users can generate code without a formatter, and the project
checks generated code in unchanged. Code is a tree of `Brackets`:

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
DOCSTRING_QUOTES: Final = 6
"""The characters of two triple quotes."""

SENTENCE_ENDS: Final = (".", "!", "?", ".)", ".'")
"""How a sentence ends."""


class Brackets(NamedTuple):
    """Code in brackets, with what comes before and after them.

    Attributes:
        head: the text up to the opening bracket, and the bracket.
        items: the items between the commas.
        tail: the closing bracket and the text after it.
        comments: the comment of an item, by its index; if there is one, each item gets its own line.
    """

    head: str
    items: Sequence[str | Brackets]
    tail: str
    comments: dict[int, str] = {}  # noqa: RUF012 - never changed


def one_line(node: str | Brackets) -> str:
    """Write code on one line, however long it is."""
    if isinstance(node, str):
        return node
    return node.head + ", ".join(map(one_line, node.items)) + node.tail


def format_lines(node: str | Brackets, indent: str = "", end: str = "") -> list[str]:
    """Write code on as few lines as the line length allows.

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
    """Write a one-line docstring: capitalized, with a full stop, and shortened if it does not fit.

    Args:
        text: the sentence. It may contain anything, because providers write it.
        indent: the beginning of the line.
    """
    text = safe_text(text).rstrip(" :,;") or "No summary."
    text = text[0].upper() + text[1:]
    if not text.endswith(SENTENCE_ENDS):
        text = f"{text}."
    return f'{indent}"""{shorten(text, WIDTH - len(indent) - DOCSTRING_QUOTES)}"""'


def safe_text(text: str) -> str:
    """Make a string safe inside a docstring: one line, without double quotes and backslashes."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())


def quote(value: object) -> str:
    """Write a value as the formatter does: strings in double quotes, unless they contain one."""
    text = repr(value)
    return f'"{text[1:-1]}"' if text[:1] == "'" and '"' not in text else text
