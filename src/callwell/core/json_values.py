# SPDX-License-Identifier: Apache-2.0
"""Flags, whole numbers and names in responses: read where the meaning is plain, refused elsewhere, never ignored.

Providers send `"true"`, `"5"` or `5.0` where their documents say `true` and `5`. These readers accept every form that
can mean only one thing. For all others they raise `AmbiguousValue`, so the caller must decide what to do without the
value.
"""

from __future__ import annotations

import re
from typing import Any, Final

FLAGS: Final = {
    **dict.fromkeys(("true", "1", "yes", "y", "on"), True),
    **dict.fromkeys(("false", "0", "no", "n", "off"), False),
}
EMPTY_TEXTS: Final = frozenset({"", "null", "none"})
"""Strings that mean the same as null."""

INTEGER_TEXT: Final = re.compile(r"[+-]?[0-9]{1,30}(?:\.0{1,30})?")
"""Longer numbers are not counts, and Python refuses to parse very long ones."""

MAX_SHOWN: Final = 40
"""Characters of a wrong value that a message repeats."""


class AmbiguousValue(ValueError):
    """A value in a response with an unclear meaning.

    Args:
        value: the value.
        expected: what should be there, as a noun phrase.
    """

    def __init__(self, value: object, expected: str) -> None:
        super().__init__(f"expected {expected}, found {describe_type(value)}")


def to_flag(value: Any) -> bool | None:
    """A flag, or None where it is missing.

    Raises:
        AmbiguousValue: the value is neither true nor false.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        text = value.strip().lower()
        if text in EMPTY_TEXTS:
            return None
        if text in FLAGS:
            return FLAGS[text]
    raise AmbiguousValue(value, "true or false")


def to_integer(value: Any) -> int | None:
    """A whole number, or None where it is missing.

    Raises:
        AmbiguousValue: the value is not a whole number.
    """
    if value is None or type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in EMPTY_TEXTS:
            return None
        if INTEGER_TEXT.fullmatch(text):
            return int(text.partition(".")[0])
    raise AmbiguousValue(value, "a whole number")


def to_count(value: Any) -> int | None:
    """A number of things, or None where it is missing; negative numbers mean "unknown".

    Raises:
        AmbiguousValue: the value is not a whole number.
    """
    number = to_integer(value)
    return number if number is not None and number >= 0 else None


def to_name(value: Any) -> str | None:
    """What an object is called, or None where that is missing: a string, or a whole number as text.

    Raises:
        AmbiguousValue: the value is neither.
    """
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        return str(int(value))
    raise AmbiguousValue(value, "a name")


def describe_type(value: object) -> str:
    """What a value is, in words, for messages."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    shown = repr(value)
    return shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}…"


def value_at(body: Any, path: str | None) -> Any:
    """The value at a dotted path, or None if there is none.

    Args:
        body: decoded JSON.
        path: keys joined by dots; a number is an index into a list. None has no value.
    """
    if path is None:
        return None
    if isinstance(body, dict) and path in body:  # most paths are one key
        return body[path]
    for key in path.split("."):
        if isinstance(body, dict):
            body = body.get(key)
        elif isinstance(body, list) and key.isdecimal() and int(key) < len(body):
            body = body[int(key)]
        else:
            return None
    return body
