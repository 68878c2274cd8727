# SPDX-License-Identifier: Apache-2.0
"""The contract of `transport.base`, over raw sockets: exactly one arrival, and only what is known is reported."""

from __future__ import annotations

import asyncio
import inspect
import socket
import time
import traceback
from typing import TYPE_CHECKING

import pytest
from pyreqwest import exceptions as theirs

from callwell.core.types import Outcome
from callwell.transport import errors
from callwell.transport.base import Network, NoReply, Request, Response
from callwell.transport.pyreqwest import AsyncPyreqwestTransport
from tests.contract.raw_server import OK, Connection
from tests.contract.senders import get, known, post
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.raw_server import Act, Servers
    from tests.contract.senders import Sender, Senders

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
HALF = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"


UNKNOWN: dict[str, tuple[Act, float]] = {
    "closes before an answer": (lambda _: False, 10.0),
    "resets after the whole request": (Connection.reset, 10.0),
    "hangs": (Connection.hang, 0.3),
    "says garbage": (lambda c: c.send(b"\x16\x03\x01nonsense\r\n\r\n") and False, 10.0),
    "says half a head": (lambda c: c.send(b"HTTP/1.1 200 OK\r\ncontent-") and False, 10.0),
    "says half a body and closes": (lambda c: c.send(HALF) and False, 10.0),
    "says half a body and resets": (lambda c: c.send(HALF) and c.reset(), 10.0),
    "says half a body and hangs": (lambda c: c.send(HALF) and c.hang(), 0.3),
    "says half of the pieces": (lambda c: c.send(CHUNKED + b"2\r\nab\r\n") and False, 10.0),
    "says pieces that are none": (lambda c: c.send(CHUNKED + b"xyz\r\n") and False, 10.0),
}  # fmt: skip


@pytest.mark.parametrize("request_of", [get, post])
@pytest.mark.parametrize("case", UNKNOWN)
def test_what_was_sent_is_unknown_and_arrived_once(
    serve: Servers, sender: Sender, case: str, request_of: Callable[[str, float], Request]
) -> None:
    """A request that was received in full is unknown, however its response fails, and is never sent again."""
    act, timeout_s = UNKNOWN[case]
    server = serve(act)
    reply = sender.send(request_of(server.url, timeout_s))
    assert known(reply) is Outcome.UNKNOWN
    assert len(server.arrivals) == 1


@pytest.mark.parametrize("case", [case for case in UNKNOWN if "body" in case or "pieces" in case])
def test_the_status_of_half_an_answer_is_kept_on_demand(serve: Servers, sender: Sender, case: str) -> None:
    """With `keep_status`, a response without its body still shows that the request was done."""
    act, timeout_s = UNKNOWN[case]
    server = serve(act)
    reply = sender.send(post(server.url, timeout_s, keep_status=True))
    assert isinstance(reply, Response)
    assert (reply.status, reply.whole, len(server.arrivals)) == (200, False, 1)


@pytest.mark.parametrize("keep_status", [False, True])
def test_a_whole_answer(serve: Servers, sender: Sender, keep_status: bool) -> None:  # noqa: FBT001 - drawn
    """Status, headers whatever their case, body; two requests over one connection."""
    server = serve(lambda c: c.send(b"HTTP/1.1 418 Teapot\r\nX-One: 1\r\ncontent-length: 3\r\n\r\nabc"))
    for _ in range(2):
        reply = sender.send(post(server.url, keep_status=keep_status))
        assert isinstance(reply, Response)
        assert (reply.status, reply.headers["x-oNE"], reply.body, reply.whole) == (418, "1", b"abc", True)
    assert (server.connections, len(server.arrivals)) == (1, 2)


def free_port() -> int:
    """A port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_a_refused_port(sender: Sender) -> None:
    """There is no listener: surely not sent."""
    assert known(sender.send(post(f"http://127.0.0.1:{free_port()}/"))) is Outcome.REFUSED


def test_a_name_that_is_none(sender: Sender) -> None:
    """A host that cannot be resolved: surely not sent."""
    assert known(sender.send(post("http://no-such-host.invalid/"))) is Outcome.REFUSED


def test_a_full_backlog(sender: Sender) -> None:
    """A connection that is never accepted: surely not sent."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(address)
        began = time.monotonic()
        reply = sender.send(post(f"http://127.0.0.1:{address[1]}/"))
        for sock in waiting:
            sock.close()
    assert known(reply) is Outcome.REFUSED
    assert time.monotonic() - began < PATIENCE_S / 2


def test_a_failed_tls_handshake(serve: Servers, sender: Sender) -> None:
    """A server that talks no TLS: surely not sent."""
    server = serve(lambda _: False)
    server.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert known(sender.send(post(server.url.replace("http", "https")))) is Outcome.REFUSED
    assert server.arrivals == []


def test_a_tls_handshake_that_never_ends(sender: Sender) -> None:
    """A server that says nothing during the handshake: surely not sent, after `connect_s`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert known(sender.send(post(f"https://127.0.0.1:{listener.getsockname()[1]}/"))) is Outcome.REFUSED


def test_a_timeout_within_connecting_is_reported_as_unknown_at_worst(make: Senders) -> None:
    """If the whole time is over before `connect_s`, the library does not tell in which phase: it is not a success."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        assert isinstance(make(Network(connect_s=5.0)).send(post(url, 0.2)), NoReply)


def test_connecting_and_waiting_have_their_own_times(serve: Servers, make: Senders) -> None:
    """A response may take longer than a connection may."""

    def act(connection: Connection) -> bool:
        time.sleep(0.6)
        return connection.send(OK)

    server = serve(act)
    assert isinstance(make(Network(connect_s=0.2)).send(get(server.url)), Response)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(serve: Servers, sender: Sender, status: int) -> None:
    """A redirect is a response like any other."""
    server = serve(lambda c: c.send(b"HTTP/1.1 %d X\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n" % status))
    reply = sender.send(get(server.url))
    assert isinstance(reply, Response)
    assert (reply.status, reply.headers["location"], len(server.arrivals)) == (status, "/b", 1)


def test_nothing_is_remembered_or_reported(serve: Servers, sender: Sender) -> None:
    """No cookie comes back, no referer is sent, and the headers are those of the request."""
    server = serve(lambda c: c.send(b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"))
    sender.send(get(server.url))
    sender.send(get(f"{server.url}b"))
    names = {line.split(b":")[0].lower() for line in server.arrivals[1].split(b"\r\n")[1:]}
    assert names <= {b"host", b"user-agent", b"accept", b"accept-encoding"}


@pytest.mark.parametrize(
    ("url", "headers", "method"),
    [
        ("nonsense", (), "GET"),
        ("http://", (), "GET"),
        ("http://127.0.0.1:99999/", (), "GET"),
        ("ftp://127.0.0.1/", (), "GET"),
        ("http://127.0.0.1:1/", (("authorization", "Bearer SECRET\n"),), "GET"),
        ("http://127.0.0.1:1/", (("a b", "c"),), "GET"),
        ("http://127.0.0.1:1/", (), "G T"),
    ],
)
def test_a_request_that_cannot_be_is_refused(
    sender: Sender, url: str, headers: tuple[tuple[str, str], ...], method: str
) -> None:
    """An address, method or header that cannot be sent is not a crash, and its text stays out of the error."""
    request = Request(method, url, headers)
    for reply in (sender.send(request), sender.stream(request)):
        assert known(reply) is Outcome.REFUSED
        assert "SECRET" not in repr(reply)


@pytest.mark.parametrize("case", ["refused", "closed"])
def test_no_address_is_in_an_error(serve: Servers, sender: Sender, case: str) -> None:
    """A signed URL stays out of the reason and of the cause, however that is printed."""
    base = f"http://127.0.0.1:{free_port()}/" if case == "refused" else serve(lambda _: False).url
    for reply in (sender.send(get(f"{base}?signature=SECRET")), sender.stream(get(f"{base}?signature=SECRET"))):
        assert isinstance(reply, NoReply)
        assert reply.cause is not None
        shown = [repr(reply), str(reply.cause), repr(vars(reply.cause)), *traceback.format_exception(reply.cause)]
        assert "SECRET" not in "".join(shown)


def test_a_cancelled_request_ends_with_its_time(serve: Servers) -> None:
    """A task that is cancelled leaves one arrival at most, and its connection is closed when `timeout_s` is over."""
    server = serve(Connection.hang)

    async def cancel() -> None:
        transport = AsyncPyreqwestTransport()
        task = asyncio.create_task(transport.send(get(server.url, 0.5)))
        assert await asyncio.to_thread(server.arrived.acquire, timeout=PATIENCE_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.closed.acquire, timeout=PATIENCE_S)
        await transport.aclose()

    asyncio.run(cancel())
    assert len(server.arrivals) == 1


def test_every_exception_has_a_reason() -> None:
    """No exception class of pyreqwest is left out of the table, and the table names no other."""
    classes = {
        thing for _, thing in inspect.getmembers(theirs, inspect.isclass) if issubclass(thing, theirs.PyreqwestError)
    }
    assert set(errors.REASONS) == classes


def test_a_new_exception_is_reported_as_unknown() -> None:
    """An exception that the table does not know, like those that it does, may mean that something was sent."""

    class Surprise(theirs.RequestError):
        pass

    assert errors.to_no_reply(Surprise("new", {"causes": None})).outcome is Outcome.UNKNOWN
    reported = {cls for cls in errors.REASONS if known(errors.to_no_reply(cls.__new__(cls))) is Outcome.REFUSED}
    assert reported == {theirs.BuilderError, theirs.PoolTimeoutError}
