# SPDX-License-Identifier: Apache-2.0
"""Streams of events and of JSON lines: delivered one by one, closed at their end, and never repeated."""

from __future__ import annotations

import gzip
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.client import ServerSentEvent
from callwell.core.rules.profile import StreamRule
from callwell.description.answer_types import declared_answers
from tests.client._async.scripted_client import AsyncStreamingTransport, connect
from tests.client.acme import acme, parameter
from tests.client.running import run
from tests.client.world import LOST, ScriptedProvider, make_error_response, make_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from callwell.transport.base import NoReply, Request, Response

EVENTS = "text/event-stream"
TWO = b'id: 1\ndata: {"n": 1}\n\nevent: add\nid: 2\ndata: two\n\n'


def provider(*types: str, rule: StreamRule | None = None) -> Any:
    """Acme, with `things.get` and `things.make` that answer with these types."""
    result = acme(stream=rule or StreamRule())
    operations = dict(result.api.operations)
    declared = declared_answers("POST", ["200"], [{name: {} for name in types}])
    for name in ("things.get", "things.make"):
        switch = () if name == "things.get" else (parameter("stream", "body", {"type": "boolean"}),)
        operations[name] = replace(
            operations[name],
            accept=declared.accept,
            media=declared.media,
            parameters=(*operations[name].parameters, *switch),
        )
    return replace(result, api=replace(result.api, operations=operations))


def events(*texts: bytes, whole: bool = True, **headers: Any) -> Response:
    """An answer with events."""
    return make_response(200, b"".join(texts), whole=whole, content_type=f"{EVENTS}; charset=utf-8", **headers)


class AsyncBytewise(AsyncStreamingTransport):
    """Streams that come in pieces of three bytes."""

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Any]:
        """The script's next reply in small pieces."""
        async with super().stream(request) as body:
            yield AsyncSmallPieces(body) if hasattr(body, "read") else body


class AsyncSmallPieces:
    """A body in pieces of three bytes.

    Args:
        body: the body.
    """

    def __init__(self, body: Any) -> None:
        self.status = body.status
        self.headers = body.headers
        self._body = body
        self._left = b""

    async def read(self) -> bytes | NoReply:
        """The next three bytes."""
        if not self._left:
            chunk = await self._body.read()
            if not isinstance(chunk, bytes):
                return cast("NoReply", chunk)
            self._left = chunk
        piece = self._left[:3]
        self._left = self._left[3:]
        return piece


def read(
    world: ScriptedProvider, *types: str, rule: StreamRule | None = None, operation: str = "things.get", **more: Any
) -> Any:
    """What a stream delivers, the error that ended it, and how many streams are open afterwards."""

    async def reading() -> Any:
        transport = AsyncBytewise(world.reply)
        api = connect(world, provider=provider(*(types or (EVENTS,)), rule=rule), transport=transport, **more)
        arguments = {"thing_id": "1"} if operation == "things.get" else {"name": "x"}
        parts: list[Any] = []
        error = None
        try:
            async with api.stream(operation, **arguments) as stream:
                async for part in stream:
                    parts += [part]
        except errors.CallwellError as raised:
            error = raised
        return parts, error, transport.streams, api.spent()

    return run(reading)


def test_events_are_delivered_one_by_one() -> None:
    """Data in JSON is decoded; the request says that it takes events, and names no content coding."""
    world = ScriptedProvider(events(TWO))
    parts, error, still_open, spent = read(world)
    assert parts == [
        ServerSentEvent({"n": 1}, "message", "1", '{"n": 1}'),
        ServerSentEvent("two", "add", "2", "two"),
    ]
    assert (error, still_open, spent["minute"][0]) == (None, 0, 1)
    headers = dict(world.sent[0].request.headers)
    assert (headers["accept"], headers["accept-encoding"]) == (EVENTS, "identity")


@pytest.mark.parametrize(("end", "count"), [("[DONE]", 2), ("", 4), ("two", 1)])
def test_a_stream_ends_at_the_word_of_the_profile(end: str, count: int) -> None:
    """`[DONE]` unless the profile has another one; nothing after it is delivered."""
    stream = TWO + b"data: [DONE]\n\ndata: late\n\n"
    parts, error, still_open, _ = read(ScriptedProvider(events(stream)), rule=StreamRule(end=end))
    assert (len(parts), error, still_open) == (count, None, 0)


@pytest.mark.parametrize("name", ["application/x-ndjson", "application/jsonl", "application/json;stream=watch"])
def test_json_lines_are_values(name: str) -> None:
    """The last line needs no end; empty lines are none."""
    body = b'{"n": 1}\r\n\n[2]\n"three"'
    world = ScriptedProvider(make_response(200, body, content_type=name.partition(";")[0]))
    assert read(world, name)[:2] == ([{"n": 1}, [2], "three"], None)
    assert dict(world.sent[0].request.headers)["accept"] == name


def test_the_switch_is_set() -> None:
    """A flag named `stream` chooses the stream where the operation answers in JSON as well."""
    world = ScriptedProvider(events(TWO))
    assert len(read(world, "application/json", EVENTS, operation="things.make")[0]) == 2
    assert world.sent[0].request.body == b'{"name":"x","stream":true}'


def test_a_cut_stream_says_what_was_read() -> None:
    """It is sent once; a creation may have been done."""
    for operation, outcome in (("things.get", "refused"), ("things.make", "unknown")):
        world = ScriptedProvider(events(TWO, b"data: half", whole=False))
        parts, error, still_open, _ = read(world, operation=operation)
        assert (len(parts), still_open, len(world.sent)) == (2, 0, 1)
        assert isinstance(error, errors.StreamCut)
        assert (error.items, error.last_id, error.outcome) == (2, "2", outcome)
        assert f"broke off after 2 parts: {LOST.reason}" in str(error)
        assert ("check before you repeat it" in str(error)) is (outcome == "unknown")


def test_events_of_a_get_are_continued_where_the_profile_says_so() -> None:
    """The next request names the last event; a creation is never sent again."""
    rule = StreamRule(reconnects=1)
    more = events(b"id: 3\ndata: 3\n\ndata: [DONE]\n\n")
    world = ScriptedProvider(events(b"retry: 5000\n", TWO, whole=False), more)
    parts, error, _, _ = read(world, rule=rule)
    assert ([part.id for part in parts], error) == (["1", "2", "3"], None)
    assert dict(world.sent[1].request.headers)["last-event-id"] == "2"
    assert world.sent[1].at - world.sent[0].at >= 5.0
    world = ScriptedProvider(events(TWO, whole=False), more)
    assert isinstance(read(world, rule=rule, operation="things.make")[1], errors.StreamCut)
    world = ScriptedProvider(events(TWO), events(), events())
    assert (len(read(world, rule=rule)[0]), len(world.sent)) == (2, 3)
    assert isinstance(read(ScriptedProvider(events(b"", whole=False)), rule=rule)[1], errors.StreamCut)


def test_the_call_is_like_any_other_until_the_stream_begins() -> None:
    """It waits and repeats; errors are read as usual, and a page is not a stream."""
    world = ScriptedProvider(
        make_error_response(429, "SLOW", retry_after="2"), make_error_response(503, "BUSY"), LOST, events(TWO)
    )
    assert len(read(world)[0]) == 2
    error = read(ScriptedProvider(make_error_response(404, "NONE")))[1]
    assert isinstance(error, errors.NotFound)
    assert error.code == "NONE"
    page = make_response(200, b"<html>", content_type="text/html")
    assert isinstance(read(ScriptedProvider(page), operation="things.make")[1], errors.OutcomeUnknown)
    error = read(
        ScriptedProvider(make_response(200, {"data": 1}, content_type="application/json")),
        EVENTS,
        operation="things.make",
    )[1]
    assert isinstance(error, errors.UnexpectedAnswer)
    assert error.outcome == "done"


def test_a_compressed_stream_is_decoded_as_it_comes() -> None:
    """Although the request asks for a plain one; damage ends it."""
    coded = gzip.compress(TWO)
    assert len(read(ScriptedProvider(events(coded, content_encoding="gzip")))[0]) == 2
    assert isinstance(read(ScriptedProvider(events(b"no gzip", content_encoding="gzip")))[1], errors.StreamCut)


def test_a_part_that_cannot_be_read_ends_the_stream() -> None:
    """One that is too large, and a line that is not JSON."""
    large = read(ScriptedProvider(events(b"data: " + b"x" * 200 + b"\n\n")), max_answer_bytes=100)[1]
    assert isinstance(large, errors.StreamCut)
    broken = read(
        ScriptedProvider(make_response(200, b"1\n{\n", content_type="application/x-ndjson")), "application/x-ndjson"
    )
    assert (broken[0], "a line is not JSON" in str(broken[1])) == ([1], True)


def test_a_stream_is_closed_when_its_reader_leaves() -> None:
    """By `break` in the loop and by the end of the block; it can be read once."""

    async def leave() -> list[int]:
        world = ScriptedProvider(events(TWO))
        transport = AsyncBytewise(world.reply)
        api = connect(world, provider=provider(EVENTS), transport=transport)
        async with api.stream("things.get", thing_id="1") as stream:
            counts = [transport.streams]
            async for _ in stream:
                break
        counts.append(transport.streams)
        with pytest.raises(errors.InvalidOption, match="read only once"):
            await anext(aiter(stream))
        return counts

    assert run(leave) == [1, 0]


def test_only_a_stream_is_streamed() -> None:
    """An operation without one is named, and so is a call that would have to be recorded."""

    async def ask() -> None:
        api = connect(ScriptedProvider(), provider=provider("text/csv"))
        with pytest.raises(errors.InvalidOption, match="answers with events or JSON lines"):
            api.stream("things.get", thing_id="1")
        api = connect(ScriptedProvider(), provider=provider(EVENTS))
        with pytest.raises(errors.InvalidOption, match="cannot be recorded"):
            api.with_options(exactly_once=True).stream("things.make", name="x")

    run(ask)
