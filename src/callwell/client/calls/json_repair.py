# SPDX-License-Identifier: Apache-2.0
"""JSON as it arrives: bytes that are not quite what RFC 8259 asks for, and still mean one thing only.

A mark of byte order in front, UTF-16 and UTF-32, and another charset that the content type names are read. A half of a
pair of surrogates, which is what is left of an emoji that was cut, becomes U+FFFD, and so does a byte that is no UTF-8:
one such field does not make a page of good items unreadable. `NaN` and `Infinity` are no JSON, and stay an error.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Marks of byte order; UTF-32's begins with UTF-16's, so it comes first."""

CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)

ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
"""A pair of surrogates, or half of one, or any other escape: read from the left, so that `\\\\ud83d` is none."""

REPLACEMENT: Final = rb"\ufffd"

NUMBERS: Final = re.compile(rb"[:\[,]\s*(-?Infinity|NaN)\s*[,\]}]")
"""What Python and JavaScript write for numbers that JSON does not have."""


def repair_json(body: bytes, content_type: str) -> bytes:
    """A body in UTF-8, without half pairs of surrogates.

    Args:
        body: one that could not be read as it is.
        content_type: what its header says.

    Raises:
        UnicodeError: its charset is not what it says.
    """
    text = _decode(body, content_type).encode("utf-8", "replace")
    return ESCAPE.sub(lambda found: REPLACEMENT if found[1] else found[0], text)


def explain_invalid_json(body: bytes) -> str:
    """Why a body is no JSON, where that can be said in words; empty where it cannot."""
    found = NUMBERS.search(body)
    return f"the answer holds {found[1].decode()}, which is no JSON" if found else ""


def _decode(body: bytes, content_type: str) -> str:
    for mark, name in MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    start = body[:4]
    if len(start) == 4 and start.count(0):  # noqa: PLR2004 - as RFC 4627, 3 tells them apart
        return body.decode(_wide_encoding(start))
    named = CHARSET.search(content_type)
    if named is not None:
        try:
            return body.decode(named[1], "replace")
        except LookupError:
            pass  # a charset that nobody knows
    return body.decode("utf-8", "replace")


def _wide_encoding(start: bytes) -> str:
    order = "le" if start[0] else "be"
    return f"utf-32-{order}" if start.count(0) == 3 else f"utf-16-{order}"  # noqa: PLR2004 - three of four
