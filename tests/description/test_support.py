# SPDX-License-Identifier: Apache-2.0
"""What the client cannot send or read yet is left out with a reason, and all else of the document works."""

from __future__ import annotations

from typing import Any

import pytest

from callwell.description import catalog, openapi, support
from callwell.description.provider import Provider
from callwell.errors import UnknownName

TEXT: dict[str, Any] = {"type": "string"}
OBJECT: dict[str, Any] = {"type": "object", "properties": {"name": TEXT}}


def document(operation: dict[str, Any], **item: Any) -> dict[str, Any]:
    """A document with an operation that works and another one."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://one.test"}],
        "paths": {
            "/things": {"get": {"operationId": "things.list", "responses": {}}},
            "/others": {"post": {"operationId": "others.make", "responses": {}, **operation}, **item},
        },
    }


def body(media_type: str, schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    """An operation with a body."""
    return {"requestBody": {"required": required, "content": {media_type: {"schema": schema}}}}


def parameter(location: str = "query", **more: Any) -> dict[str, Any]:
    """An operation with a parameter."""
    return {"parameters": [{"name": "p", "in": location, "schema": TEXT, **more}]}


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (body("multipart/mixed", OBJECT), "expected a body that can be sent, found multipart/mixed"),
        ({"requestBody": {"required": True, "content": {}}}, "found nothing"),
        (parameter("body"), "expected path, query, header or cookie, found 'body'"),
        (parameter(style="matrix"), "spaceDelimited, pipeDelimited, tabDelimited or deepObject, found 'matrix'"),
    ],
)
def test_it_is_left_out(operation: dict[str, Any], reason: str) -> None:
    """The reason has the place and what was found; the other operation is there."""
    api = openapi.read(document(operation))
    [left_out] = api.left_out
    assert (left_out.operation, left_out.method, left_out.path) == ("others.make", "POST", "/others")
    assert reason in left_out.reason
    assert left_out.reason.startswith('paths."/others".post')
    assert list(api.operations) == ["things.list"]


@pytest.mark.parametrize(
    "operation",
    [
        body("application/json; charset=utf-8", OBJECT),
        body("multipart/form-data", OBJECT),
        body("*/*", {}, required=False),
        parameter("cookie"),
        {"parameters": [{"name": "p", "in": "query", "content": {"application/json": {}}}]},
        parameter(style="deepObject", schema=OBJECT),
        {"responses": {"200": {"content": {"text/csv": {}, "application/json": {}}}}},
        {"servers": [{"url": "https://one.test"}]},
        {"servers": []},
    ],
)
def test_it_works(operation: dict[str, Any]) -> None:
    """What the client can send and read is no reason."""
    api = openapi.read(document(operation))
    assert not api.left_out
    assert "others.make" in api.operations


def test_a_query_in_a_path() -> None:
    """It stays, and a fragment is not sent."""
    paths = document({})["paths"]
    paths["/others?beta=true"] = {"post": {"responses": {}, **parameter()}}
    paths["/more?beta=true"] = {"post": {"responses": {}}}
    paths["/token#refresh"] = {"post": {"operationId": "token.refresh", "responses": {}}}
    api = openapi.read({"openapi": "3.0.0", "paths": paths})
    assert not api.left_out
    assert api.operations["more.create"].path == "/more?beta=true"
    assert api.operations["token.refresh"].path == "/token"


def test_extensions_under_paths() -> None:
    """They are not paths."""
    paths = {"x-groups": ["a"], "x-note": "text", **document({})["paths"]}
    assert len(openapi.read({"openapi": "3.0.0", "paths": paths}).operations) == 2


def test_a_call_of_it_is_explained() -> None:
    """Who calls it by its name, or by the provider's name, reads why that is impossible and what to do."""
    bundled = catalog.load("userplane")
    operation = {"operationId": "makeOther", "tags": ["Others"], **parameter("body")}
    provider = Provider(name="t", profile=bundled.profile, api=openapi.read(document(operation)))
    for name in ("others.make", "makeOther"):
        with pytest.raises(UnknownName, match=r"client\.request\('POST', '/others'\).*found 'body'"):
            provider.operation(name)


@pytest.mark.parametrize("name", catalog.bundled_names())
def test_bundled_providers_leave_nothing_out(name: str) -> None:
    """An operation that cannot be typed is a mistake in a description of ours."""
    assert catalog.load(name).api.left_out == ()


def test_json_by_its_ending() -> None:
    """A type that ends in `+json` is JSON, also where a document leaves out what comes before the slash."""
    assert support.body_kind("domain-vnd.acme.v1+json", OBJECT) == ("json", 3)
    assert support.body_kind("domain-vnd.acme.v1", OBJECT) is None
