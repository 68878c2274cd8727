# SPDX-License-Identifier: Apache-2.0
"""Raw bytes in responses, over real sockets: the quota holds, and what was done is done."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.client import AsyncClient, Client
from callwell.core.rules.environments import EnvironmentRule
from callwell.core.rules.profile import QuotaRule
from callwell.keys import Key
from tests.client.acme import KEY, acme
from tests.client.oddities import READ
from tests.contract.raw_server import RawServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.contract.raw_server import Connection

LIMIT = 5
FINE = b'{"data": {"id": "1"}}'
BYTES = (b"caf\xe9", b"\xff", b"\xc3\xa9", b"@--5", b"\xf0\x9f", b'"\xe9";r=1', b"1\xa0", b"http://[\xe9/")
STATUSES = (101, 200, 201, 204, 301, 303, 307, 400, 401, 404, 408, 429, 500, 503, 529, 600, 999)
ODD = 150


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Connection], bool]], RawServer]]:
    """Makes raw servers, which are closed in the end."""
    running: list[RawServer] = []

    def begin(act: Callable[[Connection], bool]) -> RawServer:
        running.append(RawServer(act))
        return running[-1]

    yield begin
    for server in running:
        server.close()


def reply(status: int, body: bytes, *headers: tuple[str, bytes]) -> bytes:
    """A whole response."""
    lines = [f"HTTP/1.1 {status} X".encode(), b"content-length: %d" % len(body)]
    lines += [name.encode() + b": " + value for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def calls(side: str, url: str, count: int, quotas: dict[str, QuotaRule]) -> list[Any]:
    """What so many creations give or raise, one after another."""
    places = {"production": EnvironmentRule(base_url=url.rstrip("/"), default=True)}
    provider = acme(quotas, environments=places)
    options: dict[str, Any] = {"key": Key(KEY), "deadline_s": 20, "nested": True}

    def blocking() -> list[Any]:
        found: list[Any] = []
        with Client(provider, **options) as client:
            for _ in range(count):
                try:
                    found.append(client.call("things.make", name="n"))
                except errors.CallwellError as error:
                    found.append(error)
        return found

    async def waiting() -> list[Any]:
        found: list[Any] = []
        async with AsyncClient(provider, **options) as client:
            for _ in range(count):
                try:
                    found.append(await client.call("things.make", name="n"))
                except errors.CallwellError as error:
                    found.append(error)
        return found

    return blocking() if side == "sync" else asyncio.run(waiting())


@pytest.mark.parametrize("side", ["sync", "async"])
def test_a_header_that_is_no_text_costs_neither_quota_nor_result(side: str, serve: Any) -> None:
    """Every creation is done, and the quota lets through no more than it has, whichever header is odd."""
    server = serve(lambda connection: connection.send(reply(201, FINE, *((name, b"caf\xe9") for name in READ))))
    found = calls(side, server.url, LIMIT + 3, {"minute": QuotaRule(limit=LIMIT, window_s=60)})
    assert found[:LIMIT] == [{"id": "1"}] * LIMIT
    assert all(isinstance(item, errors.WouldExceedDeadline) for item in found[LIMIT:])
    assert len(server.arrivals) == LIMIT


@pytest.mark.parametrize("side", ["sync", "async"])
def test_raw_answers_end_as_outcomes(side: str, serve: Any) -> None:
    """Odd bytes under odd statuses: every call ends with its response or one of our errors."""
    dice = Random(side)

    def act(connection: Connection) -> bool:
        headers = [(name, dice.choice(BYTES)) for name in READ if dice.random() < 0.3]
        body = b"" if (status := dice.choice(STATUSES)) in (101, 204) else dice.choice([FINE, b"<html>", b"\xff", b"{"])
        connection.send(reply(status, body, *headers))
        return status != 101

    server = serve(act)
    found = calls(side, server.url, ODD, {})
    assert len(found) == ODD
    known = {"done", "refused", "unknown"}
    assert all(getattr(item, "outcome", "done") in known for item in found)
