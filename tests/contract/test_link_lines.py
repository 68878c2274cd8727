# SPDX-License-Identifier: Apache-2.0
"""The link to a next page is found in what a real transport gives, on whichever line it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.client.pages.link_header import NextLink, find_next_link
from callwell.transport.base import Response
from tests.contract.senders import get

if TYPE_CHECKING:
    from tests.contract.raw_server import Servers
    from tests.contract.senders import Sender


@pytest.mark.parametrize(
    ("lines", "target"),
    [
        ([], None),
        ([b'</b>; rel="next"'], "/b"),
        ([b'</a>; rel="prev"', b'</b>; rel="next"'], "/b"),
        ([b'</b?x=1,2>; rel="prev next"', b"</c>; rel=last"], "/b?x=1,2"),
        ([b"</a>; rel=prev, </z>; rel=last", b"</b>; REL=NEXT"], "/b"),
    ],
)
def test_every_line_is_read(serve: Servers, sender: Sender, lines: list[bytes], target: str | None) -> None:
    """Several lines of a header are one list."""
    head = b"".join(b"Link: " + line + b"\r\n" for line in lines)
    server = serve(lambda c: c.send(b"HTTP/1.1 200 OK\r\n" + head + b"content-length: 2\r\n\r\n{}"))
    reply = sender.send(get(server.url))
    assert isinstance(reply, Response)
    assert find_next_link(reply.headers, frozenset()) == NextLink(target)


def test_a_header_that_is_not_ascii_does_not_end_a_list(serve: Servers, sender: Sender) -> None:
    """Whether or not a transport can return it: the link is found, or reported as possible."""
    line = b'Link: </b>; title="\xe9"; rel="next"\r\n'
    server = serve(lambda c: c.send(b"HTTP/1.1 200 OK\r\n" + line + b"content-length: 2\r\n\r\n{}"))
    reply = sender.send(get(server.url))
    assert isinstance(reply, Response)
    found = find_next_link(reply.headers, frozenset())
    assert found.target == "/b" or found.problem
