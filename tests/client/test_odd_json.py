# SPDX-License-Identifier: Apache-2.0
"""JSON as services send it, and errors as they word them: read where they mean one thing only, else refused."""

from __future__ import annotations

import codecs
import json
from typing import Any, Final

import msgspec
import pytest

from callwell import errors
from callwell.client.calls import error_body, responses
from callwell.client.calls.operations import find_operation
from callwell.client.calls.wire_values import encode_json
from callwell.core.rules.profile import CodeRule, ErrorRule
from callwell.transport.base import Response
from tests.client._sync.scripted_client import connect
from tests.client.acme import acme
from tests.client.world import ScriptedProvider

PLAIN: Final = '{"id": "a", "name": "caf\u00e9"}'


def read(body: bytes, content_type: str = "application/json") -> Any:
    """What is read of a success."""
    plan = find_operation(acme(), "things.get").plan
    found = responses.parse_success(Response(200, {"content-type": content_type}, body), plan)
    return "unreadable" if found is None else found.json


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (codecs.BOM_UTF8 + PLAIN.encode(), "application/json; charset=utf-8"),
        (PLAIN.encode("utf-16"), "application/json"),
        (PLAIN.encode("utf-16-le"), "application/json"),
        (PLAIN.encode("utf-16-be"), "application/json"),
        (PLAIN.encode("utf-32"), "application/json"),
        (PLAIN.encode("utf-32-be"), "application/json"),
        (PLAIN.encode("latin-1"), "application/json;charset=ISO-8859-1"),
        (PLAIN.encode("cp1252"), 'application/json; charset="windows-1252"'),
        (b"\n " + PLAIN.encode() + b"\r\n", ""),
    ],
)
def test_every_way_to_write_a_text(body: bytes, content_type: str) -> None:
    """A mark of byte order, wide letters, and the charset that the header names."""
    assert read(body, content_type) == {"id": "a", "name": "caf\u00e9"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rb"cut \ud83d", "cut \ufffd"),
        (rb"\ude00 late", "\ufffd late"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\uD83D\n", "\ufffd\n"),
        (rb"\\ud83d \ud83d", "\\ud83d \ufffd"),
        (rb"\\\ud83d", "\\\ufffd"),
        (b"raw \xed\xa0\xbd", "raw \ufffd\ufffd\ufffd"),
        (b"raw \xe9", "raw \ufffd"),
    ],
)
def test_a_text_that_was_cut_spoils_only_itself(text: bytes, expected: str) -> None:
    """Half of a pair of surrogates, or a byte that is not UTF-8, becomes U+FFFD; all other items are good."""
    body = b'{"items": [{"name": "fine \\u00e9"}, {"name": "%s"}]}' % text
    assert read(body) == {"items": [{"name": "fine \u00e9"}, {"name": expected}]}
    msgspec.json.encode(read(body))  # what was read can be written


@pytest.mark.parametrize(
    "body", [b"<html>", b'{"a": 1', b'{"a": 1}}', b"\x00", b"\xff\xfe", b"'a'", b"[NaN]", b"\xef\xbb\xbf"]
)
def test_what_is_no_json_stays_unreadable(body: bytes) -> None:
    """Nothing is guessed beyond its letters."""
    assert read(body) == "unreadable"


@pytest.mark.parametrize(("body", "name"), [(b'{"score": NaN}', "NaN"), (b"[1, -Infinity]", "-Infinity")])
def test_a_number_that_json_does_not_have_is_named(body: bytes, name: str) -> None:
    """The error says what the response contains, for reading and for what was done."""
    for operation, words in (("things.get", "200"), ("things.make", "it was done")):
        api = connect(ScriptedProvider(Response(200, {}, body)))
        arguments: dict[str, Any] = {"name": "n"} if operation == "things.make" else {"thing_id": "1"}
        with pytest.raises(errors.UnexpectedAnswer, match=f"{words}.*the response contains {name}, which is not JSON"):
            api.call(operation, **arguments)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"meta": {"score": float("nan")}}, "meta.score"),
        ({"list": [1.5, {"x": float("inf")}]}, "list.1.x"),
        ({"a": None, "b": (float("-inf"),)}, "b.0"),
        ([float("nan")], "0"),
        (float("inf"), "the body"),
    ],
)
def test_a_number_that_json_does_not_have_is_not_sent(body: object, place: str) -> None:
    """It would go out as null, unsaid: the error names its place."""
    with pytest.raises(errors.InvalidOption, match=f"^things.make: {place} cannot be .*finite"):
        encode_json("things.make", body)


def test_null_is_sent_as_null() -> None:
    """The search for such numbers refuses nothing else."""
    body = {"a": None, "b": [None, 1.5, "NaN", b"x"], "c": {1: None}}
    assert json.loads(encode_json("things.make", body)) == {
        "a": None,
        "b": [None, 1.5, "NaN", "eA=="],
        "c": {"1": None},
    }


def problem(body: object, **rule: Any) -> tuple[str | None, str, str | None]:
    """Code, words and parameter of an error."""
    whole, _ = error_body.read_problems(ErrorRule(**rule), body)
    return whole.code, whole.message, whole.parameter


@pytest.mark.parametrize(
    ("body", "code", "message", "expected"),
    [
        ({"code": 20003, "message": "no"}, "code", "message", ("20003", "no")),
        ({"error": {"code": 190, "message": "no"}}, "error.code", "error.message", ("190", "no")),
        ({"error": {"code": 190.0}}, "error.code", "error.message", ("190", "")),
        ([{"errorCode": "GONE", "message": "no"}], "0.errorCode", "0.message", ("GONE", "no")),
        ([{"errorCode": "GONE", "message": "no"}], "errorCode", "message", ("GONE", "no")),
        ({"errors": [{"code": 7, "detail": "no"}]}, "errors.0.code", "errors.detail", ("7", "no")),
        ({"errors": ["not", {"code": "X"}]}, "errors.code", "errors.1.message", ("X", "")),
        ({"errors": ["first", "second"]}, "code", "errors", (None, "first; second")),
        ({"code": 0, "message": 5}, "code", "message", ("0", "5")),
        ({"code": True, "message": None}, "code", "message", (None, "")),
        ({"code": {"n": 1}, "message": []}, "code", "message", (None, "")),
        ({"error.code": "DOT"}, "error.code", "message", ("DOT", "")),
        ("text", "code", "message", (None, "")),
        ([], "0.code", "9.message", (None, "")),
    ],
)
def test_codes_and_words_wherever_they_stand(
    body: object, code: str, message: str, expected: tuple[str | None, str]
) -> None:
    """Numbers, nested ones, lists of errors; what is none is none."""
    assert problem(body, code=(code,), message=(message,))[:2] == expected


@pytest.mark.parametrize("body", [{"code": 20003}, {"error": {"code": 20003}}, [{"code": 20003}]])
def test_a_dead_key_is_known_by_a_number(body: object) -> None:
    """The profile names the code as a string, and the response has it as a number."""
    rule = ErrorRule(code=("code", "error.code"), codes={"20003": CodeRule(status=401, dead_key=True)})
    api = connect(ScriptedProvider(Response(401, {}, json.dumps(body).encode())), provider=acme(errors=rule))
    with pytest.raises(errors.KeyRefused) as caught:
        api.call("things.get", thing_id="1")
    assert caught.value.code == "20003"
