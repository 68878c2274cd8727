# SPDX-License-Identifier: Apache-2.0
"""The contract of `transport.base` about failures that no second attempt can fix: said at once, with the remedy."""

from __future__ import annotations

import socket
import ssl
import warnings
from typing import TYPE_CHECKING, Final

import pytest

from callwell import Client, Key, errors
from callwell.core.types import Outcome
from callwell.transport.base import Network, NoReply, Request, Response
from callwell.transport.remedies import find_remedy
from certificates import DAY, Authority
from tests.client.acme import KEY, acme
from tests.contract.raw_server import OK, Connection
from tests.contract.senders import get

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.raw_server import Servers
    from tests.contract.senders import Senders


def secured(context: ssl.SSLContext) -> Callable[[Connection], None]:
    """A server that talks TLS: what it does to a connection before anything is read."""

    def wrap(connection: Connection) -> None:
        connection.socket = context.wrap_socket(connection.socket, server_side=True)

    return wrap


def old(authority: Authority) -> ssl.SSLContext:
    """A server that knows TLS 1.1 at most."""
    context = authority.context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


CONTEXTS: Final[dict[str, tuple[Callable[[Authority], ssl.SSLContext], str]]] = {
    "expired": (lambda item: item.context(begins=-3 * DAY, ends=-DAY), "has expired"),
    "not yet valid": (lambda item: item.context(begins=DAY, ends=3 * DAY), "clock"),
    "another name": (lambda item: item.context(host="other.test"), "another host name"),
    "old": (old, "TLS 1.2"),
}


def reason_of(reply: object) -> str:
    """The reason of a failure that lasts, before anything was sent."""
    assert isinstance(reply, NoReply)
    assert (reply.outcome, reply.permanent) == (Outcome.REFUSED, True)
    return reply.reason


@pytest.mark.parametrize("exact", ["", "?q='x'"])
@pytest.mark.parametrize("case", CONTEXTS)
def test_a_server_that_cannot_be_trusted(serve: Servers, make: Senders, tmp_path: Path, case: str, exact: str) -> None:
    """Whatever is wrong with its certificate or its TLS, also where the standard library sends."""
    context, words = CONTEXTS[case]
    authority = Authority(tmp_path)
    server = serve(lambda c: c.send(OK))
    server.greet = secured(context(authority))
    sender = make(Network(ca_file=str(authority.file)))
    reply = sender.send(get(server.url.replace("http:", "https:") + exact))
    assert words in reason_of(reply)
    assert server.arrivals == []


@pytest.mark.parametrize("exact", ["", "?q='x'"])
def test_an_authority_that_is_not_known(serve: Servers, make: Senders, tmp_path: Path, exact: str) -> None:
    """The remedy is `ca_file`, and with it the call is made."""
    authority = Authority(tmp_path)
    server = serve(lambda c: c.send(OK))
    server.greet = secured(authority.context())
    url = server.url.replace("http:", "https:") + exact
    assert "ca_file=" in reason_of(make(Network()).send(get(url)))
    assert isinstance(make(Network(ca_file=str(authority.file))).send(get(url)), Response)


def test_a_server_that_talks_no_tls(serve: Servers, make: Senders) -> None:
    """The address is the mistake."""
    server = serve(lambda _: False)
    server.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert "does not speak TLS" in reason_of(make(Network()).send(get(server.url.replace("http:", "https:"))))


@pytest.mark.parametrize(
    ("status", "words"), [(b"407 Proxy Authentication Required", "407"), (b"403 Forbidden", "refuses a tunnel")]
)
def test_a_proxy_that_refuses_a_tunnel(serve: Servers, make: Senders, status: bytes, words: str) -> None:
    """Its 407 asks for a password, and is not a refusal of the provider's."""
    proxy = serve(lambda c: c.send(b"HTTP/1.1 " + status + b"\r\n\r\n") and False)
    reply = make(Network(proxy=proxy.url)).send(get("https://nowhere.test/"))
    assert words in reason_of(reply)


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_a_handshake_that_breaks_off_may_work_next_time(serve: Servers, make: Senders, how: str) -> None:
    """A connection that is lost while TLS begins says nothing of certificates."""
    server = serve(lambda _: False)

    def leave(connection: Connection) -> None:
        if how == "resets":
            connection.reset()
        connection.socket.close()

    server.greet = leave
    reply = make(Network()).send(get(server.url.replace("http:", "https:")))
    assert isinstance(reply, NoReply)
    assert (reply.outcome, reply.permanent) == (Outcome.REFUSED, False)


def test_alerts_of_a_server_in_trouble_do_not_last() -> None:
    """Nor does one that comes when a request is on its way, except for a request for a certificate."""
    assert find_remedy(["received fatal alert: InternalError"], connecting=True) is None
    assert find_remedy(["received fatal alert: ProtocolVersion"], connecting=True) is not None
    assert find_remedy(["received fatal alert: DecodeError"], connecting=False) is None
    assert find_remedy(["received fatal alert: CertificateRequired"], connecting=False) is not None
    assert find_remedy(["tcp connect error", "Connection refused (os error 111)"], connecting=True) is None


def test_a_call_ends_at_the_first_of_them(serve: Servers, tmp_path: Path) -> None:
    """No attempt after it, and the message says what to do."""
    server = serve(lambda c: c.send(OK))
    server.greet = secured(Authority(tmp_path).context())
    with (
        Client(acme(), key=Key(KEY), base_url=server.url.replace("http:", "https:")) as api,
        pytest.raises(errors.ConnectFailed, match=r"ca_file=… after 1 attempt") as caught,
    ):
        api.call("things.get", thing_id="1")
    assert (caught.value.attempts, caught.value.outcome) == (1, "refused")
    assert server.connections == 1


def test_a_stream_says_the_same(serve: Servers, make: Senders, tmp_path: Path) -> None:
    """Files come over the same connections."""
    server = serve(lambda c: c.send(OK))
    server.greet = secured(Authority(tmp_path).context())
    for query in ("", "?q='x'"):
        reply = make(Network()).stream(Request("GET", server.url.replace("http:", "https:") + query))
        assert "ca_file=" in reason_of(reply)


@pytest.mark.parametrize(("scheme", "url"), [("http", "https://nowhere.test/"), ("socks5h", "http://nowhere.test/")])
def test_a_proxy_that_is_not_there_is_named(make: Senders, scheme: str, url: str) -> None:
    """It is the proxy that refuses the connection, and not the host behind it. It may come back."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        reply = make(Network(proxy=f"{scheme}://127.0.0.1:{closed.getsockname()[1]}")).send(get(url))
    assert isinstance(reply, NoReply)
    assert (reply.outcome, reply.permanent) == (Outcome.REFUSED, False)
    assert reply.reason.startswith("no connection to the proxy: ")
    assert "SOCKS" not in reply.reason.upper()
