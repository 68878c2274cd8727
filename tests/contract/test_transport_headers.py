# SPDX-License-Identifier: Apache-2.0
"""Headers of any bytes: what is ASCII is read, what is not is absent, and nothing raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.transport.base import Response
from callwell.transport.headers import UNREADABLE, ResponseHeaders
from tests.contract.senders import get, post

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.transport.base import Request
    from tests.contract.raw_server import Servers
    from tests.contract.senders import Sender

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nSunset: caf\xe9\r\nX-Name: \xc3\xa9t\xc3\xa9\r\nLink: <one>\r\n"
    b"Link: <two>; title=\xe9\r\nlink: <three>\r\nX-Plain: a\tb\r\nX-Empty:\r\n\r\nok"
)


@pytest.mark.parametrize("keep_status", [False, True])
def test_headers_of_any_bytes_are_read(serve: Servers, sender: Sender, *, keep_status: bool) -> None:
    """One value that is not text hides nothing but itself."""
    server = serve(lambda connection: connection.send(HEAD))
    reply = sender.send(post(server.url, keep_status=keep_status))
    assert isinstance(reply, Response)
    headers = reply.headers
    assert isinstance(headers, ResponseHeaders)
    assert (headers.get("sunset"), headers.get("x-name", "none"), "sunset" in headers) == (None, "none", False)
    assert (headers["x-plain"], headers["X-PLAIN"], headers["x-empty"]) == ("a\tb", "a\tb", "")
    assert headers.getall("Link") == ["<one>", UNREADABLE, "<three>"]
    assert (headers.getall("sunset"), headers.getall("nothing")) == ([UNREADABLE], [])
    assert dict(headers) == {"content-length": "2", "link": "<one>", "x-plain": "a\tb", "x-empty": ""}
    assert len(headers) == 4
    assert "caf" not in repr(headers)
    with pytest.raises(KeyError):
        headers["sunset"]


@pytest.mark.parametrize("request_of", [get, post])
def test_any_byte_in_any_header_is_an_answer(
    serve: Servers, sender: Sender, request_of: Callable[[str], Request]
) -> None:
    """Every byte that may stand in a header, and those that may not: a response, or none, and never an error."""
    values = [bytes([byte]) for byte in range(256) if byte not in b"\r\n"]
    server = serve(
        lambda connection: connection.send(
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-odd: a" + values[len(server.arrivals) - 1] + b"b\r\n\r\n"
        )
    )
    for value in values:
        reply = sender.send(request_of(server.url))
        if isinstance(reply, Response):
            received = reply.headers.get("x-odd")
            assert received == (f"a{value.decode('ascii')}b" if value.isascii() else None)
