# SPDX-License-Identifier: Apache-2.0
"""Bodies are written as the document says: JSON of any shape, forms, strings and files, or none."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import pytest

from callwell.client.calls.request_files import open_content
from callwell.errors import FileChanged, InvalidOption, UnknownName
from tests.client.wire import FILE, FILES, FORM, JSON, MULTIPART, NUMBER, TEXT, TEXTS, Sent, bodies, body, call, obj

if TYPE_CHECKING:
    from pathlib import Path

MERGE: Final = "application/merge-patch+json"
PATCH: Final = "application/json-patch+json"
FREE: Final[dict[str, Any]] = {"type": "object"}
FLAG: Final = {"type": "boolean", "default": True}
UNION: Final[dict[str, Any]] = {"oneOf": [obj("a", a=TEXT), TEXTS, TEXT]}
DEEP: Final[dict[str, Any]] = {"style": "deepObject", "explode": True}
NONE: Final = ("", "")

JSON_BODIES: Final[tuple[tuple[dict[str, Any], dict[str, Any], tuple[str, str]], ...]] = (
    # Operation, arguments, media type and body.
    (body(obj(a=TEXT)), {}, (JSON, "{}")),
    (body(obj(a=TEXT)), {"a": "x"}, (JSON, '{"a":"x"}')),
    (body(obj(a=TEXT), required=False), {}, NONE),
    (body(obj("a", a=TEXT), required=False), {}, NONE),
    (body(obj("a", a=TEXT), required=False), {"a": "x"}, (JSON, '{"a":"x"}')),
    (body({**obj(a=TEXT), "nullable": True}), {"a": "x"}, (JSON, '{"a":"x"}')),
    (body(obj(a={"type": "string", "enum": []})), {"a": "x"}, (JSON, '{"a":"x"}')),
    (body(obj(userName=TEXT)), {"user_name": "x"}, (JSON, '{"userName":"x"}')),
    (body({"type": "object", "properties": {}}), {}, (JSON, "{}")),
    (body({"type": "object", "properties": {}}, required=False), {}, NONE),
    (body(FREE), {"body": {"x": [1, None]}}, (JSON, '{"x":[1,null]}')),
    (body(FREE, required=False), {}, NONE),
    (body(TEXTS), {"body": ["a", "b"]}, (JSON, '["a","b"]')),
    (body(TEXTS), {"body": ("a",)}, (JSON, '["a"]')),
    (body(TEXTS), {"body": []}, (JSON, "[]")),
    (body({"type": "array", "items": obj("a", a=TEXT)}), {"body": [{"a": "x"}]}, (JSON, '[{"a":"x"}]')),
    (body(TEXT), {"body": "x"}, (JSON, '"x"')),
    (body(NUMBER), {"body": 7}, (JSON, "7")),
    (body({"type": "boolean"}), {"body": False}, (JSON, "false")),
    (body({"type": "string", "nullable": True}), {"body": None}, (JSON, "null")),
    (body({}), {"body": [1, "a", {}]}, (JSON, '[1,"a",{}]')),
    (body(None), {"body": 1.5}, (JSON, "1.5")),
    (body(UNION), {"body": {"a": "x"}}, (JSON, '{"a":"x"}')),
    (body(UNION), {"body": ["x"]}, (JSON, '["x"]')),
    (body(UNION), {"body": "x"}, (JSON, '"x"')),
    (body({"anyOf": [TEXT, {"type": "null"}]}, required=False), {}, NONE),
    # More fields than the properties: by the whole body, which fields given by name go before.
    (body(obj(a=TEXT)), {"body": {"a": "x", "b": 1}}, (JSON, '{"a":"x","b":1}')),
    (body(obj(a=TEXT)), {"a": "y", "body": {"a": "x", "b": 1}}, (JSON, '{"a":"y","b":1}')),
    (body(obj("a", a=TEXT)), {"body": {"a": "x"}}, (JSON, '{"a":"x"}')),
    (body(obj(body=TEXT)), {"body": "x", "body_body": {"c": 1}}, (JSON, '{"body":"x","c":1}')),
    (body({**obj(a=TEXT), "additionalProperties": NUMBER}), {"a": "x", "body": {"b": 1}}, (JSON, '{"a":"x","b":1}')),
    (body({**obj(a=TEXT), "additionalProperties": True}), {"a": "x"}, (JSON, '{"a":"x"}')),
    (body(obj(a=obj(b=TEXT))), {"a": {"b": "x", "c": 1}}, (JSON, '{"a":{"b":"x","c":1}}')),
    (body(obj("b", a=TEXT)), {"b": [1]}, (JSON, '{"b":[1]}')),
    (body(obj("id", "a", id={"type": "string", "readOnly": True}, a=TEXT)), {"a": "x"}, (JSON, '{"a":"x"}')),
    (body(obj(a=obj("id", id={"readOnly": True}, b=TEXT))), {"a": {"b": "x"}}, (JSON, '{"a":{"b":"x"}}')),
    # A required field has its default, except in a body that need not be there, or has another type.
    (body(obj("b", a=TEXT, b=FLAG)), {}, (JSON, '{"b":true}')),
    (body(obj("b", a=TEXT, b=FLAG)), {"a": "x", "b": False}, (JSON, '{"a":"x","b":false}')),
    (body(obj("b", b={**FLAG, "readOnly": True})), {}, (JSON, "{}")),
    (body(obj("b", a=TEXT, b=FLAG), required=False), {}, NONE),
    (body(obj(a=TEXT, b=FLAG)), {"a": "x"}, (JSON, '{"a":"x"}')),
    (body(obj("b", a=TEXT, b=FLAG), JSON, MERGE), {"a": "x"}, (JSON, '{"a":"x"}')),
    # What a document states in quotes is of the schema's type.
    (body(obj("b", b={"type": "integer", "default": "10"})), {}, (JSON, '{"b":10}')),
    (body(obj("b", b={"type": "integer", "enum": ["1", "2"]})), {"b": 2}, (JSON, '{"b":2}')),
    (body(obj(b={"type": "boolean", "enum": ["true"]})), {"b": True}, (JSON, '{"b":true}')),
    (body(obj("b", b={"type": "string", "nullable": True, "default": None})), {}, (JSON, "{}")),
    # Other names of JSON.
    (body(obj(a=TEXT), "application/json; charset=utf-8"), {"a": "x"}, (JSON, '{"a":"x"}')),
    (body(obj(a=TEXT), "*/*"), {"a": "x"}, (JSON, '{"a":"x"}')),
    (body(obj(a=TEXT), "application/vnd.t.v2+json"), {"a": "x"}, ("application/vnd.t.v2+json", '{"a":"x"}')),
    (body(obj(a=TEXT), "text/json", JSON), {"a": "x"}, (JSON, '{"a":"x"}')),
    (body(obj(a=TEXT), MERGE), {"a": "x"}, (MERGE, '{"a":"x"}')),
    (body({"type": "object"}, PATCH), {"body": [{"op": "test"}]}, (PATCH, '[{"op":"test"}]')),
    (body(FREE, PATCH, MERGE), {"body": {"a": None}}, (MERGE, '{"a":null}')),
    (body(FREE, PATCH, MERGE), {"body": [{"op": "add"}]}, (PATCH, '[{"op":"add"}]')),
    (
        body(FREE, "application/x+json", JSON),
        {"body": {}, "content_type": "application/x+json"},
        ("application/x+json", "{}"),
    ),
    (body(obj(a=TEXT), MERGE, JSON), {"a": "x", "content_type": MERGE}, (MERGE, '{"a":"x"}')),
)

FORMS: Final[tuple[tuple[dict[str, Any], dict[str, Any], str], ...]] = (
    (body(obj(a=TEXT, b=NUMBER), FORM), {"a": "x y&z", "b": 1}, "a=x+y%26z&b=1"),
    (body(obj(a={"type": "boolean"}), FORM), {"a": True}, "a=true"),
    (body(obj(a=TEXT), FORM), {"a": ""}, "a="),
    (body(obj(a={"type": "string", "nullable": True}, b=TEXT), FORM), {"a": None, "b": "x"}, "b=x"),
    (body(obj(a=TEXTS), FORM), {"a": ["x", "y"]}, "a=x&a=y"),
    (body(obj(a=TEXTS), FORM), {"a": []}, ""),
    (body(obj(a=TEXTS), FORM, a={"style": "form", "explode": False}), {"a": ["x", "y"]}, "a=x%2Cy"),
    (body(obj(a=TEXTS), FORM, a={"style": "spaceDelimited"}), {"a": ["x", "y"]}, "a=x+y"),
    (body(obj(a=TEXTS), FORM, a={"style": "pipeDelimited"}), {"a": ["x", "y"]}, "a=x%7Cy"),
    (body(obj(a=FREE), FORM), {"a": {"b": 1, "c": {"d": 2}}}, "a%5Bb%5D=1&a%5Bc%5D%5Bd%5D=2"),
    (body(obj(a=FREE), FORM), {"a": {"b": ["x", "y"]}}, "a%5Bb%5D%5B%5D=x&a%5Bb%5D%5B%5D=y"),
    (body(obj(a=FREE), FORM, a=DEEP), {"a": {"b": 1}}, "a%5Bb%5D=1"),
    (body(obj(a=FREE), FORM, a={"style": "form", "explode": True}), {"a": {"b": 1, "c": 2}}, "b=1&c=2"),
    (body(obj(a=FREE), FORM, a={"contentType": JSON}), {"a": {"b": 1}}, "a=%7B%22b%22%3A1%7D"),
    (body(obj(expand=TEXTS), FORM, expand=DEEP), {"expand": ["x", "y"]}, "expand%5B%5D=x&expand%5B%5D=y"),
    (
        body(obj(items={"type": "array", "items": FREE}), FORM, items=DEEP),
        {"items": [{"price": "p", "tags": ["t"]}, {"price": "q"}]},
        "items%5B0%5D%5Bprice%5D=p&items%5B0%5D%5Btags%5D%5B%5D=t&items%5B1%5D%5Bprice%5D=q",
    ),
    (body(obj(a={"type": "array", "items": FREE}), FORM), {"a": [{"b": 1}]}, "a%5B0%5D%5Bb%5D=1"),
    (body(obj(a={"anyOf": [TEXT, FREE]}), FORM, a=DEEP), {"a": "x"}, "a=x"),
    (body(obj(a={"anyOf": [TEXT, FREE]}), FORM, a=DEEP), {"a": {"b": "x"}}, "a%5Bb%5D=x"),
    (body(obj(a=TEXT), FORM), {"a": "x", "body": {"b": [1]}}, "a=x&b=1"),
    (body(FREE, FORM), {"body": {"a": "x", "b": {"c": 1}}}, "a=x&b%5Bc%5D=1"),
    (body(obj(a=TEXT), FORM, MULTIPART), {"a": "x"}, "a=x"),
)


@pytest.mark.parametrize(("node", "arguments", "expected"), JSON_BODIES)
def test_json(node: dict[str, Any], arguments: dict[str, Any], expected: tuple[str, str]) -> None:
    """Fields, whole bodies of any shape, and none where nothing is given for an optional one."""
    assert call(node, arguments) == Sent("/x", {}, *expected)


@pytest.mark.parametrize(("node", "arguments", "expected"), FORMS)
def test_urlencoded_forms(node: dict[str, Any], arguments: dict[str, Any], expected: str) -> None:
    """Nested fields have brackets, lists are written as `encoding` says, and null is left out."""
    assert call(node, arguments) == Sent("/x", {}, FORM, expected)


def part(name: str, content: str, type_: str = "", file: str = "") -> str:
    """One part of a form."""
    head = f'---\r\nContent-Disposition: form-data; name="{name}"'
    head += f'; filename="{file}"' if file else ""
    head += f"\r\nContent-Type: {type_}" if type_ else ""
    return f"{head}\r\n\r\n{content}\r\n"


BYTES: Final = "application/octet-stream"
TYPED: Final = {"contentType": "image/png, image/jpeg"}

PARTS: Final[tuple[tuple[dict[str, Any], dict[str, Any], str], ...]] = (
    (body(obj(a=TEXT), MULTIPART), {"a": "x"}, part("a", "x")),
    (body(obj(f=FILE), MULTIPART), {"f": b"1"}, part("f", "1", BYTES, "file")),
    (
        body(obj(f=FILE, g=FILE), MULTIPART),
        {"f": b"1", "g": b"2"},
        part("f", "1", BYTES, "file") + part("g", "2", BYTES, "file"),
    ),
    (body(obj(f=FILES), MULTIPART), {"f": [b"1", b"2"]}, part("f", "1", BYTES, "file") + part("f", "2", BYTES, "file")),
    (body(obj(f=FILE), MULTIPART, f=TYPED), {"f": b"1"}, part("f", "1", "image/png", "file")),
    (body(obj(a=FREE), MULTIPART), {"a": {"b": 1}}, part("a", '{"b":1}', JSON)),
    (
        body(obj(a=FREE), MULTIPART, a={"contentType": "application/x+json"}),
        {"a": {}},
        part("a", "{}", "application/x+json"),
    ),
    (body(obj(a=TEXT), MULTIPART, a={"contentType": "text/csv"}), {"a": "x"}, part("a", "x", "text/csv")),
    (body(obj(a=TEXTS), MULTIPART), {"a": ["x", "y"]}, part("a", "x") + part("a", "y")),
    (body(obj(a={"type": "array", "items": FREE}), MULTIPART), {"a": [{}, {}]}, part("a", "{}", JSON) * 2),
    (body(obj(a=FREE), MULTIPART, a=DEEP), {"a": {"b": 1}}, part("a[b]", "1")),
    (body(obj(f={"anyOf": [FILE, {"type": "null"}]}), MULTIPART), {"f": b"1"}, part("f", "1", BYTES, "file")),
    (body(obj(a=TEXT, f={"anyOf": [FILE, {"type": "null"}]}), MULTIPART), {"a": "x", "f": None}, part("a", "x")),
    (body(obj(f={"anyOf": [FILE, FILES]}), MULTIPART), {"f": b"1"}, part("f", "1", BYTES, "file")),
    (body(obj(f={"anyOf": [FILE, FILES]}), MULTIPART), {"f": [b"1"]}, part("f", "1", BYTES, "file")),
    (body(obj(f={"anyOf": [FILE, TEXT]}), MULTIPART), {"f": "http://x.test"}, part("f", "http://x.test")),
    (body(obj(f=FILE), MULTIPART), {"f": io.BytesIO(b"12")}, part("f", "12", BYTES, "file")),
    (body(obj(f=FILE), MULTIPART), {"f": iter([b"1", b"2"])}, part("f", "12", BYTES, "file")),
    (body(obj(f=FILE), MULTIPART, required=False), {"f": b"1"}, part("f", "1", BYTES, "file")),
    (bodies(json=obj(f=TEXT), multipart=obj(f=FILE)), {"f": b"1"}, part("f", "1", BYTES, "file")),
    (
        bodies(json=obj(a=TEXT), multipart=obj(a=TEXT, f=FILE)),
        {"a": "x", "f": b"1"},
        part("a", "x") + part("f", "1", BYTES, "file"),
    ),
    (bodies(json=obj(a=TEXT), multipart=obj(a=TEXT)), {"a": "x", "content_type": MULTIPART}, part("a", "x")),
)


@pytest.mark.parametrize(("node", "arguments", "expected"), PARTS)
def test_forms_of_parts(node: dict[str, Any], arguments: dict[str, Any], expected: str) -> None:
    """Files, lists of files, JSON, and strings of the media type that `encoding` names."""
    assert call(node, arguments) == Sent("/x", {}, MULTIPART, f"{expected}-----\r\n")


CONTENTS: Final[tuple[tuple[dict[str, Any], dict[str, Any], tuple[str, str]], ...]] = (
    (body(TEXT, "text/plain"), {"body": "x"}, ("text/plain", "x")),
    (body(TEXT, "text/plain"), {"body": "ü"}, ("text/plain; charset=utf-8", "ü")),
    (body(TEXT, "text/plain; charset=utf-8"), {"body": "ü"}, ("text/plain; charset=utf-8", "ü")),
    (
        body(None, "text/plain", "text/x-markdown"),
        {"body": "x", "content_type": "text/x-markdown"},
        ("text/x-markdown", "x"),
    ),
    (body(None, "text/*"), {"body": "x"}, ("text/plain", "x")),
    (body(obj(a=TEXT), "application/xml"), {"body": "<a/>"}, ("application/xml", "<a/>")),
    (body(None, "application/x-ndjson"), {"body": b"{}\n{}\n"}, ("application/x-ndjson", "{}\n{}\n")),
    (body(None, "text/csv"), {"body": io.BytesIO(b"a,b")}, ("text/csv", "a,b")),
    (body(FILE, BYTES), {"body": b"1"}, (BYTES, "1")),
    (body(FILE, BYTES), {"body": bytearray(b"1")}, (BYTES, "1")),
    (body(FILE, BYTES), {"body": io.BytesIO(b"1")}, (BYTES, "1")),
    (body(FILE, BYTES), {"body": iter([b"1", b"", bytearray(b"2")])}, (BYTES, "12")),
    (body(FILE, BYTES, required=False), {}, NONE),
    (body(FILE, "image/jpeg"), {"body": b"1"}, ("image/jpeg", "1")),
    (body(FILE, "image/*"), {"body": b"1", "content_type": "image/webp"}, ("image/webp", "1")),
    (body(FILE, "*/*"), {"body": b"1"}, (BYTES, "1")),
    (body(FILE, "*/*"), {"body": b"1", "content_type": "video/mp4"}, ("video/mp4", "1")),
    (bodies(json=obj("a", a=TEXT), text=TEXT), {"body": "x"}, ("text/plain", "x")),
    (bodies(json=obj("a", a=TEXT), text=TEXT), {"a": "x"}, (JSON, '{"a":"x"}')),
    (bodies(json=obj("a", a=TEXT), bytes=FILE), {"body": b"1"}, ("image/png", "1")),
    (bodies(json=obj("a", a=TEXT), bytes=FILE), {"body": {"a": "x"}}, (JSON, '{"a":"x"}')),
    (bodies(json=obj(), text=TEXT), {"body": "x"}, ("text/plain", "x")),
    (bodies(json=obj(), text=TEXT), {}, (JSON, "{}")),
    (bodies(json=UNION, form=obj(b=TEXT)), {"body": ["x"]}, (JSON, '["x"]')),
    (bodies(json=UNION, form=obj(b=TEXT)), {"b": "x"}, (FORM, "b=x")),
)


@pytest.mark.parametrize(("node", "arguments", "expected"), CONTENTS)
def test_texts_and_files(node: dict[str, Any], arguments: dict[str, Any], expected: tuple[str, str]) -> None:
    """A string is UTF-8, a file goes as it is, and the type is the one that takes what is given."""
    assert call(node, arguments) == Sent("/x", {}, *expected)


CLOSED: Final = io.BytesIO(b"x")
CLOSED.close()

MISTAKES: Final[tuple[tuple[dict[str, Any], dict[str, Any], str], ...]] = (
    (body(TEXTS), {}, "x.call: body cannot be None: expected a list, each a string"),
    (body(TEXTS), {"body": "a"}, "x.call: body cannot be 'a': expected a list"),
    (body(TEXTS), {"body": [1]}, "x.call: body cannot be 1: expected a string"),
    (body(obj("a", a=TEXT), required=False), {"body": {"b": 1}}, "x.call: a cannot be None"),
    (body(obj("a", b=TEXT), FORM, required=False), {"b": "x"}, "x.call: a cannot be None"),
    (body(obj("a", a=TEXT), FORM), {}, "x.call: a cannot be None"),
    (body({**obj(a=TEXT), "additionalProperties": False}), {"body": {"b": 1}}, "unknown field 'b' of x.call: body"),
    (body({**obj(a=TEXT), "additionalProperties": NUMBER}), {"body": {"b": "x"}}, "x.call: body.b cannot be 'x'"),
    (body(obj(a=TEXT)), {"body": [1]}, "x.call: body cannot be"),
    (body(obj(a=TEXT)), {"b": "x"}, "unknown parameter 'b' of x.call"),
    (body(TEXT), {"body": {"password": "p"}}, "x.call: body cannot be {'password': …}: expected a string"),
    (body(TEXT), {"body": [{"password": "p"}]}, r"x.call: body cannot be \[{'password': …}\]: expected a string"),
    (body(obj(a=TEXT), FORM), {"a": "x", "body": {"b": b"1"}}, "bytes must be decoded first"),
    (body(FILE, "image/*"), {"body": b"1"}, "x.call: content_type cannot be None: expected the media type of the body"),
    (body(FILE, "image/*"), {"body": b"1", "content_type": "text/csv"}, "x.call: content_type cannot be 'text/csv'"),
    (body(FREE, JSON, MERGE), {"body": {}, "content_type": "text/csv"}, "x.call: content_type cannot be 'text/csv'"),
    (bodies(json=obj(a=TEXT), form=obj(b=TEXT)), {"a": "x", "b": "y", "content_type": FORM}, ""),
    (body(FILE, BYTES), {"body": io.StringIO("x")}, r"opened for bytes: open\(path, 'rb'\)"),
    (body(FILE, BYTES), {"body": iter(["x"])}, "an iterator of bytes"),
    (body(FILE, BYTES), {"body": CLOSED}, r"x.call: body cannot be 'BytesIO': expected a file that can be read \(I/O"),
    (body(FILE, BYTES), {"body": 3}, "x.call: body cannot be 3: expected a file"),
)


@pytest.mark.parametrize(("node", "arguments", "message"), MISTAKES)
def test_mistakes_name_the_argument(node: dict[str, Any], arguments: dict[str, Any], message: str) -> None:
    """Nothing is sent, and the message says which argument is wrong and what is expected."""
    if not message:
        assert call(node, arguments).body == "a=x&b=y"  # what a form does not know may be a field of it
        return
    with pytest.raises((InvalidOption, UnknownName), match=message):
        call(node, arguments)


def test_files_on_disk(tmp_path: Path) -> None:
    """A large file is streamed, its name gives the media type, and what is not a file is refused."""
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * (2 << 20))
    for node in (body(FILE, "image/*"), body(FILE, "*/*")):
        sent = call(node, {"body": path})
        assert (sent.type, len(sent.body)) == ("image/png", 2 << 20)
        assert call(node, {"body": str(path)}) == sent
    with path.open("rb") as file:
        assert call(body(obj(f=FILE), MULTIPART), {"f": file}).body.count("x" * (2 << 20)) == 1
    with pytest.raises(InvalidOption, match=r"a file that can be read \(No such file"):
        call(body(FILE, BYTES), {"body": tmp_path / "b"})
    with pytest.raises(InvalidOption, match="a regular file"):
        call(body(FILE, BYTES), {"body": tmp_path})


def test_files_that_change(tmp_path: Path) -> None:
    """A file is sent as it was when the call began, or not at all."""
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * (2 << 20))
    _, content = open_content("body", FILE, path)
    assert not isinstance(content, bytes)
    assert {len(b"".join(content)) for _ in range(2)} == {2 << 20}
    chunks = iter(content)
    next(chunks)
    path.write_bytes(b"x" * (1 << 20))
    with pytest.raises(FileChanged, match="it became shorter while it was sent"):
        list(chunks)
    with pytest.raises(FileChanged, match="it changed before it was sent"):
        next(iter(content))
