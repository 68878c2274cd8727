# SPDX-License-Identifier: Apache-2.0
"""Lines of generated code: one line where it fits, one item a line with a last comma where it does not.

This is what the project's formatter would make of it, so that generated code needs no formatter to be there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 120
STEP: Final = "    "


class Brackets(NamedTuple):
    """Code in brackets, with what stands before and after them.

    Attributes:
        head: up to and with the opening bracket.
        items: what is between the commas.
        tail: the closing bracket and what follows.
        notes: a comment for an item, by its index; with one, the items get a line each.
    """

    head: str
    items: Sequence[str | Brackets]
    tail: str
    notes: dict[int, str] = {}  # noqa: RUF012 - never changed


def flat(node: str | Brackets) -> str:
    """Code in one line."""
    if isinstance(node, str):
        return node
    return node.head + ", ".join(map(flat, node.items)) + node.tail


def lines(node: str | Brackets, indent: str = "", end: str = "") -> list[str]:
    """Code in as few lines as fit.

    Args:
        node: the code.
        indent: what every line begins with.
        end: what the last line ends with.
    """
    line = indent + flat(node) + end
    if isinstance(node, str) or not node.items or (len(line) <= WIDTH and not node.notes):
        return [line]
    inner = [
        part + (f"  # {node.notes[index]}" if index in node.notes else "")
        for index, item in enumerate(node.items)
        for part in lines(item, indent + STEP, ",")
    ]
    return [indent + node.head, *inner, indent + node.tail + end]


def docstring(text: str, indent: str = "") -> str:
    """A docstring of one line: a sentence with a capital and a full stop, cut where it is too long.

    Args:
        text: what it says.
        indent: what the line begins with.
    """
    text = plain(text) or "No summary."
    text = text[0].upper() + text[1:]
    text = text if text[-1] in ".!?" else f"{text}."
    room = WIDTH - len(indent) - 6
    if len(text) > room:
        text = text[: room - 3].rsplit(" ", 1)[0].rstrip(".,;:") + "..."
    return f'{indent}"""{text}"""'


def plain(text: str) -> str:
    """A text as it may stand in a docstring: one line without quotes and backslashes."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())


def quoted(value: object) -> str:
    """A value as the formatter writes it: texts in double quotes where these need no escape."""
    text = repr(value)
    return f'"{text[1:-1]}"' if text[:1] == "'" and '"' not in text else text
