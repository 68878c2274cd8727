# SPDX-License-Identifier: Apache-2.0
"""Parses lists and dictionaries of structured fields (RFC 9651), to the extent that quota headers use them.

One parser serves all drafts of these headers: `"name";r=50;t=30` is a list, `limit=10, remaining=1` a dictionary,
`10;w=60` a list of numbers. Strings may hold commas and semicolons. Parameters keep their text. Anything malformed
invalidates the whole field, as the drafts demand; nothing raises.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

MAX_CHARS: Final = 4000
"""Longer fields are invalid: half of what servers commonly allow for all headers together."""

_ITEM = r'"(?:[^"\\]|\\.)*"|:[A-Za-z0-9+/=]*:|[-\w!#$%&\'*+.^`|~:/@?]+'
_KEY = r"[A-Za-z*][\w.*-]*"
_MEMBER: Final = re.compile(
    rf"\s*(?:({_KEY})\s*=\s*)?({_ITEM})((?:\s*;\s*{_KEY}(?:\s*=\s*(?:{_ITEM}))?)*)\s*", re.ASCII
)
_PARAMETER: Final = re.compile(rf"\s*;\s*({_KEY})(?:\s*=\s*({_ITEM}))?", re.ASCII)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{0,9})?")


class FieldMember(Struct, frozen=True):
    """One member of a list or a dictionary.

    Attributes:
        key: its key in a dictionary, empty in a list.
        item: its value as text, a string without its quotes.
        parameters: by their names.
    """

    key: str
    item: str
    parameters: dict[str, str]


def parse_members(text: str) -> list[FieldMember]:
    """The members of a field; none if it is malformed.

    Args:
        text: the field, with all its lines joined by commas.
    """
    if len(text) > MAX_CHARS:
        return []
    members: list[FieldMember] = []
    start = 0
    while start < len(text):
        match = _MEMBER.match(text, start)
        if match is None or (match.end() < len(text) and text[match.end()] != ","):
            return []
        parameters = {key.lower(): _unquote(item) for key, item in _PARAMETER.findall(match[3])}
        members.append(FieldMember(key=(match[1] or "").lower(), item=_unquote(match[2]), parameters=parameters))
        start = match.end() + 1
    return members


def parse_number(text: str | None) -> float | None:
    """A number; None if the text is not one."""
    return float(text) if text is not None and _NUMBER.fullmatch(text.strip()) else None


def parse_count(text: str | None) -> int | None:
    """A count: the whole part of a number, 0 if it is below zero; None if the text is not a number."""
    value = parse_number(text)
    return None if value is None else max(0, int(value))


def _unquote(item: str) -> str:
    if item.startswith('"'):
        return _ESCAPED.sub(r"\1", item[1:-1])
    return item
