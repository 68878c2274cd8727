# SPDX-License-Identifier: Apache-2.0
r"""Records as lines of JSON, whatever text is in them.

Some services cut texts in the middle of a character. Such a text is no UTF-8, but JSON can say it by an escape
(`\ud83d`), and so it is written, and read again.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec


def packed(value: Any) -> bytes:
    """A value as JSON on one line."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def unpacked(line: bytes) -> Any:
    """What a line says.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        try:
            return json.loads(line)
        except ValueError:
            raise ValueError(str(error)) from None


def sendable(text: str) -> bool:
    """Whether a text is one that can be put into an address."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str) -> str:
    """A text that any file can hold: what is no character is escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
