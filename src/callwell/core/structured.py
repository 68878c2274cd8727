# SPDX-License-Identifier: Apache-2.0
"""Lists and dictionaries of structured fields (RFC 9651), as far as headers about quotas use them.

One reading serves all of their drafts: `"name";r=50;t=30` is a list, `limit=10, remaining=1` a dictionary, `10;w=60` a
list of numbers. Strings may hold commas and semicolons. Parameters keep their text; whatever is malformed makes the
whole field void, as the drafts demand, and nothing raises.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

LONGEST: Final = 4000
"""Characters of the longest field that is read."""

_ITEM = r'"(?:[^"\\]|\\.)*"|:[A-Za-z0-9+/=]*:|[-\w!#$%&\'*+.^`|~:/@?]+'
_KEY = r"[A-Za-z*][\w.*-]*"
_MEMBER: Final = re.compile(
    rf"\s*(?:({_KEY})\s*=\s*)?({_ITEM})((?:\s*;\s*{_KEY}(?:\s*=\s*(?:{_ITEM}))?)*)\s*", re.ASCII
)
_PARAMETER: Final = re.compile(rf"\s*;\s*({_KEY})(?:\s*=\s*({_ITEM}))?", re.ASCII)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{0,9})?")


class FieldMember(NamedTuple):
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
        text: the field; several lines of it joined by commas.
    """
    found: list[FieldMember] = []
    place = 0
    if len(text) > LONGEST:
        return found
    while place < len(text):
        member = _MEMBER.match(text, place)
        if member is None or (member.end() < len(text) and text[member.end()] != ","):
            return []
        parameters = {key.lower(): _plain(item) for key, item in _PARAMETER.findall(member[3])}
        found.append(FieldMember((member[1] or "").lower(), _plain(member[2]), parameters))
        place = member.end() + 1
    return found


def parse_number(text: str | None) -> float | None:
    """The number that a text is, or None."""
    return float(text) if text is not None and _NUMBER.fullmatch(text.strip()) else None


def parse_count(text: str | None) -> int | None:
    """How many are left or allowed, by a text: whole ones, and none where it is below zero."""
    value = parse_number(text)
    return None if value is None else max(0, int(value))


def _plain(item: str) -> str:
    if item.startswith('"'):
        return _ESCAPED.sub(r"\1", item[1:-1])
    return item
