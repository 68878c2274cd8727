# SPDX-License-Identifier: Apache-2.0
"""The public fakes keep the contracts of what they stand in for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from callwell.core.types import Outcome
from callwell.testing import AsyncScriptedTransport, Dice, ManualClock, ScriptedTransport
from callwell.transport.base import NoReply, Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.clock import Clock
    from callwell.testing import Script
    from callwell.transport.base import AsyncTransport, Transport

REQUEST = Request("POST", "http://host/a")
WHOLE = Response(200, {"a": "b"}, b"x" * 200_000)
HALF = replace(WHOLE, whole=False)
NOTHING = NoReply(Outcome.REFUSED, "no connection")


def sent(script: Script, request: Request = REQUEST, *, fake: str) -> tuple[Response | NoReply, list[Request]]:
    """What one send gives, and what the transport has recorded."""
    if fake == "blocking":
        blocking = ScriptedTransport(script)
        transport: Transport = blocking
        return transport.send(request), blocking.requests
    scripted = AsyncScriptedTransport(script)
    waiting: AsyncTransport = scripted
    return asyncio.run(_send(waiting, request)), scripted.requests


async def _send(transport: AsyncTransport, request: Request) -> Response | NoReply:
    return await transport.send(request)


def streamed(script: Script, *, fake: str) -> tuple[bytes, bool] | NoReply:
    """What one stream gives: its bytes, and whether it ended well."""
    if fake == "async":
        return asyncio.run(_stream(AsyncScriptedTransport(script)))
    with ScriptedTransport(script).stream(REQUEST) as body:
        if isinstance(body, NoReply):
            return body
        data = b""
        while isinstance(piece := body.read(), bytes) and piece:
            data += piece
        return data, piece == b""


async def _stream(transport: AsyncScriptedTransport) -> tuple[bytes, bool] | NoReply:
    async with transport.stream(REQUEST) as body:
        if isinstance(body, NoReply):
            return body
        data = b""
        while isinstance(piece := await body.read(), bytes) and piece:
            data += piece
        return data, piece == b""


@pytest.mark.parametrize("fake", ["blocking", "async"])
def test_replies_come_from_the_script(fake: str) -> None:
    """A list is played in order, a function is asked, and every request is recorded."""
    assert sent([WHOLE, NOTHING], fake=fake) == (WHOLE, [REQUEST])
    assert sent(lambda request: Response(200, {}, request.url.encode()), fake=fake)[0] == Response(
        200, {}, b"http://host/a"
    )
    assert sent([NOTHING], fake=fake) == (NOTHING, [REQUEST])
    with pytest.raises(AssertionError, match="no reply to request 1"):
        sent([], fake=fake)


@pytest.mark.parametrize("fake", ["blocking", "async"])
def test_half_an_answer_is_reported_as_by_the_real_ones(fake: str) -> None:
    """Unknown without `keep_status`, the status and nothing whole with it, a break at the end of a stream."""
    reply, _ = sent([HALF], fake=fake)
    assert isinstance(reply, NoReply)
    assert reply.outcome is Outcome.UNKNOWN
    assert sent([HALF], replace(REQUEST, keep_status=True), fake=fake)[0] == HALF
    assert streamed([HALF], fake=fake) == (HALF.body, False)
    assert streamed([WHOLE], fake=fake) == (WHOLE.body, True)
    assert streamed([NOTHING], fake=fake) == NOTHING


class Pieces:
    """A body that is read while it is sent."""

    size = 4

    def __iter__(self) -> Iterator[bytes]:
        yield b"bo"
        yield b"dy"


@pytest.mark.parametrize("fake", ["blocking", "async"])
def test_a_body_is_read_while_it_is_sent(fake: str) -> None:
    """What it raises comes out; else it is recorded whole."""
    assert sent([WHOLE], replace(REQUEST, body=Pieces()), fake=fake)[1] == [replace(REQUEST, body=b"body")]
    broken = type("Broken", (Pieces,), {"__iter__": lambda _: iter(lambda: 1 // 0, b"")})
    with pytest.raises(ZeroDivisionError):
        sent([WHOLE], replace(REQUEST, body=broken()), fake=fake)


def test_a_closed_fake_sends_nothing() -> None:
    """After `close` a request is refused and not recorded."""
    transport = ScriptedTransport([WHOLE])
    transport.close()
    reply = transport.send(REQUEST)
    assert isinstance(reply, NoReply)
    assert (reply.outcome, transport.requests) == (Outcome.REFUSED, [])
    waiting = AsyncScriptedTransport([WHOLE])
    asyncio.run(waiting.aclose())
    assert isinstance(asyncio.run(_send(waiting, REQUEST)), NoReply)


def test_the_clock_goes_on_when_it_is_advanced() -> None:
    """Both scales go on together, never back, and waiting by it takes no real time."""
    manual = ManualClock(5.0, wall=100.0)
    clock: Clock = manual
    manual.advance(2.5)
    assert (clock.now(), clock.wall(), clock.real_s(60.0)) == (7.5, 102.5, 0.0)
    with pytest.raises(ValueError, match="backwards"):
        manual.advance(-1.0)


def test_dice_are_loaded() -> None:
    """The rolls come in order, again and again; impossible ones are refused."""
    dice = Dice([0.1, 0.9])
    assert [dice(), dice(), dice()] == [0.1, 0.9, 0.1]
    for rolls in ([], [1.0], [-0.1]):
        with pytest.raises(ValueError, match="dice"):
            Dice(rolls)
