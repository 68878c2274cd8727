# SPDX-License-Identifier: Apache-2.0
"""The contract of `transport.base` about addresses: they go out letter by letter, and fail like any others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from callwell.core.types import Outcome
from callwell.transport.base import Network, NoReply, Request, Response
from tests.contract.raw_server import OK, Connection
from tests.contract.senders import known
from tests.contract.test_transport import free_port

if TYPE_CHECKING:
    from tests.contract.raw_server import Act, Servers
    from tests.contract.senders import Sender, Senders

TARGETS: Final = (
    "b/a%2Fb%2fc/d%20e+f~g?sig=a%2Bb%2F%3D&e=1",
    "b/x;v=1/(y)*!$&,@:z?q='v'&r=(s)*!~",
    "b/it's?name='a'&x=%27",
    "b//double//slash?x=&y",
    "b/%7Euser/%41?x=%7e&list[]=1&p=a|b",
    "b/a/%2e%2e/c?x=1",
    "b/a/../c",
    "b/./c/.%2E/d/..",
    "b/.hidden/...?x=/../y",
    "b/{one}?q={two}",
    'b/`<>?q="w"',
    "b/back\\slash?x=\\",
    "b/..?'",
)
ODD: Final = "b/%2e%2e/c?q='x'"


@pytest.mark.parametrize("target", TARGETS)
def test_a_stream_asks_for_what_it_was_given(serve: Servers, sender: Sender, target: str) -> None:
    """A signed address has the signature of its spelling."""
    server = serve(lambda c: c.send(OK))
    assert sender.stream(Request("GET", server.url + target)) == (200, [b"ok"])
    assert server.arrivals[0].split()[1].decode() == f"/{target}"


@pytest.mark.parametrize("target", [target for target in TARGETS if "'" in target or "/." in target or "%2e" in target])
def test_a_request_asks_for_what_it_was_given(serve: Servers, sender: Sender, target: str) -> None:
    """The same where the whole response is read, with headers and a body."""
    server = serve(lambda c: c.send(OK))
    reply = sender.send(Request("PUT", server.url + target, (("x-a", "1"),), b"body"))
    assert isinstance(reply, Response)
    assert (reply.status, reply.body, reply.headers["Content-Length"]) == (200, b"ok", "2")
    line, *fields = server.arrivals[0].decode().split("\r\n")
    assert line == f"PUT /{target} HTTP/1.1"
    names = [field.partition(":")[0].lower() for field in fields]
    assert {"content-length", "host", "user-agent", "x-a"} <= set(names)
    assert len(names) == len(set(names))
    assert f"127.0.0.1:{server.port}" in server.arrivals[0].decode()


@pytest.mark.parametrize("target", ["b/a b", "b/ä?ö=ü", "b/x#fragment"])
def test_what_no_request_line_can_hold_is_escaped(serve: Servers, sender: Sender, target: str) -> None:
    """Spaces and letters beyond ASCII; a fragment is not sent."""
    server = serve(lambda c: c.send(OK))
    assert isinstance(sender.stream(Request("GET", f"{server.url}it's/%2e/{target}")), tuple)
    sent = server.arrivals[0].split()[1].decode()
    assert sent.startswith("/it's/%2e/b/")
    assert not set(sent) & set(" äöü#")


FAILING: Final[dict[str, tuple[Act, Outcome]]] = {
    "closes": (lambda _: False, Outcome.UNKNOWN),
    "resets": (Connection.reset, Outcome.UNKNOWN),
    "hangs": (Connection.hang, Outcome.UNKNOWN),
    "garbage": (lambda c: c.send(b"\x16\x03\x01nonsense\r\n\r\n") and False, Outcome.UNKNOWN),
    "half a body": (lambda c: c.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf") and False, Outcome.UNKNOWN),
    "half of the pieces": (
        lambda c: c.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n") and False,
        Outcome.UNKNOWN,
    ),
}


@pytest.mark.parametrize("case", FAILING)
def test_it_fails_like_any_other(serve: Servers, sender: Sender, case: str) -> None:
    """What was sent is unknown, and arrived once."""
    act, outcome = FAILING[case]
    server = serve(act)
    assert known(sender.send(Request("POST", server.url + ODD, body=b"x", timeout_s=0.5))) is outcome
    assert len(server.arrivals) == 1
    streamed = sender.stream(Request("GET", server.url + ODD, timeout_s=0.5))
    last = streamed if isinstance(streamed, NoReply) else streamed[1][-1]
    assert isinstance(last, NoReply)


def test_a_status_is_kept_on_demand(serve: Servers, sender: Sender) -> None:
    """Also where the body breaks off."""
    server = serve(FAILING["half a body"][0])
    reply = sender.send(Request("POST", server.url + ODD, body=b"x", keep_status=True))
    assert isinstance(reply, Response)
    assert (reply.status, reply.whole) == (200, False)


def test_nobody_listens(sender: Sender) -> None:
    """Surely not sent."""
    url = f"http://127.0.0.1:{free_port()}/{ODD}"
    assert known(sender.send(Request("GET", url))) is Outcome.REFUSED
    assert known(sender.stream(Request("GET", url))) is Outcome.REFUSED


def test_no_redirect_is_followed_and_no_body_is_unbounded(serve: Servers, make: Senders) -> None:
    """One arrival for each, and the bound of every response."""
    moved = serve(lambda c: c.send(b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n"))
    sender = make(Network(max_answer_bytes=10))
    assert isinstance(sender.send(Request("GET", moved.url + ODD)), Response)
    assert len(moved.arrivals) == 1
    large = serve(lambda c: c.send(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n" + bytes(11)))
    reply = sender.send(Request("GET", large.url + ODD))
    assert isinstance(reply, Response)
    assert (reply.whole, reply.too_large, len(reply.body)) == (False, True, 10)


def test_it_goes_through_a_proxy(serve: Servers, make: Senders) -> None:
    """With the whole address in the request line, and the proxy's own password."""
    proxy = serve(lambda c: c.send(OK))
    sender = make(Network(proxy=f"http://us%40er:pass@127.0.0.1:{proxy.port}"))
    assert sender.stream(Request("GET", f"http://nowhere.test/{ODD}")) == (200, [b"ok"])
    arrived = proxy.arrivals[0].decode()
    assert arrived.startswith(f"GET http://nowhere.test/{ODD} HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic dXNAZXI6cGFzcw==" in arrived


def test_a_proxy_that_refuses_it(serve: Servers, make: Senders) -> None:
    """A tunnel that is refused was not a request."""
    proxy = serve(lambda c: c.send(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") and False)
    reply = make(Network(proxy=proxy.url)).send(Request("GET", f"https://nowhere.test/{ODD}"))
    assert isinstance(reply, NoReply)
    assert (reply.outcome, reply.permanent) == (Outcome.REFUSED, True)
    assert "407" in reply.reason
