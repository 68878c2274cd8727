# SPDX-License-Identifier: Apache-2.0
"""Answers that are not JSON are read by their type, in memory."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.client.calls.answer_values import decode_text
from callwell.description.answer_types import classify, declared_answers
from callwell.description.model import Parameter
from callwell.transport.codings import decode
from tests.client._sync.scripted_client import connect
from tests.client.acme import STRING_SCHEMA, acme, bind
from tests.client.world import OK, ScriptedProvider, make_response


def acme_answering(*types: str, operation: str = "things.get", **fields: Any) -> Any:
    """Acme, with an operation that declares these types."""
    provider = acme()
    old = provider.api.operations[operation]
    declared = declared_answers(old.method, ["200"], [{name: {} for name in types}])
    outcome = replace(old, accept=declared.accept, media=declared.media, **fields)
    return replace(provider, api=replace(provider.api, operations={**provider.api.operations, operation: outcome}))


def result(types: tuple[str, ...], body: bytes, content_type: str | None, operation: str = "things.get") -> Any:
    """What a call returns, or the error that it raises."""
    headers: dict[str, Any] = {} if content_type is None else {"content_type": content_type}
    arguments = {"thing_id": "1"} if operation == "things.get" else {"name": "x"}
    opened = connect(
        ScriptedProvider(make_response(200, body, **headers)), provider=acme_answering(*types, operation=operation)
    )
    try:
        return opened.call(operation, **arguments)
    except errors.CallwellError as error:
        return error


@pytest.mark.parametrize(
    ("types", "body", "content_type", "expected"),
    [
        (("text/csv",), b"a,b\n1,2\n", "text/csv; charset=utf-8", "a,b\n1,2\n"),
        (("text/plain",), b"12", "text/plain", "12"),
        (("text/plain",), b"\xef\xbb\xbfh\xc3\xa9", "text/plain", "h\u00e9"),
        (("text/plain",), b"h\xe9", "text/plain; charset=iso-8859-1", "h\u00e9"),
        (("text/html",), b"<html>", "text/html", "<html>"),
        (("application/xml",), b"<a/>", "text/xml", "<a/>"),
        (("text/csv",), b"a,b", "application/octet-stream", "a,b"),
        (("text/csv",), b"a,b", None, "a,b"),
        (("application/pdf",), b"%PDF", "application/pdf", b"%PDF"),
        (("application/pdf",), b"%PDF", "binary/octet-stream", b"%PDF"),
        (("application/pdf",), b"%PDF", None, b"%PDF"),
        (("image/jpg",), b"\xff\xd8", "image/jpeg", b"\xff\xd8"),
        (("application/octet-stream",), b"{}", "application/json", b"{}"),
        (("application/octet-stream",), b"<html>", "text/html", b"<html>"),
        (("*/*",), b'{"data": {"id": "1"}}', "application/json", {"id": "1"}),
        (("*/*",), b"plain", "text/plain", "plain"),
        (("*/*",), b"\x00\x01", "image/png", b"\x00\x01"),
        (("*/*",), b"<a/>", None, "<a/>"),
        (("application/pdf", "application/json"), b'{"data": 7}', "application/json", 7),
        (("application/json", "text/csv"), b'{"data": 7}', "text/html", 7),
        (("application/json", "application/pdf"), b"%PDF", "application/pdf", b"%PDF"),
        (("application/pdf",), b"", "application/pdf", None),
        (("text/plain",), b"", None, None),
    ],
)
def test_an_answer_is_read_by_its_type(types: Any, body: bytes, content_type: str | None, expected: Any) -> None:
    """JSON is a value, text `str`, anything else `bytes`; an empty response is None."""
    got = result(types, body, content_type)
    assert (got, type(got)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b'{"data": 7}', "application/json", 7),
        (b'{"data": 7}', "text/html", 7),
        (b'{"data": 7}', None, 7),
        (b"OK", "text/plain", "OK"),
        (b"<a/>", "application/xml", "<a/>"),
        (b"\x89PNG", "image/png", b"\x89PNG"),
        (b"\x00\x01", None, b"\x00\x01"),
        (b"", None, None),
        (b"<html>", "text/html", "unknown"),
        (b"<html>", None, "unknown"),
    ],
)
def test_a_success_of_which_nothing_is_said(body: bytes, content_type: str | None, expected: Any) -> None:
    """JSON first, then what its type says: FastAPI describes no file that it sends. A page may be a gateway's."""
    got = result((), body, content_type, "things.make")
    assert (got.outcome if isinstance(got, errors.CallError) else got) == expected


@pytest.mark.parametrize(
    ("types", "body", "content_type", "outcome"),
    [
        (("application/pdf",), b"<html>", "text/html", "unknown"),
        (("application/pdf",), b"<html>", None, "unknown"),
        (("application/octet-stream",), b"<html>", "text/html", "unknown"),
        (("text/csv",), b"<html>", "text/html", "unknown"),
        (("application/pdf",), b"oops", "text/plain", "unknown"),
        (("application/json", "text/csv"), b"<html>", "text/html", "unknown"),
        (("application/pdf",), b"{}", "application/json", "done"),
    ],
)
def test_a_page_in_place_of_a_file_is_no_result(
    types: Any, body: bytes, content_type: str | None, outcome: str
) -> None:
    """A creation that is answered by a gateway may have been done; JSON is the provider's own response."""
    error = result(types, body, content_type, "things.make")
    assert isinstance(error, errors.CallError)
    assert error.outcome == outcome
    if outcome == "done":
        assert "a body of type application/json instead of application/pdf" in str(error)


def test_a_creation_that_answers_with_a_file_is_done() -> None:
    """It ends as what it declares, and `call_raw` has the bytes."""
    assert result(("audio/mpeg",), b"ID3", "audio/mpeg", "things.make") == b"ID3"
    opened = connect(
        ScriptedProvider(make_response(200, b"ID3", content_type="audio/mpeg")), provider=acme_answering("audio/mpeg")
    )
    raw = opened.call_raw("things.get", thing_id="1")
    assert (raw.body, raw.json, raw.headers["content-type"]) == (b"ID3", None, "audio/mpeg")


def test_the_request_accepts_what_is_declared() -> None:
    """A declared `accept` argument wins, and is never sent twice."""
    chosen = Parameter(name="accept", wire_name="Accept", location="header", required=False, schema=STRING_SCHEMA)
    provider = acme_answering("text/csv", "application/pdf")
    old = provider.api.operations["things.get"]
    both = replace(old, parameters=(*old.parameters, chosen))
    assert bind(acme().api.operations["things.get"], {"thing_id": "1"}).accept == ("accept", "application/json")
    assert bind(old, {"thing_id": "1"}).accept == ("accept", "text/csv, application/pdf")
    bound = bind(both, {"thing_id": "1", "accept": "application/pdf"})
    assert (bound.accept, bound.headers) == (("accept", "application/pdf"), ())
    world = ScriptedProvider(make_response(200, b"a", content_type="text/csv"), OK)
    opened = connect(world, provider=provider)
    opened.call("things.get", thing_id="1")
    opened.request("GET", "/other")
    accepted = [[value for name, value in sent.request.headers if name == "accept"] for sent in world.sent]
    assert accepted == [["text/csv, application/pdf"], ["application/json, */*;q=0.5"]]


def test_text_in_a_content_coding_is_text() -> None:
    """The coding is undone before the character set."""
    body = decode(gzip.compress("h\u00e9".encode("latin-1")), "gzip", 100).body
    assert decode_text(body, {"content-type": 'text/plain; charset="ISO-8859-1"'}) == "h\u00e9"


@pytest.mark.parametrize("charset", ["klingon", "idna", "unicode_escape", "rot13", "x\u0000y", "punycode"])
def test_an_odd_character_set_is_utf_8(charset: str) -> None:
    """What is not a character set is not believed, and bytes that are none of UTF-8 are replaced."""
    assert decode_text(b"\\u0041\xff", {"content-type": f"text/plain; charset={charset}"}) == "\\u0041\ufffd"


def test_a_type_keeps_its_parameters() -> None:
    """They may choose between responses; the character set does not."""
    assert classify("Application/JSON; Charset=utf-8; stream=watch", {}).name == "application/json;stream=watch"
