# SPDX-License-Identifier: Apache-2.0
"""Codings that are named on several lines, and bodies that were never coded."""

from __future__ import annotations

import gzip
import zlib

import pytest
from pyreqwest.http import HeaderMap

from callwell.transport import bodies
from callwell.transport.codings import decode
from callwell.transport.headers import ResponseHeaders

TEXT = b'{"id": "1"}'
MOST = 1 << 20


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["gzip", "gzip"], gzip.compress(gzip.compress(TEXT, mtime=0), mtime=0)),
        (["deflate", "gzip"], gzip.compress(zlib.compress(TEXT), mtime=0)),
        (["identity", "x-gzip"], gzip.compress(TEXT, mtime=0)),
    ],
)
def test_codings_on_several_lines_are_all_undone(lines: list[str], body: bytes) -> None:
    """Two lines mean what one line with a comma means."""
    fields = HeaderMap([("content-encoding", line) for line in lines])
    answer = bodies.build_response(200, fields, ResponseHeaders(fields), body, MOST)
    assert answer.body == TEXT
    assert answer.whole
    assert "content-encoding" not in answer.headers


def test_plain_json_under_the_name_of_deflate_stays_as_it_is() -> None:
    """A string that was never coded is handed on."""
    assert decode(TEXT, "deflate", MOST).body == TEXT


def test_a_broken_deflate_stream_is_not_whole() -> None:
    """What looks like no text was coded, and is damaged."""
    assert not decode(zlib.compress(TEXT)[:-6], "deflate", MOST).whole


def test_members_may_have_zeros_between_them() -> None:
    """Padding ends no body: what comes after it belongs to it, as in files."""
    body = gzip.compress(TEXT[:4], mtime=0) + b"\0" * 600 + gzip.compress(TEXT[4:], mtime=0) + b"\0" * 3
    assert decode(body, "gzip", MOST).body == TEXT


@pytest.mark.parametrize(("transfer", "is_large"), [({}, True), ({"transfer-encoding": "chunked"}, False)])
def test_a_length_beside_chunks_makes_no_body_large(transfer: dict[str, str], *, is_large: bool) -> None:
    """RFC 9112, section 6.3: the chunks say how long it is, whatever a proxy has left in the other header."""
    headers = ResponseHeaders(HeaderMap({"content-length": f"{MOST + 1}", **transfer}))
    assert bodies.is_too_large(headers, 200, MOST) is is_large
