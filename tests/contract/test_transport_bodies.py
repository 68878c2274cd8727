# SPDX-License-Identifier: Apache-2.0
"""Bodies that are read while they are sent: whole or not at all, once, and with little of them in memory."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from callwell.core.types import Outcome
from callwell.transport.base import Request, Response
from tests.contract.raw_server import OK, Connection
from tests.contract.senders import known
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.contract.raw_server import Servers
    from tests.contract.senders import Sender

PIECE = b"0123456789abcdef" * 4096


class GoneError(Exception):
    """What a body's own reading raises."""


class Pieces:
    """A body of equal pieces.

    Args:
        count: how many there are to be.
        then: what happens after `after` of them.
        after: see `then`.
    """

    one_time = False

    def __init__(self, count: int, then: Callable[[], object] | None = None, after: int = 0) -> None:
        self.size: int | None = count * len(PIECE)
        self.read = 0
        self.begun = 0
        self._count = count
        self._then = then
        self._after = after

    def __iter__(self) -> Iterator[bytes]:
        self.begun += 1
        for number in range(self._count):
            if self._then is not None and number == self._after:
                self._then()
            self.read += 1
            yield PIECE


def raises() -> None:
    """The file has gone."""
    raise GoneError("the file has gone")


def put(url: str, body: Pieces, timeout_s: float = 10.0) -> Request:
    """A request with a body that is read while it is sent."""
    return Request("POST", url, (("x-a", "1"),), body, timeout_s, keep_status=True)


def test_it_arrives_whole_with_its_length(serve: Servers, sender: Sender) -> None:
    """Not in chunks, as many a server would refuse, and again and again over one connection."""
    server = serve(lambda c: c.send(OK))
    body = Pieces(40)
    for _ in range(2):
        reply = sender.send(put(server.url, body))
        assert isinstance(reply, Response)
        assert (reply.status, reply.body, reply.whole) == (200, b"ok", True)
    assert (server.connections, len(server.arrivals), body.begun) == (1, 2, 2)
    head = server.arrivals[0].lower().split(b"\r\n")
    assert b"content-length: %d" % (40 * len(PIECE)) in head
    assert not any(line.startswith((b"transfer-encoding", b"expect")) for line in head)


def test_it_arrives_in_chunks_without_a_length(serve: Servers, sender: Sender) -> None:
    """Its length is not known before it ends."""
    server = serve(lambda c: c.send(OK))
    body = Pieces(3)
    body.size = None
    assert isinstance(sender.send(put(server.url, body)), Response)
    assert b"content-length" not in server.arrivals[0].lower()
    assert server.chunked[0].count(PIECE) == 3


def test_a_body_that_cannot_be_read_tells_why_and_does_not_arrive(serve: Servers, sender: Sender) -> None:
    """What its reading raised comes out as it is, at once, and the connection is closed in mid-body."""
    server = serve(lambda c: c.send(OK))
    began = time.monotonic()
    with pytest.raises(GoneError, match="gone"):
        sender.send(put(server.url, Pieces(40, raises, after=20)))
    assert server.closed.acquire(timeout=PATIENCE_S)
    assert (server.arrivals, time.monotonic() - began < PATIENCE_S / 2) == ([], True)
    assert isinstance(sender.send(put(server.url, Pieces(1))), Response)


def test_a_body_that_is_shorter_than_it_said_does_not_arrive(serve: Servers, sender: Sender) -> None:
    """The library breaks it off; nothing is known of it."""
    server = serve(lambda c: c.send(OK))
    body = Pieces(3)
    body.size = 3 * len(PIECE) + 1
    assert known(sender.send(put(server.url, body))) is Outcome.UNKNOWN
    assert server.arrivals == []


@pytest.mark.parametrize("act", [lambda _: False, Connection.reset])
def test_no_answer_after_a_whole_body_is_unknown(
    serve: Servers, sender: Sender, act: Callable[[Connection], bool]
) -> None:
    """It has arrived, and is read and sent once only."""
    server = serve(act)
    body = Pieces(8)
    assert known(sender.send(put(server.url, body))) is Outcome.UNKNOWN
    assert (len(server.arrivals), body.begun) == (1, 1)


def test_a_server_that_stops_reading_ends_with_the_time(serve: Servers, sender: Sender) -> None:
    """A body that cannot be got rid of is unknown when the time is over, and is not read to its end."""
    server = serve(lambda _: False)
    body = Pieces(400)
    server.reads.clear()
    assert known(sender.send(put(server.url, body, 0.5))) is Outcome.UNKNOWN
    assert body.read < 300
    server.reads.set()
    assert server.closed.acquire(timeout=PATIENCE_S)
    assert server.arrivals == []


def test_nobody_listens(sender: Sender) -> None:
    """Surely not sent."""
    assert known(sender.send(put("http://127.0.0.1:1/", Pieces(2)))) is Outcome.REFUSED


def test_little_of_it_is_in_memory(serve: Servers, sender: Sender) -> None:
    """The reader is never far ahead of the server: the bytes between are in the sockets, and few beyond."""
    server = serve(lambda c: c.send(OK))
    body = Pieces(400)
    server.reads.clear()
    ahead: list[int] = []

    def watch() -> None:
        before = -1
        while before != body.read or before == 0:
            before = body.read
            time.sleep(0.2)
        ahead.append(body.read)
        server.reads.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert isinstance(sender.send(put(server.url, body)), Response)
    watcher.join()
    assert 0 < ahead[0] * len(PIECE) < 18 << 20
