# SPDX-License-Identifier: Apache-2.0
"""Repairs JSON that does not follow RFC 8259 but has only one meaning.

A byte order mark, UTF-16, UTF-32 and any charset that the content type names are decoded. An unpaired surrogate (what
remains of an emoji that was cut in two) becomes U+FFFD, and so does a byte that is not UTF-8: one damaged field must
not make a page of good items unreadable. `NaN` and `Infinity` are not JSON and stay an error.
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
"""Byte order marks and their encodings. That of UTF-32-LE begins with that of UTF-16-LE, so it is tried first."""

CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)

ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
"""A surrogate pair, an unpaired surrogate (group 1) or another escape, from the left. `\\\\ud83d` is not one."""

REPLACEMENT: Final = rb"\ufffd"
"""U+FFFD as a JSON escape."""

NON_JSON_NUMBERS: Final = re.compile(rb"[:\[,]\s*(-?Infinity|NaN)\s*[,\]}]")
"""What Python and JavaScript write for numbers that JSON does not have."""


def repair_json(body: bytes, content_type: str) -> bytes:
    """A body in UTF-8, without unpaired surrogates.

    Args:
        body: a body that could not be decoded directly.
        content_type: the `content-type` header.

    Raises:
        UnicodeError: the body is not in the charset that its header names.
    """
    text = _decode(body, content_type).encode("utf-8", "replace")
    return ESCAPE.sub(lambda match: REPLACEMENT if match[1] else match[0], text)


def explain_invalid_json(body: bytes) -> str:
    """Why a body is not JSON, for display; empty if the reason is unknown."""
    number = NON_JSON_NUMBERS.search(body)
    return f"the response contains {number[1].decode()}, which is not JSON" if number else ""


def _decode(body: bytes, content_type: str) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    start = body[:4]
    if len(start) == 4 and start.count(0):  # noqa: PLR2004 - RFC 4627, 3: zeros show the width
        return body.decode(_wide_encoding(start))
    charset = CHARSET.search(content_type)
    if charset is not None:
        try:
            return body.decode(charset[1], "replace")
        except LookupError:
            pass  # an unknown charset: try UTF-8
    return body.decode("utf-8", "replace")


def _wide_encoding(start: bytes) -> str:
    byte_order = "le" if start[0] else "be"
    width = 32 if start.count(0) == 3 else 16  # noqa: PLR2004 - three of four bytes of an ASCII character are zero
    return f"utf-{width}-{byte_order}"
