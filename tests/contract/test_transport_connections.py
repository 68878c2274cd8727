# SPDX-License-Identifier: Apache-2.0
"""The contract of `transport.base` about connections: reuse, idleness, proxies, streams, forks."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from callwell.core.types import Outcome
from callwell.errors import InvalidOption
from callwell.transport.base import Network, NoReply, Response
from tests.contract.raw_server import OK, Connection
from tests.contract.senders import get, known, post
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.contract.raw_server import Servers
    from tests.contract.senders import Sender, Senders

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def answers_once_then_closes(connection: Connection) -> bool:
    """Answer as if the connection would stay, and close it a moment later."""
    connection.send(OK)
    time.sleep(0.15)
    return False


def test_an_idle_connection_is_left_before_the_server_closes_it(serve: Servers, make: Senders) -> None:
    """With `idle_s` below the server's own limit, no request meets a connection that is just being closed."""
    server = serve(answers_once_then_closes)
    sender = make(Network(idle_s=0.05))
    for i in range(4):
        assert isinstance(sender.send(post(server.url)), Response)
        assert server.connections == i + 1
        time.sleep(0.1)


def test_a_connection_that_was_closed_meanwhile_makes_no_unknown(serve: Servers, sender: Sender) -> None:
    """A request after the server's close was seen goes over a new connection."""
    server = serve(lambda c: c.send(OK) and False)
    for _ in range(3):
        assert isinstance(sender.send(post(server.url)), Response)
        assert server.closed.acquire(timeout=PATIENCE_S)
        time.sleep(0.05)
    assert (server.connections, len(server.arrivals)) == (3, 3)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_connection_that_is_closed_when_it_is_used_again(serve: Servers, sender: Sender, how: str) -> None:
    """A second request that is read and then answered by a close is unknown and has arrived once, not twice."""

    def act(connection: Connection) -> bool:
        if connection.requests == 1:
            return connection.send(OK)
        return False if how == "close" else connection.reset()

    server = serve(act)
    assert isinstance(sender.send(post(server.url)), Response)
    assert known(sender.send(post(server.url))) is Outcome.UNKNOWN
    assert len(server.arrivals) == 2


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_race_with_the_servers_close_is_one_arrival_at_most(serve: Servers, sender: Sender, how: str) -> None:
    """Requests sent in the very moment of the server's close: a response or none, never two arrivals."""
    server = serve(lambda c: c.send(OK) and how == "reset" and c.reset())
    for i in range(100):
        before = len(server.arrivals)
        reply = sender.send(post(f"{server.url}{i}"))
        arrived = len(server.arrivals) - before
        assert arrived == 1 if isinstance(reply, Response) else arrived <= 1


def test_a_stream_in_pieces(serve: Servers, sender: Sender) -> None:
    """Status first, then what comes, as it comes."""
    gate = threading.Event()

    def act(connection: Connection) -> bool:
        connection.send(CHUNKED + b"3\r\nabc\r\n")
        gate.wait(5.0)
        return connection.send(b"2\r\nde\r\n0\r\n\r\n")

    server = serve(act)
    assert sender.stream(get(server.url), most=1) == (200, [b"abc"])
    gate.set()
    assert sender.stream(get(server.url)) in ((200, [b"abc", b"de"]), (200, [b"abcde"]))


@pytest.mark.parametrize("how", ["close", "reset", "hang", "garbage"])
def test_a_stream_that_breaks(serve: Servers, sender: Sender, how: str) -> None:
    """The pieces before the break, then that it broke: unknown, once."""
    ways = {"close": lambda _: False, "reset": Connection.reset, "hang": Connection.hang, "garbage": garbage}

    def act(connection: Connection) -> bool:
        connection.send(CHUNKED + b"3\r\nabc\r\n")
        time.sleep(0.05)
        return ways[how](connection)

    server = serve(act)
    began = time.monotonic()
    streamed = sender.stream(get(server.url, 0.3))
    assert time.monotonic() - began < PATIENCE_S / 2
    assert not isinstance(streamed, NoReply)
    status, pieces = streamed
    assert (status, pieces[0], len(pieces)) == (200, b"abc", 2)
    assert isinstance(pieces[1], NoReply)
    assert (pieces[1].outcome, len(server.arrivals)) == (Outcome.UNKNOWN, 1)


def garbage(connection: Connection) -> bool:
    """Say something that is not a piece, and close."""
    connection.send(b"zzz\r\n")
    return False


def test_a_stream_may_last_longer_than_its_longest_pause(serve: Servers, sender: Sender) -> None:
    """`timeout_s` of a stream is for each pause, not for the whole."""

    def act(connection: Connection) -> bool:
        connection.send(CHUNKED)
        for _ in range(6):
            time.sleep(0.1)
            connection.send(b"1\r\nx\r\n")
        return connection.send(b"0\r\n\r\n")

    streamed = sender.stream(get(serve(act).url, 0.4))
    assert not isinstance(streamed, NoReply)
    assert b"".join(piece for piece in streamed[1] if isinstance(piece, bytes)) == b"xxxxxx"


def test_a_stream_whose_answer_never_comes(serve: Servers, sender: Sender) -> None:
    """The first pause counts too: no status in time is unknown."""
    server = serve(Connection.hang)
    began = time.monotonic()
    assert known(sender.stream(get(server.url, 0.3))) is Outcome.UNKNOWN
    assert time.monotonic() - began < PATIENCE_S / 2
    assert len(server.arrivals) == 1


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
SKIPS = ("NO_PROXY", "no_proxy")


@pytest.mark.parametrize("variable", PROXIES)
def test_a_proxy_of_the_environment_is_used_on_demand_only(
    serve: Servers, make: Senders, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """By default, no variable matters; with `environment`, those for the scheme do."""
    for name in (*PROXIES, *SKIPS):
        monkeypatch.delenv(name, raising=False)
    proxy = serve(lambda c: c.send(OK))
    server = serve(lambda c: c.send(OK))
    monkeypatch.setenv(variable, proxy.url)
    assert isinstance(make(Network()).send(get(server.url)), Response)
    assert (len(proxy.arrivals), len(server.arrivals)) == (0, 1)
    assert isinstance(make(Network(proxy="environment")).send(get(server.url)), Response)
    expected = (0, 2) if variable.lower() == "https_proxy" else (1, 1)
    assert (len(proxy.arrivals), len(server.arrivals)) == expected
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert isinstance(make(Network(proxy="environment")).send(get(server.url)), Response)
    assert (len(proxy.arrivals), len(server.arrivals)) == (expected[0], expected[1] + 1)


def test_a_configured_proxy_is_used(serve: Servers, make: Senders, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request goes to the proxy with its whole address; the environment's is not asked."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    proxy = serve(lambda c: c.send(OK))
    assert isinstance(make(Network(proxy=proxy.url)).send(get("http://no-such-host.invalid/x")), Response)
    assert proxy.arrivals[0].startswith(b"GET http://no-such-host.invalid/x HTTP/1.1\r\n")


def test_a_proxy_that_refuses_to_tunnel(serve: Servers, make: Senders) -> None:
    """A refused CONNECT: the provider has seen nothing, so it is surely not done."""
    proxy = serve(lambda c: c.send(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"))
    reply = make(Network(proxy=proxy.url)).send(post("https://no-such-host.invalid/"))
    assert known(reply) is Outcome.REFUSED
    assert proxy.arrivals[0].startswith(b"CONNECT no-such-host.invalid:443 HTTP/1.1\r\n")


@pytest.mark.parametrize("network", [Network(proxy="no address at all"), Network(ca_file="/no/such/file")])
def test_a_network_that_cannot_be(make: Senders, network: Network) -> None:
    """An unusable proxy or CA file is the caller's to fix, and says which option it is."""
    with pytest.raises(InvalidOption):
        make(network).send(get("http://127.0.0.1:1/"))


FORK = """
import asyncio, os, sys
from callwell.errors import UsageError
from callwell.transport.base import Request
from callwell.transport.pyreqwest import AsyncPyreqwestTransport, PyreqwestTransport

request, used = Request("GET", sys.argv[1]), sys.argv[2] == "used"
blocking, other = PyreqwestTransport(), AsyncPyreqwestTransport()
if used:
    blocking.send(request)
child = os.fork()
if child:
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(code or blocking.send(request).status != 200)
try:
    status = blocking.send(request).status, asyncio.run(other.send(request)).status
except UsageError:
    status = "refused"
os._exit(status != ("refused" if used else (200, 200)))
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork here")
@pytest.mark.parametrize(("used", "arrivals"), [("unused", 3), ("used", 2)])
def test_a_forked_child(serve: Servers, used: str, arrivals: int) -> None:
    """A child forked before the first call can send; one forked after it is refused, and nothing hangs."""
    server = serve(lambda c: c.send(OK))
    command = [sys.executable, "-W", "ignore", "-c", FORK, server.url, used]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert len(server.arrivals) == arrivals
