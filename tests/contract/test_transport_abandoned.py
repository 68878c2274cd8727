# SPDX-License-Identifier: Apache-2.0
"""What a transport knows beyond its responses: how an abandoned request ended, and that a lost one has arrived."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from callwell.core.types import Outcome
from callwell.transport.base import Network, NoReply, Response
from callwell.transport.pyreqwest import AsyncPyreqwestTransport
from tests.contract.raw_server import OK, Connection
from tests.contract.senders import get, post
from tests.contract.test_transport import HALF, UNKNOWN
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.transport.base import Request
    from tests.contract.raw_server import RawServer, Servers
    from tests.contract.senders import Sender

BEGUN = [case for case in UNKNOWN if "body" in case or "pieces" in case]
"""Cases in which the head of the response came."""


def ended(request: Request, server: RawServer | None, then: Callable[[], object] = lambda: None) -> Any:
    """What comes of a request that is cancelled once it has arrived, and of what is done after that."""

    async def work() -> Response | NoReply:
        transport = AsyncPyreqwestTransport(Network(connect_s=0.5))
        endings: list[asyncio.Future[Response | NoReply]] = []
        task = asyncio.create_task(transport.send(replace(request, on_abandoned=endings.append)))
        if server is None:
            await asyncio.sleep(0)
        else:
            assert await asyncio.to_thread(server.arrived.acquire, timeout=PATIENCE_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        then()
        reply = await endings[0]
        await transport.aclose()
        return reply

    return asyncio.run(work())


@pytest.mark.parametrize("keep_status", [False, True])
def test_the_answer_to_a_cancelled_request_is_known(serve: Servers, keep_status: bool) -> None:  # noqa: FBT001 - drawn
    """The transport cannot take a request back, so it says what came of it: once it arrived, the whole response."""
    answer = threading.Event()
    server = serve(lambda c: answer.wait(20.0) and c.send(OK))
    reply = ended(post(server.url, keep_status=keep_status), server, answer.set)
    assert isinstance(reply, Response)
    assert (reply.status, reply.body, len(server.arrivals)) == (200, b"ok", 1)


@pytest.mark.parametrize("act", [lambda _: False, Connection.reset], ids=["close", "reset"])
def test_the_loss_of_a_cancelled_request_is_known(serve: Servers, act: Callable[[Connection], bool]) -> None:
    """A connection that is closed without a response ends it as unknown, at once and not at its time limit."""
    answer = threading.Event()
    server = serve(lambda c: answer.wait(20.0) and act(c))
    reply = ended(get(server.url, 600.0), server, answer.set)
    assert isinstance(reply, NoReply)
    assert (reply.outcome, reply.headers_arrived) == (Outcome.UNKNOWN, False)


def test_a_cancelled_request_that_finds_no_connection_was_not_sent() -> None:
    """A request that is cancelled while it connects, to a server that accepts no connection, is known to be refused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        reply = ended(get(f"http://127.0.0.1:{listener.getsockname()[1]}/"), None)
        for sock in waiting:
            sock.close()
    assert isinstance(reply, NoReply)
    assert reply.outcome is Outcome.REFUSED


def test_closing_waits_for_nobody_who_has_left(serve: Servers) -> None:
    """Closing the transport ends the wait for what was left, and says so by cancelling its end."""
    server = serve(Connection.hang)

    async def work() -> None:
        transport = AsyncPyreqwestTransport()
        endings: list[asyncio.Future[Response | NoReply]] = []
        task = asyncio.create_task(transport.send(replace(get(server.url, 600.0), on_abandoned=endings.append)))
        assert await asyncio.to_thread(server.arrived.acquire, timeout=PATIENCE_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not endings[0].done()
        await transport.aclose()
        assert endings[0].cancelled()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(work())


def test_a_time_limit_of_asyncio_is_none_of_the_transports(serve: Servers) -> None:
    """`asyncio.timeout` and `wait_for` see the cancellation that they caused."""
    server = serve(Connection.hang)

    async def work() -> None:
        transport = AsyncPyreqwestTransport()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await transport.send(get(server.url, 600.0))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(transport.send(get(server.url, 600.0)), 0.05)
        await transport.aclose()

    asyncio.run(work())


@pytest.mark.parametrize("case", UNKNOWN)
def test_an_answer_that_began_shows_that_the_request_arrived(serve: Servers, sender: Sender, case: str) -> None:
    """What breaks off after the head of the response is known to have arrived; before it, nothing is known."""
    act, timeout_s = UNKNOWN[case]
    reply = sender.send(get(serve(act).url, timeout_s))
    assert isinstance(reply, NoReply)
    assert (reply.outcome, reply.headers_arrived) == (Outcome.UNKNOWN, case in BEGUN)


def test_an_interim_answer_shows_nothing(serve: Servers, sender: Sender) -> None:
    """A 1xx may come from a proxy on the way, and before the request was sent in whole."""
    server = serve(lambda c: c.send(b"HTTP/1.1 103 Early Hints\r\n\r\n") and False)
    reply = sender.send(post(server.url))
    assert isinstance(reply, NoReply)
    assert not reply.headers_arrived


def test_half_an_answer_after_an_interim_one(serve: Servers, sender: Sender) -> None:
    """The head of the final response is what counts."""
    server = serve(lambda c: c.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" + HALF) and False)
    reply = sender.send(post(server.url))
    assert isinstance(reply, NoReply)
    assert reply.headers_arrived
