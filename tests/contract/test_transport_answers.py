# SPDX-License-Identifier: Apache-2.0
"""The contract of `transport.base` about response bodies: codings are undone, and none grows beyond its bound."""

from __future__ import annotations

import functools
import gzip
import zlib
from typing import TYPE_CHECKING, Final

import pytest

from callwell.core.types import Outcome
from callwell.transport.base import MAX_ERROR_BYTES, Network, Request, Response
from tests.contract.raw_server import OK, Connection
from tests.contract.senders import get, known, post
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.transport.base import NoReply
    from tests.contract.raw_server import Servers
    from tests.contract.senders import Sender, Senders

TEXT: Final = b'{"id": "a", "name": "%s"}' % (b"x" * 100)
packed: Final = functools.partial(gzip.compress, mtime=0)
"""As `gzip.compress`, without the time."""

BARE: Final = zlib.compress(TEXT, wbits=-15)


def head(status: int, *fields: bytes) -> bytes:
    """The head of a response."""
    return b"\r\n".join((b"HTTP/1.1 %d X" % status, *fields, b"", b""))


def sized(status: int, body: bytes, *fields: bytes) -> bytes:
    """A response with its length."""
    return head(status, b"content-length: %d" % len(body), *fields) + body


def chunked(status: int, pieces: Iterable[bytes], *fields: bytes) -> bytes:
    """A response in chunks, without a length."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head(status, b"transfer-encoding: chunked", *fields) + body + b"0\r\n\r\n"


CODED: Final = {
    "gzip": packed(TEXT),
    "GZIP": packed(TEXT),
    "x-gzip": packed(TEXT),
    "gzip ": packed(TEXT[:9]) + packed(b"") + packed(TEXT[9:]),
    "Gzip": packed(TEXT) + b"\0\0what stands behind",
    "deflate": zlib.compress(TEXT),
    "Deflate": BARE,
    "gzip, gzip": packed(packed(TEXT)),
    "deflate,  gzip": packed(zlib.compress(TEXT)),
    "identity": TEXT,
    "utf-8": TEXT,
    "identity, x-gzip": packed(TEXT),
    "gzip,": TEXT,
}


@pytest.mark.parametrize("shape", [sized, chunked])
@pytest.mark.parametrize("coding", CODED)
def test_codings_are_undone(serve: Servers, sender: Sender, coding: str, shape: object) -> None:
    """Under every name, in every stack, from several members; the headers do not speak of them afterwards."""
    body = CODED[coding]
    field = f"content-encoding: {coding}".encode()
    out = sized(200, body, field) if shape is sized else chunked(200, (body[:7], body[7:]), field)
    reply = sender.send(get(serve(lambda c: c.send(out)).url))
    assert isinstance(reply, Response)
    assert (reply.body, reply.whole) == (TEXT, True)
    assert ("content-encoding" in reply.headers) == (body is TEXT)


@pytest.mark.parametrize("keep_status", [False, True])
@pytest.mark.parametrize("body", [packed(TEXT)[:-9], packed(TEXT)[:30] + b"\xff" * 40])
def test_a_coded_body_that_is_damaged_is_not_whole(
    serve: Servers,
    sender: Sender,
    body: bytes,
    keep_status: bool,  # noqa: FBT001 - drawn
) -> None:
    """It arrived whole, and what it says is lost."""
    server = serve(lambda c: c.send(sized(200, body, b"content-encoding: gzip")))
    reply = sender.send(post(server.url, keep_status=keep_status))
    assert isinstance(reply, Response)
    assert (reply.status, reply.whole, reply.too_large) == (200, False, False)


def test_accepted_codings_can_be_read(serve: Servers, sender: Sender) -> None:
    """Requests name the codings that are undone; streams, which are not, name none."""
    server = serve(lambda c: c.send(OK))
    sender.send(get(server.url))
    sender.stream(get(server.url))
    asked = [b"accept-encoding: gzip, deflate, br, zstd" in arrival.lower() for arrival in server.arrivals]
    assert asked == [True, False]
    assert b"accept-encoding" not in server.arrivals[1].lower()


def large(reply: Response | NoReply) -> tuple[int, bool, bool, int]:
    """What is known of a response that may be too large."""
    assert isinstance(reply, Response)
    return reply.status, reply.whole, reply.too_large, len(reply.body)


GROWING: Final = packed(bytes(8 << 20))


@pytest.mark.parametrize("keep_status", [False, True])
@pytest.mark.parametrize(
    "out",
    [
        sized(200, bytes(1001)),
        head(200, b"content-length: 99999999999") + bytes(100_000),
        chunked(200, [bytes(600), bytes(401)]),
        sized(200, GROWING, b"content-encoding: gzip"),
        sized(200, zlib.compress(bytes(5000)), b"content-encoding: deflate"),
        sized(200, packed(GROWING), b"content-encoding: gzip, gzip"),
        chunked(200, [GROWING], b"content-encoding: gzip"),
    ],
)
def test_a_body_above_its_bound_is_not_read(
    serve: Servers,
    make: Senders,
    out: bytes,
    keep_status: bool,  # noqa: FBT001 - drawn
) -> None:
    """Whatever it says of its size: the status is known, and little is in memory."""
    server = serve(lambda c: c.send(out))
    reply = make(Network(max_answer_bytes=1000)).send(post(server.url, keep_status=keep_status))
    status, whole, too_large, size = large(reply)
    assert (status, whole, too_large) == (200, False, True)
    assert size <= 1000
    assert len(server.arrivals) == 1


@pytest.mark.parametrize(
    "out",
    [
        sized(200, bytes(1000)),
        chunked(200, [bytes(1000)]),
        sized(200, packed(bytes(1000)), b"content-encoding: gzip"),
    ],
)
def test_a_body_at_its_bound_is_read(serve: Servers, make: Senders, out: bytes) -> None:
    """The last byte that is allowed is not a byte too many."""
    reply = make(Network(max_answer_bytes=1000)).send(get(serve(lambda c: c.send(out)).url))
    assert large(reply) == (200, True, False, 1000)


def test_an_error_is_read_to_its_own_bound(serve: Servers, sender: Sender) -> None:
    """The beginning of an endless page is kept, and its status."""
    server = serve(lambda c: c.send(sized(503, bytes(MAX_ERROR_BYTES + 1))))
    assert large(sender.send(get(server.url))) == (503, False, True, MAX_ERROR_BYTES)


@pytest.mark.parametrize("fields", [(), (b"content-length: 5",)])
def test_an_endless_response_ends(serve: Servers, make: Senders, fields: tuple[bytes, ...]) -> None:
    """A server that never stops sending is left as soon as the bound is passed, whatever length it names."""

    def endless(connection: Connection) -> bool:
        connection.send(head(200, b"transfer-encoding: chunked", *fields))
        while True:
            connection.send(b"1000\r\n" + bytes(4096) + b"\r\n")

    server = serve(endless)
    assert large(make(Network(max_answer_bytes=100_000)).send(get(server.url)))[:3] == (200, False, True)
    assert server.closed.acquire(timeout=PATIENCE_S)


@pytest.mark.parametrize("out", [head(204), head(304, b"content-length: 99999999999"), sized(200, b"")])
def test_a_response_without_a_body_keeps_its_connection(serve: Servers, sender: Sender, out: bytes) -> None:
    """Whatever length it names."""
    server = serve(lambda c: c.send(out))
    for _ in range(3):
        reply = sender.send(post(server.url))
        assert isinstance(reply, Response)
        assert (reply.body, reply.whole) == (b"", True)
    assert server.connections == 1


def test_headers_that_cannot_be_read_disturb_no_body(serve: Servers, sender: Sender) -> None:
    """A length or a coding with a byte beyond ASCII is taken for absent."""
    server = serve(lambda c: c.send(chunked(200, [TEXT], b"content-encoding: g\xe9ip")))
    reply = sender.send(get(server.url))
    assert isinstance(reply, Response)
    assert reply.body == TEXT


EVIL: Final = sized(200, b"evil")


def test_surplus_bytes_close_the_connection(serve: Servers, sender: Sender) -> None:
    """What comes with a response, or behind it, is never taken for the next one."""
    server = serve(lambda c: c.send(sized(200, b"good") + EVIL))
    for number in range(1, 6):
        reply = sender.send(get(server.url))
        assert isinstance(reply, Response)
        assert (reply.body, server.connections) == (b"good", number)


def test_a_response_on_an_idle_connection_is_discarded(serve: Servers, sender: Sender) -> None:
    """A connection on which something arrives while it is idle is closed."""
    server = serve(lambda c: c.send(sized(200, b"good")) and c.send(EVIL))
    for number in range(1, 4):
        reply = sender.send(get(server.url))
        assert isinstance(reply, Response)
        assert (reply.body, server.connections) == (b"good", number)
        assert server.closed.acquire(timeout=PATIENCE_S)


def test_the_body_of_a_head_is_discarded(serve: Servers, sender: Sender) -> None:
    """Some servers send one: each HEAD has a connection of its own, and a length is not a body."""
    server = serve(lambda c: c.send(sized(200, EVIL)))
    for number in range(1, 4):
        reply = sender.send(Request("HEAD", server.url))
        assert isinstance(reply, Response)
        assert (reply.body, reply.whole, server.connections) == (b"", True, number)


def test_a_fresh_request_has_a_connection_of_its_own(serve: Servers, sender: Sender) -> None:
    """It uses none that is open, and leaves none."""
    server = serve(lambda c: c.send(OK))
    for fresh, connections in ((False, 1), (True, 2), (True, 3), (False, 3)):
        assert isinstance(sender.send(Request("GET", server.url, new_connection=fresh)), Response)
        assert server.connections == connections


def test_a_fresh_request_can_fail_like_any_other(serve: Servers, sender: Sender) -> None:
    """What is known of it is the same."""
    server = serve(Connection.reset)
    assert known(sender.send(Request("GET", server.url, new_connection=True))) is Outcome.UNKNOWN
