# SPDX-License-Identifier: Apache-2.0
"""What an operation's successful responses declare: which types, how each is read, and what the request accepts."""

from __future__ import annotations

from typing import Any

import pytest

from callwell.description.answer_types import classify
from callwell.description.openapi import read

OBJECT = {"type": "object", "properties": {"id": {"type": "string"}}}
OTHER = {"type": "object", "properties": {"job": {"type": "string"}}}
JSON = {"application/json": {"schema": OBJECT}}
PDF: dict[str, Any] = {"application/pdf": {}}


def described(responses: dict[str, Any], method: str = "get") -> Any:
    """An operation with these responses."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {"/things": {method: {"operationId": "things.get", "responses": responses}}},
    }
    return read(document).operations["things.get"]


@pytest.mark.parametrize(
    ("responses", "accept", "kinds"),
    [
        ({"204": {"description": "none"}}, "application/json", []),
        ({"200": {"description": "none"}}, "application/json, */*;q=0.5", ["any"]),
        ({"202": {}, "204": {}}, "application/json, */*;q=0.5", ["any"]),
        ({"200": {"content": JSON}, "201": {}}, "application/json", []),
        ({"200": {"content": JSON}}, "application/json", []),
        ({"200": {"content": {"application/json; charset=utf-8": {}}}}, "application/json", []),
        ({"200": {"content": {"application/vnd.acme.v2+json": {}}}}, "application/vnd.acme.v2+json", []),
        ({"200": {"content": {"application/vnd.acme+json": {}, **JSON}}}, "application/json", []),
        ({"200": {"content": {**JSON, "Text/Plain; charset=utf-8": {}}}}, "application/json", ["json", "text"]),
        ({"200": {"content": {"text/csv": {}}}}, "text/csv", ["text"]),
        ({"200": {"content": {"image/png": {}, "image/webp": {}}}}, "image/png, image/webp", ["bytes", "bytes"]),
        ({"200": {"content": {"*/*": {}}}}, "*/*", ["any"]),
        ({"200": {"content": {"*/*": {"schema": {"type": "string"}}}}}, "*/*", ["any"]),
        ({"200": {"content": {"*/*": {"schema": {"type": "object"}}}}}, "application/json", []),
        ({"200": {"content": PDF}, "202": {"content": JSON}}, "application/pdf, application/json", ["bytes", "json"]),
        ({"200": {"content": {**JSON, "text/event-stream": {}}}}, "application/json", ["json", "events"]),
        ({"200": {"content": {"audio/mpeg": {}, "text/event-stream": {}}}}, "audio/mpeg", ["bytes", "events"]),
        ({"200": {"content": {"text/event-stream": {}}}}, "text/event-stream", ["events"]),
        ({"200": {"content": {"application/x-ndjson": {}}}}, "application/x-ndjson", ["lines"]),
        ({"200": {"content": {**JSON, "application/json;stream=watch": {}}}}, "application/json", ["json", "lines"]),
        ({"2XX": {"content": PDF}, "404": {"content": {"text/html": {}}}}, "application/pdf", ["bytes"]),
        ({"default": {"content": PDF}, "404": {"content": JSON}}, "application/pdf", ["bytes"]),
        ({"204": {}, "default": {"content": PDF}}, "application/json", []),
        ({"302": {"description": "there"}}, "*/*", ["any"]),
        ({"200": {"content": PDF}, "302": {"description": "there"}}, "application/pdf", ["bytes"]),
        ({"204": {}, "302": {}}, "application/json", []),
        ({}, "application/json, */*;q=0.5", ["any"]),
        ({"404": {"content": JSON}}, "application/json, */*;q=0.5", ["any"]),
        ({"205": {}}, "application/json", []),
    ],
)
def test_what_is_declared_is_accepted(responses: dict[str, Any], accept: str, kinds: list[str]) -> None:
    """JSON where a response offers it, else all that it offers; streams only where there is nothing else."""
    operation = described(responses)
    assert (operation.accept, [kind.kind for kind in operation.media]) == (accept, kinds)


@pytest.mark.parametrize(
    ("name", "schema", "kind"),
    [
        ("application/problem+json", {}, "json"),
        ("text/json", {}, "json"),
        ("application/jsonl", {}, "lines"),
        ("application/stream+json", {}, "lines"),
        ("application/xml", {}, "text"),
        ("image/svg+xml", {}, "text"),
        ("application/x-yaml", {}, "text"),
        ("application/vnd.acme.diff", {"type": "string"}, "text"),
        ("application/vnd.acme.dump", {"type": "string", "format": "binary"}, "bytes"),
        ("application/vnd.acme.object", OBJECT, "json"),
        ("application/vnd.acme.protobuf", OBJECT, "bytes"),
        ("application/octet-stream", {"type": "string"}, "bytes"),
        ("audio/*", {}, "bytes"),
        ("text/*", {}, "text"),
        ("application/*", {}, "any"),
        ("odd", {}, "bytes"),
    ],
)
def test_a_type_is_read_by_its_name_and_else_by_its_schema(name: str, schema: dict[str, Any], kind: str) -> None:
    """A vendor's own name says nothing, but its schema does."""
    assert classify(name, schema).kind == kind


@pytest.mark.parametrize(
    ("responses", "redirects"),
    [
        ({"302": {}}, True),
        ({"200": {"content": PDF}, "302": {}}, True),
        ({"200": {"content": JSON}, "301": {}}, False),
        ({"200": {}, "304": {}}, False),
    ],
)
def test_a_redirect_leads_to_a_file_where_nothing_else_is_returned(responses: Any, *, redirects: bool) -> None:
    """A moved resource in JSON is not a file; only a GET is followed elsewhere."""
    assert described(responses).redirects is redirects
    assert described(responses, "post").redirects is False


def test_a_file_of_any_type_is_a_file() -> None:
    """`application/octet-stream` of a GET may even be a web page; that of a POST may not, nor JSON beside it."""
    octets: Any = {"200": {"content": {"application/octet-stream": {}}}}
    assert [kind.name for kind in described(octets).media] == ["application/octet-stream", "*/*"]
    assert len(described(octets, "post").media) == 1
    octets["200"]["content"] |= JSON
    assert len(described(octets).media) == 2


@pytest.mark.parametrize(
    ("responses", "schema"),
    [
        ({"200": {"content": JSON}, "201": {"content": JSON}}, OBJECT),
        ({"200": {"content": JSON}, "202": {"content": {"application/json": {"schema": OTHER}}}}, [OBJECT, OTHER]),
        ({"200": {"content": PDF}, "202": {"content": JSON}}, OBJECT),
        ({"200": {"content": {"application/json": {}}}, "201": {"content": JSON}}, OBJECT),
        ({"200": {"content": PDF}}, {}),
    ],
)
def test_several_successes_are_a_union(responses: dict[str, Any], schema: Any) -> None:
    """The result may be that of any of them."""
    assert described(responses).response_schema == ({"anyOf": schema} if isinstance(schema, list) else schema)
