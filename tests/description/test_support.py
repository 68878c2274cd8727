# SPDX-License-Identifier: Apache-2.0
"""What the client cannot send or read yet is left out with a reason, and all else of the document works."""

from __future__ import annotations

from typing import Any

import pytest

from callwell.description import catalog, openapi
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
        (body("application/json", OBJECT, required=False), "expected a body that is required, found one that is"),
        (body("application/json", {"type": "array", "items": TEXT}), "an object with properties, found array"),
        (body("application/json", {"type": "object"}), "found an object without properties"),
        (body("application/json", {}), "found any value"),
        (body("application/json", {"oneOf": [OBJECT, TEXT]}), "found one of several types"),
        (body("application/merge-patch+json", OBJECT), "found application/merge-patch+json"),
        (body("application/x-www-form-urlencoded", OBJECT), "found application/x-www-form-urlencoded"),
        (body("*/*", OBJECT), "found */*"),
        ({"requestBody": {"required": True, "content": {}}}, "found nothing"),
        (parameter("cookie"), "expected path, query or header, found 'cookie'"),
        (parameter(style="pipeDelimited"), "expected form or deepObject, found 'pipeDelimited'"),
        (parameter(style="deepObject", schema={"type": "array", "items": TEXT}), "expected form for a list"),
        (parameter(allowReserved=True), "expected reserved characters to be escaped, found True"),
        ({"parameters": [{"name": "p", "in": "query", "content": {}}]}, "found a media type for the parameter"),
        ({"servers": [{"url": "https://files.test"}]}, "expected the servers of the document, found //files.test"),
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
    """It stays where no other is added to it. A fragment is not sent."""
    paths = document({})["paths"]
    paths["/others?beta=true"] = {"post": parameter()}
    paths["/more?beta=true"] = {"post": {"responses": {}}}
    paths["/token#refresh"] = {"post": {"operationId": "token.refresh", "responses": {}}}
    api = openapi.read({"openapi": "3.0.0", "paths": paths})
    assert [one.path for one in api.left_out] == ["/others?beta=true"]
    assert api.operations["more.create"].path == "/more?beta=true"
    assert api.operations["token.refresh"].path == "/token"


def test_extensions_under_paths() -> None:
    """They are no paths."""
    paths = {"x-groups": ["a"], "x-note": "text", **document({})["paths"]}
    assert len(openapi.read({"openapi": "3.0.0", "paths": paths}).operations) == 2


def test_a_call_of_it_is_explained() -> None:
    """Who calls it by its name, or by the provider's name, reads why that is impossible and what to do."""
    bundled = catalog.load("userplane")
    operation = {"operationId": "makeOther", "tags": ["Others"], **parameter("cookie")}
    provider = Provider(name="t", profile=bundled.profile, api=openapi.read(document(operation)))
    for name in ("others.make", "makeOther"):
        with pytest.raises(UnknownName, match=r"client\.request\('POST', '/others'\).*found 'cookie'"):
            provider.operation(name)


@pytest.mark.parametrize("name", catalog.bundled_names())
def test_bundled_providers_leave_nothing_out(name: str) -> None:
    """An operation that cannot be typed is a mistake in a description of ours."""
    assert catalog.load(name).api.left_out == ()
