# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_answer_files.py by tools/unasync.py; do not edit
"""Files that operations answer with, or redirect to: saved, read in chunks, or returned."""

from __future__ import annotations

import gzip
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.description.answer_types import declared_answers
from tests.client._sync.scripted_client import StreamingTransport, connect
from tests.client.acme import BASE, KEY, acme
from tests.client.running import run
from tests.client.world import LOST, PIECE, ScriptedProvider, make_error_response, make_response

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from callwell.transport.base import NoReply, Request, Response

STORAGE = "https://files.example.net/f?sig=1"
WHOLE = bytes(range(256)) * (3 * PIECE // 256)


def provider(*types: str, redirects: bool = False) -> Any:
    """Acme, with `things.get` and `things.make` that answer with these types."""
    result = acme()
    operations = dict(result.api.operations)
    for name in ("things.get", "things.make"):
        old = operations[name]
        statuses = [*(["200"] if types else []), *(["302"] if redirects else [])]
        declared = declared_answers(old.method, statuses, [{item: {} for item in types}] if types else [])
        operations[name] = replace(old, accept=declared.accept, media=declared.media, redirects=declared.redirects)
    return replace(result, api=replace(result.api, operations=operations))


def pdf(body: bytes = WHOLE, *, status: int = 200, whole: bool = True, **headers: Any) -> Response:
    """A file."""
    return make_response(status, body, whole=whole, content_type="application/pdf", **headers)


def save(world: ScriptedProvider, path: Path, *, operation: str = "things.get", described: Any = None) -> Any:
    """What `save` returns, or the error that it raises."""

    def saving() -> Any:
        transport = StreamingTransport(world.reply)
        api = connect(world, provider=described or provider("application/pdf"), transport=transport)
        arguments = {"thing_id": "1"} if operation == "things.get" else {"name": "x"}
        try:
            return api.asset(operation, **arguments).save(path)
        except errors.CallwellError as error:
            return error
        finally:
            assert transport.streams == 0

    return run(saving)


def test_a_file_is_saved_as_it_comes(tmp_path: Path) -> None:
    """With its key and its permit, its size and checksum; nothing else is left in the folder."""
    world = ScriptedProvider(pdf(content_length=str(len(WHOLE))))
    saved = save(world, tmp_path / "a.pdf")
    assert (saved.size, saved.sha256, saved.type) == (len(WHOLE), sha256(WHOLE).hexdigest(), "application/pdf")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]
    assert (tmp_path / "a.pdf").read_bytes() == WHOLE
    headers = dict(world.sent[0].request.headers)
    assert (headers["accept"], headers["accept-encoding"], world.keys) == ("application/pdf", "identity", [KEY])


def test_a_file_that_broke_off_is_continued(tmp_path: Path) -> None:
    """From its last byte if it has a strong ETag, by another call; without a proof it starts again."""
    rest = WHOLE[PIECE:]
    part = pdf(rest, status=206, etag='"v"', content_range=f"bytes {PIECE}-{len(WHOLE) - 1}/{len(WHOLE)}")
    world = ScriptedProvider(pdf(WHOLE[:PIECE], whole=False, etag='"v"', content_length=str(len(WHOLE))), part)
    assert save(world, tmp_path / "a.pdf").sha256 == sha256(WHOLE).hexdigest()
    headers = dict(world.sent[1].request.headers)
    assert (headers["range"], headers["if-range"]) == (f"bytes={PIECE}-", '"v"')
    world = ScriptedProvider(pdf(WHOLE[:PIECE], whole=False), pdf())
    assert save(world, tmp_path / "b.pdf").size == len(WHOLE)
    assert "range" not in dict(world.sent[1].request.headers)


def test_a_creation_is_sent_once(tmp_path: Path) -> None:
    """Its file is saved; if it breaks off, the call was done, and no file appears."""
    assert save(ScriptedProvider(pdf(status=201)), tmp_path / "a.pdf", operation="things.make").size == len(WHOLE)
    for broken in (pdf(WHOLE[:9], whole=False), pdf(WHOLE[:9], content_length="10")):
        world = ScriptedProvider(broken)
        error = save(world, tmp_path / "b.pdf", operation="things.make")
        assert isinstance(error, errors.UnexpectedAnswer)
        assert (error.outcome, len(world.sent), (tmp_path / "b.pdf").exists()) == ("done", 1, False)
        assert "it was done, but the file was lost" in str(error)


def test_no_error_and_no_page_is_saved(tmp_path: Path) -> None:
    """Errors are those of any call; a 202 means that there is no file yet."""
    cases: list[tuple[Response | NoReply, type[Exception]]] = [
        (make_error_response(404, "NONE"), errors.NotFound),
        (make_response(200, b"<html>", content_type="text/html"), errors.UnexpectedAnswer),
        (make_response(200, {"a": 1}, content_type="application/json"), errors.UnexpectedAnswer),
        (make_response(202), errors.AssetUnavailable),
        (make_response(204), errors.AssetUnavailable),
        (LOST, errors.ConnectionLost),
    ]
    for reply, kind in cases:
        assert isinstance(save(ScriptedProvider(reply), tmp_path / "a"), kind), reply
    assert list(tmp_path.iterdir()) == []


def test_a_coded_file_is_decoded(tmp_path: Path) -> None:
    """Although the request asks for a plain one."""
    world = ScriptedProvider(pdf(gzip.compress(WHOLE), content_encoding="gzip"))
    assert save(world, tmp_path / "a.pdf").sha256 == sha256(WHOLE).hexdigest()


def redirecting(storage: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """The provider redirects to a storage."""

    def reply(request: Request) -> Response:
        return make_response(302, location=STORAGE) if request.url.startswith(BASE) else storage(request)

    return reply


def test_a_redirect_is_followed_without_the_key(tmp_path: Path) -> None:
    """To the file, in memory and on disk; one that has expired is asked for again."""
    for types in ((), ("application/pdf",)):
        world = ScriptedProvider(redirecting(lambda _: pdf()))
        described = provider(*types, redirects=True)
        assert save(world, tmp_path / "a.pdf", described=described).size == len(WHOLE)
        assert world.urls == [f"{BASE}/things/1", STORAGE]
        assert set(dict(world.sent[1].request.headers)) == {"accept", "accept-encoding"}
    expired = iter([make_error_response(403, "Expired"), pdf()])
    world = ScriptedProvider(redirecting(lambda _: next(expired)))
    assert save(world, tmp_path / "b.pdf", described=provider(redirects=True)).size == len(WHOLE)
    assert world.urls == [f"{BASE}/things/1", STORAGE] * 2


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (pdf(b"%PDF"), b"%PDF"),
        (make_response(200, b"a log", content_type="text/plain"), "a log"),
        (make_response(200, {"data": 7}, content_type="application/json"), 7),
    ],
)
def test_a_call_returns_what_a_redirect_leads_to(reply: Response, expected: Any) -> None:
    """By the type that the storage gives it, and within the bound."""

    def call(**options: Any) -> Any:
        world = ScriptedProvider(redirecting(lambda _: reply))
        api = connect(world, provider=provider(redirects=True), **options)
        return api.call("things.get", thing_id="1")

    assert run(call) == expected

    def too_much() -> Any:
        with pytest.raises(errors.AnswerTooLarge):
            call(max_answer_bytes=3)

    run(too_much)


@pytest.mark.parametrize("location", ["http://files.example.net/f", "ftp://files.example.net/f"])
def test_an_odd_redirect_is_not_followed(tmp_path: Path, location: str) -> None:
    """From HTTPS to HTTP, or to another protocol."""
    world = ScriptedProvider(make_response(302, location=location))
    assert isinstance(save(world, tmp_path / "a", described=provider(redirects=True)), errors.AssetError)
    assert len(world.sent) == 1


def test_only_a_file_is_an_asset() -> None:
    """An operation that answers in JSON alone leads to none; what is known before asking costs a call."""

    def ask() -> None:
        api = connect(ScriptedProvider(), provider=provider("application/json"))
        with pytest.raises(errors.InvalidOption, match="one that leads to a file"):
            api.asset("things.get", thing_id="1")
        world = ScriptedProvider(pdf(content_length="7"))
        transport = StreamingTransport(world.reply)
        api = connect(world, provider=provider("application/pdf"), transport=transport)
        info = api.asset("things.get", thing_id="1").info()
        assert (info.size, info.type, transport.streams) == (7, "application/pdf", 0)
        with pytest.raises(errors.UsageError, match="executed"):
            api.asset("things.make", name="x").info()

    run(ask)
