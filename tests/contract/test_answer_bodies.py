# SPDX-License-Identifier: Apache-2.0
"""Answers that are not JSON, over sockets: one server, both sides of the client."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.client import AsyncClient, Client
from callwell.core.rules.environments import EnvironmentRule
from callwell.core.rules.profile import StreamRule
from callwell.description.answer_types import declared_answers
from callwell.keys import Key
from tests.client.acme import KEY, acme
from tests.contract.raw_server import RawServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.raw_server import Connection

TEXT = "h\u00e9llo\n" * 1000
FILE = bytes(range(256)) * 4096
EVENT = b'id: 1\ndata: {"n": 1}\n\n'
KINDS = {
    "text": "text/plain",
    "file": "application/octet-stream",
    "big": "application/octet-stream",
    "events": "text/event-stream",
    "cut": "text/event-stream",
    "silent": "text/event-stream",
}


def head(content_type: str, *fields: str) -> bytes:
    """The head of a 200."""
    return "\r\n".join(["HTTP/1.1 200 OK", f"content-type: {content_type}", *fields, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def act(connection: Connection) -> bool:
    """Answer by the path."""
    path = connection.server.arrivals[-1].split()[1].decode().rpartition("/")[2]
    if path == "text":
        body = gzip.compress(TEXT.encode("latin-1"))
        coded = ("content-encoding: gzip", f"content-length: {len(body)}")
        return connection.send(head("text/plain; charset=iso-8859-1", *coded) + body)
    if path in ("file", "big"):
        return connection.send(head("image/png", f"content-length: {len(FILE)}") + FILE)
    connection.send(head("text/event-stream", "transfer-encoding: chunked"))
    for part in (EVENT[:8], EVENT[8:]):
        connection.send(chunk(part))
    if path == "silent":
        return connection.hang()
    return False if path == "cut" else connection.send(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")


@pytest.fixture(scope="module")
def provider() -> Iterator[Any]:
    """Acme at a server of its own."""
    server = RawServer(act)
    environments = {"production": EnvironmentRule(base_url=server.url.rstrip("/"), default=True)}
    result = acme(environments=environments)
    old = result.api.operations["things.get"]
    operations = {}
    for name, kind in KINDS.items():
        declared = declared_answers("GET", ["200"], [{kind: {}}])
        operations[f"answers.{name}"] = replace(
            old, name=f"answers.{name}", path=f"/{name}", parameters=(), accept=declared.accept, media=declared.media
        )
    yield replace(result, api=replace(result.api, operations=operations))
    server.close()


def test_the_synchronous_side(provider: Any, tmp_path: Path) -> None:
    """Coded text, a file on disk and in chunks, a bounded answer, events, and a stream that is cut."""
    with Client(provider, key=Key(KEY), max_answer_bytes=len(FILE) - 1) as acme:
        assert acme.call("answers.text") == TEXT
        saved = acme.asset("answers.file").save(tmp_path / "f")
        assert (saved.size, (tmp_path / "f").read_bytes()) == (len(FILE), FILE)
        assert b"".join(acme.asset("answers.file").iter_bytes()) == FILE
        with pytest.raises(errors.AnswerTooLarge):
            acme.call("answers.big")
        with acme.answers.events() as events:  # type: ignore[attr-defined] # a group of a description
            assert [event.data for event in events] == [{"n": 1}]
        with pytest.raises(errors.StreamCut) as cut:
            list(acme.stream("answers.cut"))
        assert (cut.value.items, cut.value.last_id) == (1, "1")
    with Client(provider, key=Key(KEY)) as acme:
        assert acme.call("answers.file") == FILE


def test_the_asynchronous_side(provider: Any, tmp_path: Path) -> None:
    """The same."""

    async def read() -> None:
        async with AsyncClient(provider, key=Key(KEY)) as acme:
            assert await acme.call("answers.text") == TEXT
            assert (await acme.asset("answers.file").save(tmp_path / "f")).size == len(FILE)
            async with acme.stream("answers.events") as events:
                assert [event.data async for event in events] == [{"n": 1}]
            with pytest.raises(errors.StreamCut):
                assert [event async for event in acme.stream("answers.cut")] == []

    asyncio.run(read())


def test_a_silent_stream_is_cut(provider: Any) -> None:
    """After the pause that the profile allows."""
    patient = replace(provider, profile=replace(provider.profile, stream=StreamRule(idle_s=0.1)))
    with Client(patient, key=Key(KEY)) as acme, pytest.raises(errors.StreamCut, match="the response stopped coming"):
        list(acme.stream("answers.silent"))
