# SPDX-License-Identifier: Apache-2.0
"""References lead anywhere in the document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell.description import openapi
from callwell.description.schemas import alternatives

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT: dict[str, Any] = {"type": "string"}
PATHS: dict[str, Any] = {
    "/a/{b~c}": {
        "get": {
            "operationId": "first.get",
            "parameters": [
                {"name": "b~c", "in": "path", "required": True, "schema": TEXT},
                {"name": "q", "in": "query", "schema": {"anyOf": [TEXT, {"type": "integer"}]}},
            ],
            "responses": {"200": {"content": {"application/json": {"schema": {"type": "object", "title": "One"}}}}},
        }
    }
}


def test_operations_and_properties_may_be_references() -> None:
    """Documents in many files have one for each operation."""
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "paths": {"/a": {"get": {"$ref": "#/x-operations/read"}}},
        "x-operations": {
            "read": {"operationId": "a.read", "responses": {"200": {"content": {"application/json": {}}}}}
        },
    }
    content = document["x-operations"]["read"]["responses"]["200"]["content"]
    content["application/json"] = {"schema": {"properties": {"$ref": "#/x-fields"}}}
    document["x-fields"] = {"a": TEXT}
    api = openapi.read(document)
    assert api.operations["a.read"].response_schema["properties"] == {"a": TEXT}
    document["paths"]["/a"]["get"]["$ref"] = "#/x-operations/gone"
    assert "x-operations/gone" in openapi.read(document).left_out[0].reason


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("#/paths/~1a~1%7Bb~0c%7D/get/parameters/1", "q"),
        ("#/paths/~1a~1{b~0c}/get/parameters/1", "q"),
        ("#/components/parameters/A%20name%2Fwith~1", "slash"),
    ],
)
def test_parameters(reference: str, found: str) -> None:
    """Into lists and other paths, with the escapes of JSON Pointer and of URLs."""
    document = {
        "openapi": "3.0.0",
        "paths": {
            **PATHS,
            "/x": {"get": {"operationId": "x.get", "parameters": [{"$ref": reference}], "responses": {}}},
        },
        "components": {"parameters": {"A name/with/": {"name": "slash", "in": "query"}}},
    }
    assert [parameter.name for parameter in openapi.read(document).operations["x.get"].parameters] == [found]


@pytest.mark.parametrize(
    ("reference", "schema"),
    [
        ("#/paths/~1a~1%7Bb~0c%7D/get/parameters/1/schema/anyOf/1", {"type": "integer"}),
        (
            "#/paths/~1a~1%7Bb~0c%7D/get/responses/200/content/application~1json/schema",
            {"type": "object", "title": "One"},
        ),
    ],
)
def test_schemas(reference: str, schema: dict[str, Any]) -> None:
    """A schema anywhere in the document can be referred to."""
    response = {"content": {"application/json": {"schema": {"$ref": reference}}}}
    document = {
        "openapi": "3.0.0",
        "paths": {**PATHS, "/x": {"get": {"operationId": "x.get", "responses": {"200": response}}}},
    }
    assert openapi.read(document).operations["x.get"].response_schema == schema


@pytest.mark.parametrize("reference", ["#/paths/2", "#/a/9", "#/a/01", "#/a/-1", "#/a/x", "x.json", "#", "", 3])
def test_references_that_lead_nowhere(reference: object) -> None:
    """The operation is left out, and the reason has the place."""
    operation = {"operationId": "x.get", "parameters": [{"$ref": reference}], "responses": {}}
    api = openapi.read({"openapi": "3.0.0", "a": [1], "paths": {**PATHS, "/x": {"get": operation}}})
    assert list(api.operations) == ["first.get"]
    assert 'paths."/x".get.parameters.0."$ref"' in api.left_out[0].reason


def test_recursive_schemas() -> None:
    """A circle ends, whether it goes through properties, lists, unions or nothing at all."""
    schemas: dict[str, Any] = {
        "Tree": {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/c/s/Tree"}}}},
        "Loop": {"$ref": "#/c/s/Loop"},
        "All": {"allOf": [{"$ref": "#/c/s/All"}, {"properties": {"a": TEXT}}]},
        "Ping": {"anyOf": [TEXT, {"$ref": "#/c/s/Pong"}]},
        "Pong": {"oneOf": [{"$ref": "#/c/s/Ping"}]},
    }
    paths = {
        f"/{name}": {
            "get": {
                "operationId": f"{name.lower()}.get",
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": f"#/c/s/{name}"}}}}},
            }
        }
        for name in schemas
    }
    api = openapi.read({"openapi": "3.1.0", "paths": paths, "c": {"s": schemas}})
    assert api.left_out == ()
    assert api.operations["all.get"].response_schema["properties"] == {"a": TEXT}


def resolve(schema: dict[str, Any], **components: Any) -> Mapping[str, Any]:
    """A schema without references, as the operations of a document have it."""
    paths = {"/x": {"get": {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}}}
    api = openapi.read({"openapi": "3.1.0", "paths": paths, "components": {"schemas": components}})
    [operation] = api.operations.values()
    return operation.response_schema


def test_alternatives_have_the_properties_beside_them() -> None:
    """Each is complete, and the whole has the properties of all. The cut end of a circle stays as it is."""
    cat = {"properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}, "required": ["lives"]}
    dog = {"properties": {"kind": {"const": "dog"}, "parent": {"$ref": "#/components/schemas/Pet"}}}
    pet = {
        "type": "object",
        "properties": {"name": TEXT},
        "required": ["name"],
        "oneOf": [cat, dog, {"$ref": "#/components/schemas/Pet"}, {"type": "null"}],
    }
    found = resolve({"$ref": "#/components/schemas/Pet"}, Pet=pet)
    assert [sorted(part.get("properties", ())) for part in found["oneOf"]] == [
        ["kind", "lives", "name"],
        ["kind", "name", "parent"],
        [],
        [],
    ]
    assert found["oneOf"][0]["required"] == ["name", "lives"]
    assert found["properties"]["kind"] == {"anyOf": [{"const": "cat"}, {"const": "dog"}]}
    assert (sorted(found["properties"]), found["required"]) == (["kind", "lives", "name", "parent"], ["name"])


def test_alternatives_that_only_restrict_stay() -> None:
    """One of two fields is demanded: the object is the same."""
    schema = {"properties": {"a": TEXT, "b": TEXT}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    assert resolve(schema) == schema
    assert alternatives(schema) == [schema]


@pytest.mark.parametrize("key", ["$defs", "definitions"])
def test_definitions_of_a_schema(key: str) -> None:
    """A schema that a generator pasted in refers to its own definitions as if it was the document."""
    inner = {"type": "array", "items": {"$ref": f"#/{key}/Role"}}
    assert resolve({"properties": {"roles": inner}, key: {"Role": TEXT}})["properties"]["roles"]["items"] == TEXT


def test_a_list_of_items_without_a_type_is_a_union() -> None:
    """Swagger 2.0 has no `anyOf`; the items of a tuple are one of several."""
    assert resolve({"items": [TEXT, {"type": "integer"}]}) == {"anyOf": [TEXT, {"type": "integer"}]}
    assert resolve({"type": "array", "prefixItems": [TEXT, TEXT]})["items"] == TEXT


@pytest.mark.parametrize(
    ("items", "resolved"), [([TEXT, {"type": "integer"}], {"anyOf": [TEXT, {"type": "integer"}]}), ([], {}), (True, {})]
)
def test_items_are_one_schema(items: object, resolved: dict[str, Any]) -> None:
    """A list of schemas for items, which JSON Schema once had, becomes one schema."""
    response = {"content": {"application/json": {"schema": {"type": "array", "items": items}}}}
    document = {"openapi": "3.0.0", "paths": {"/x": {"get": {"operationId": "x.get", "responses": {"200": response}}}}}
    assert openapi.read(document).operations["x.get"].response_schema["items"] == resolved


def test_a_schema_that_cannot_be_read_is_left_out_everywhere() -> None:
    """Each operation that needs it has the reason, not only the first."""
    answer = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Broken"}}}}}
    document = {
        "openapi": "3.0.0",
        "paths": {path: {"get": {"responses": answer}} for path in ("/a", "/b")},
        "components": {"schemas": {"Broken": {"properties": {"a": 5}}}},
    }
    api = openapi.read(document)
    assert [item.path for item in api.left_out] == ["/a", "/b"]


@pytest.mark.parametrize("by_reference", [False, True])
def test_too_many_levels(*, by_reference: bool) -> None:
    """An operation with schemas that are nested without end is left out, and the others are there."""
    deep: dict[str, Any] = {"type": "string"}
    schemas: dict[str, Any] = {"T0": deep}
    for level in range(1, 2000):
        deep = {"items": deep}
        schemas[f"T{level}"] = {"items": {"$ref": f"#/components/schemas/T{level - 1}"}}
    schema = {"$ref": "#/components/schemas/T1999"} if by_reference else deep
    answer = {"200": {"content": {"application/json": {"schema": schema}}}}
    paths: dict[str, Any] = {"/deep": {"get": {"responses": answer}}, "/a": {"get": {"responses": {}}}}
    api = openapi.read({"openapi": "3.0.0", "paths": paths, "components": {"schemas": schemas}})
    assert [operation.path for operation in api.operations.values()] == ["/a"]
    assert "at most 150 levels" in api.left_out[0].reason


@pytest.mark.parametrize(
    ("content", "format_name"),
    [
        ({"contentMediaType": "application/octet-stream"}, "binary"),
        ({"contentMediaType": "image/png"}, "binary"),
        ({"contentMediaType": "image/png", "contentEncoding": "base64"}, None),
        ({"contentMediaType": "application/json"}, None),
    ],
)
def test_files_of_openapi_3_1(content: dict[str, Any], format_name: str | None) -> None:
    """A field of a form that is called bytes by its media type is a file."""
    form = {"multipart/form-data": {"schema": {"type": "object", "properties": {"file": {**TEXT, **content}}}}}
    paths = {"/a": {"post": {"requestBody": {"content": form}, "responses": {"204": {}}}}}
    api = openapi.read({"openapi": "3.1.0", "paths": paths})
    assert next(iter(api.operations.values())).parameters[0].schema.get("format") == format_name
