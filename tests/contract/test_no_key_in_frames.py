# SPDX-License-Identifier: Apache-2.0
"""No error reporter finds a key in the frames of a failed call: their locals are what such programs send home."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import pickle
import socket
from typing import TYPE_CHECKING, Any, Final

import pytest

from callwell import AsyncClient, Client, Key, errors
from callwell.testing import AsyncScriptedTransport, ScriptedTransport
from callwell.transport.base import Request, RequestHeaders, Response
from callwell.webhooks import verify
from tests.client.acme import KEY, acme
from tests.client.mint import PROVIDER
from tests.contract.raw_server import OK, Connection
from tests.contract.reporters import REPORTERS, spellings
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.transport.base import NoReply
    from tests.contract.raw_server import Act, Servers

FAILING: Final[dict[str, tuple[Act | None, float]]] = {
    "timeout": (Connection.hang, 0.2),
    "reset": (Connection.reset, 5.0),
    "closed": (lambda _: False, 5.0),
    "refused": (None, 0.2),
}


def closed_port() -> str:
    """An address without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


async def awaited(one: AsyncClient) -> None:
    """An ordinary call."""
    await one.call("things.make", name="n")


def failed(side: str, base_url: str, deadline_s: float, **options: Any) -> BaseException:
    """What an ordinary call raises."""
    given: dict[str, Any] = {"key": Key(KEY), "base_url": base_url, "deadline_s": deadline_s, **options}
    try:
        if side == "async":
            asyncio.run(awaited(AsyncClient(acme(), **given)))
        else:
            Client(acme(), **given).call("things.make", name="n")
    except BaseException as error:  # noqa: BLE001 - also what interrupts
        return error
    raise AssertionError("it did not fail")


def check(error: BaseException, *secrets: str) -> None:
    """See that no reporter shows a secret, whatever frame of Callwell it looks at: those of the caller are its own."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    error = error.with_traceback(frames)
    for name, reported in REPORTERS.items():
        text = reported(error)
        assert type(error).__name__ in text
        for secret in secrets:
            assert not [shown for shown in spellings(secret) if shown in text], f"{name} shows {secret}"


def test_the_reporters_see_locals() -> None:
    """What stands in a local variable is found by each of them: the other tests would see it."""

    def fails(secret: str) -> None:
        raise LookupError(len(secret))

    with pytest.raises(LookupError) as caught:
        fails("plain" + "text")
    assert [name for name, reported in REPORTERS.items() if "plaintext" in reported(caught.value)] == list(REPORTERS)


@pytest.mark.parametrize("side", ["async", "sync"])
@pytest.mark.parametrize("case", FAILING)
def test_a_call_that_fails(serve: Servers, side: str, case: str) -> None:
    """Whatever the network does, real sockets and all."""
    act, deadline_s = FAILING[case]
    url = closed_port() if act is None else serve(act).url
    error = failed(side, url, deadline_s)
    assert isinstance(error, errors.CallError)
    check(error, KEY)


def test_a_call_that_is_cancelled(serve: Servers) -> None:
    """A task that is cancelled while its response is awaited."""
    server = serve(Connection.hang)

    async def cancelled() -> BaseException:
        api = AsyncClient(acme(), key=Key(KEY), base_url=server.url, deadline_s=5.0)
        task = asyncio.create_task(awaited(api))
        assert await asyncio.to_thread(server.arrived.acquire, timeout=PATIENCE_S)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as error:
            return error
        raise AssertionError("it was not cancelled")

    check(asyncio.run(cancelled()), KEY)


class Interrupting:
    """A hook during which Ctrl-C is pressed: the frames are those of a call that is about to send."""

    def began(self, attempt: object) -> None:
        """A request is about to be sent."""
        raise KeyboardInterrupt

    def notice(self, notice: object) -> None:
        """Something has happened."""


@pytest.mark.parametrize("side", ["async", "sync"])
def test_a_call_that_is_interrupted(side: str) -> None:
    """Ctrl-C just before the request leaves, when all of it is in hand."""
    error = failed(side, closed_port(), 1.0, hooks=[Interrupting()])
    assert isinstance(error, KeyboardInterrupt)
    check(error, KEY)


class Raising(ScriptedTransport):
    """A transport that raises what none should."""

    def send(self, request: Request) -> Response | NoReply:
        """Raise."""
        raise RuntimeError("what a transport should never raise")


class AsyncRaising(AsyncScriptedTransport):
    """The same for asynchronous code."""

    async def send(self, request: Request) -> Response | NoReply:
        """Raise."""
        raise RuntimeError("what a transport should never raise")


@pytest.mark.parametrize("side", ["async", "sync"])
def test_a_transport_that_raises(side: str) -> None:
    """Its own frame has the request, and that shows the names of its headers only."""
    transport = AsyncRaising([]) if side == "async" else Raising([])
    error = failed(side, closed_port(), 1.0, transport=transport)
    check(error, KEY)


@pytest.mark.parametrize("status", [200, 400])
def test_a_key_that_is_traded_for_tokens(status: int) -> None:
    """The exchange has the key in its body, and its response has tokens: neither is shown where it goes wrong."""
    tokens = {"access": "bad\ntoken-one", "renewal": "renewal-one", "seconds": 60, "echo": KEY}
    transport = ScriptedTransport(lambda _: Response(status, {}, json.dumps(tokens).encode()))
    with Client(PROVIDER, key=Key(KEY), auth="token", transport=transport) as api:
        with pytest.raises(errors.CallError) as caught:
            api.call("things.get", thing_id="1")
        check(caught.value, KEY, "token-one", "renewal-one")


def test_an_answer_that_repeats_the_key() -> None:
    """What a provider says in an error is kept for the caller, and stays out of the frames."""
    body = json.dumps({"error": {"code": "BAD", "message": f"what is {KEY}?"}}).encode()
    with (
        Client(acme(), key=Key(KEY), transport=ScriptedTransport(lambda _: Response(400, {}, body))) as api,
        pytest.raises(errors.BadRequest) as caught,
    ):
        api.call("things.get", thing_id="1")
    check(caught.value, KEY)


def test_a_key_of_another_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """A string that cannot be a key of the provider may be one of somebody else's."""
    monkeypatch.setenv("ACME_KEY", "other-secret")
    with pytest.raises(errors.KeyProblem) as caught:
        Client(acme(), key="env:ACME_KEY")
    check(caught.value, "other-secret")


def test_a_signed_address(serve: Servers) -> None:
    """The storage behind a signed address fails: its signature is shown nowhere."""
    storage = serve(lambda c: c.send(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"))
    address = f"{storage.url}f?signature=sesame"
    body = json.dumps({"data": {"url": address, "size": 4}}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
    provider = serve(lambda c: c.send(head + body))
    with Client(acme(), key=Key(KEY), base_url=provider.url) as api, pytest.raises(errors.CallwellError) as caught:
        api.asset("things.file", thing_id="1").read()
    check(caught.value, KEY, "sesame")


@pytest.mark.parametrize("place", ["env", "key"])
def test_a_forged_webhook(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Neither the secret nor the right signature is shown to who reads the error of a forged delivery."""
    monkeypatch.setenv("HOOK_SECRET", "hook-secret")
    secret = "env:HOOK_SECRET" if place == "env" else Key("hook-secret")
    with pytest.raises(errors.CallwellError) as caught:
        verify("apivideo", {"X-Signature": "0" * 64, "X-Api-Video-Signature": "0" * 64}, b"{}", secret)
    check(caught.value, "hook-secret")


def test_a_proxy_with_a_password(serve: Servers) -> None:
    """The password of a proxy is in no frame of a call that the proxy refuses."""
    proxy = serve(lambda c: c.send(b"HTTP/1.1 403 Forbidden\r\n\r\n") and False)
    address = proxy.url.replace("http://", "http://user:pass-word@")
    error = failed("sync", "https://api.acme.test", 5.0, proxy=address)
    assert isinstance(error, errors.ConnectFailed)
    check(error, KEY, "pass-word")


HEADERS: Final = RequestHeaders((("accept", "*/*"), ("authorization", f"Bearer {KEY}")))
SHOWING: Final[dict[str, Callable[[Any], object]]] = {
    "repr": repr,
    "str": str,
    "format": format,
    "vars": vars,
    "dir": dir,
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "state": lambda value: value.__getstate__(),
    "reduce": lambda value: value.__reduce_ex__(2),
}


@pytest.mark.parametrize("how", SHOWING)
@pytest.mark.parametrize(
    "value", [HEADERS, Key(KEY), Request("GET", "https://h.test/?key=acme_first", HEADERS, b"acme_first")]
)
def test_a_value_that_holds_a_key_does_not_show_it(how: str, value: object) -> None:
    """Neither printed, nor taken apart, nor packed up."""
    with contextlib.suppress(TypeError):
        shown = SHOWING[how](value)
        if how == "reduce" or (how == "state" and shown is None):
            return  # what a record of msgspec is packed up by holds its headers, which refuse
        assert not [spelling for spelling in spellings(KEY) if spelling in str(shown)]


def test_headers_are_read_on_purpose() -> None:
    """A transport iterates over them, and tests compare them."""
    assert list(HEADERS) == [("accept", "*/*"), ("authorization", f"Bearer {KEY}")]
    assert RequestHeaders(tuple(HEADERS)) == HEADERS
    assert hash(HEADERS) == hash(RequestHeaders(tuple(HEADERS)))
    assert tuple(HEADERS) != HEADERS
    assert HEADERS.names == ("accept", "authorization")
    assert repr(HEADERS) == "RequestHeaders(accept, authorization)"
    assert repr(Request("GET", "https://h.test/a?b=c", HEADERS)) == (
        "Request(GET https://h.test/a?…, headers: accept, authorization)"
    )
    assert repr(Response(200, {}, OK)) == f"Response(200, {len(OK)} bytes)"
