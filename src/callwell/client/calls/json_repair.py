# SPDX-License-Identifier: Apache-2.0
"""Repairs JSON bodies that break RFC 8259 and can still mean one thing only.

A byte order mark, UTF-16, UTF-32 and a charset named by the content type are decoded. A lone surrogate, which is what
remains of an emoji that was cut, becomes U+FFFD, and so does a byte that is not UTF-8: one such field must not make a
page of good items unreadable. `NaN` and `Infinity` are not JSON, and remain an error.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks; UTF-32's begins with UTF-16's, so it comes first."""

CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)

ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
"""A surrogate pair, a lone surrogate (group 1), or another escape: read from the left, so `\\\\ud83d` is none."""

REPLACEMENT: Final = rb"\ufffd"

NUMBERS: Final = re.compile(rb"[:\[,]\s*(-?Infinity|NaN)\s*[,\]}]")
"""Numbers that Python and JavaScript write, and JSON does not have."""


def repair_json(body: bytes, content_type: str) -> bytes:
    """The body in UTF-8, without lone surrogates.

    Args:
        body: a body that could not be decoded as it is.
        content_type: the `Content-Type` header.

    Raises:
        UnicodeError: the body is not in its charset.
    """
    text = _decode(body, content_type).encode("utf-8", "replace")
    if b"\\ud" not in text and b"\\uD" not in text:  # 40 ns a byte is too long for a body of many MiB
        return text
    return ESCAPE.sub(lambda match: REPLACEMENT if match[1] else match[0], text)


def explain_invalid_json(body: bytes) -> str:
    """Why a body is not JSON, in words; empty if there is no more to say."""
    number = NUMBERS.search(body)
    return f"the answer holds {number[1].decode()}, which is not JSON" if number else ""


def _decode(body: bytes, content_type: str) -> str:
    for mark, charset in BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(charset, "replace")
    start = body[:4]
    if len(start) == 4 and start.count(0):  # noqa: PLR2004 - as RFC 4627, 3 tells them apart
        return body.decode(_wide_encoding(start))
    named = CHARSET.search(content_type)
    if named is not None:
        try:
            return body.decode(named[1], "replace")
        except LookupError:
            pass  # Python does not know this charset
    return body.decode("utf-8", "replace")


def _wide_encoding(start: bytes) -> str:
    byte_order = "le" if start[0] else "be"
    width = 32 if start.count(0) == 3 else 16  # noqa: PLR2004 - three of four bytes of an ASCII character are zero
    return f"utf-{width}-{byte_order}"
