# SPDX-License-Identifier: Apache-2.0
"""Swagger 2.0 is read as if it had been written as OpenAPI 3."""

from __future__ import annotations

from typing import Any

import pytest

from callwell.description import openapi
from callwell.description.documents.swagger import translate
from callwell.description.references import COMPONENT_NAME_KEY

SWAGGER: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "Old", "version": "1"},
    "host": "old.test",
    "basePath": "/v1",
    "schemes": ["https", "http"],
    "consumes": ["application/json"],
    "produces": ["application/json"],
    "parameters": {
        "Page": {"name": "page", "in": "query", "type": "integer", "minimum": 1},
        "New": {"name": "new", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Thing"}},
    },
    "responses": {
        "Things": {"description": "All.", "schema": {"type": "array", "items": {"$ref": "#/definitions/Thing"}}}
    },
    "definitions": {
        "Thing": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string", "x-nullable": True}, "parent": {"$ref": "#/definitions/Thing"}},
        }
    },
    "paths": {
        "/things": {
            "get": {
                "operationId": "listThings",
                "parameters": [
                    {"$ref": "#/parameters/Page"},
                    {"name": "ids", "in": "query", "type": "array", "items": {"type": "string"}},
                    {"name": "tags", "in": "query", "type": "array", "items": {}, "collectionFormat": "multi"},
                ],
                "responses": {"200": {"$ref": "#/responses/Things"}},
            },
            "post": {
                "operationId": "createThing",
                "parameters": [{"$ref": "#/parameters/New"}],
                "responses": {"201": {"description": "Made.", "schema": {"$ref": "#/definitions/Thing"}}},
            },
        },
        "/things/{id}/picture": {
            "parameters": [{"name": "id", "in": "path", "required": True, "type": "string"}],
            "put": {
                "operationId": "setPicture",
                "consumes": ["multipart/form-data"],
                "parameters": [
                    {"name": "file", "in": "formData", "type": "file", "required": True},
                    {"name": "title", "in": "formData", "type": "string", "description": "Its title."},
                ],
                "responses": {"204": {"description": "Done."}},
            },
        },
    },
}


def test_operations() -> None:
    """Parameters, bodies, forms and responses are where OpenAPI 3 has them."""
    api = openapi.read(SWAGGER)
    assert api.left_out == ()
    listing = api.operations["things.list"]
    assert [(parameter.name, parameter.explode) for parameter in listing.parameters] == [
        ("page", None),
        ("ids", False),
        ("tags", True),
    ]
    assert listing.parameters[0].schema == {"type": "integer", "minimum": 1}
    thing = listing.response_schema["items"]
    assert thing["title"] == "Thing"
    assert thing["properties"]["parent"] == {"title": "Thing", COMPONENT_NAME_KEY: "Thing"}
    assert thing["properties"]["name"]["nullable"]
    creating = api.operations["things.create"]
    assert [(parameter.name, parameter.location, parameter.required) for parameter in creating.parameters] == [
        ("name", "body", True),
        ("parent", "body", False),
    ]
    picture = api.operations["things.set_picture"]
    assert [body.kind for body in picture.bodies] == ["multipart"]
    assert [(parameter.name, parameter.location, parameter.required) for parameter in picture.parameters] == [
        ("id", "path", True),
        ("file", "body", True),
        ("title", "body", False),
    ]
    assert picture.parameters[1].schema["format"] == "binary"


def test_servers() -> None:
    """Host, base path and schemes make addresses."""
    assert translate(SWAGGER)["servers"] == [{"url": "https://old.test/v1"}, {"url": "http://old.test/v1"}]
    assert translate({"swagger": "2.0", "basePath": "/v1"})["servers"] == [{"url": "/v1"}]
    assert translate({"swagger": "2.0"})["servers"] == []


@pytest.mark.parametrize(
    ("parameter", "reason"),
    [
        ({"name": "q", "in": "query", "type": "array", "items": {}, "collectionFormat": "no"}, "found 'unknown'"),
        ({"$ref": "#/parameters/No"}, "a reference to something that exists"),
        (3, "expected an object, found 3"),
    ],
)
def test_what_cannot_be_sent_is_left_out(parameter: object, reason: str) -> None:
    """The reason is the one that OpenAPI 3 would give."""
    operation = {"operationId": "x.y", "parameters": [parameter], "responses": {}}
    api = openapi.read({**SWAGGER, "paths": {**SWAGGER["paths"], "/x": {"post": operation}}})
    assert [item.operation for item in api.left_out] == ["x.y"]
    assert reason in api.left_out[0].reason


@pytest.mark.parametrize(
    "paths",
    [{"/x": 3}, {"/x": {"get": 3}}, {"/x": {"get": {"responses": 3}}}, {"/x": {"parameters": 3, "get": {}}}, {}],
)
def test_broken_documents(paths: dict[str, Any]) -> None:
    """Nothing in a document makes the translation fail."""
    assert not openapi.read({**SWAGGER, "paths": paths}).operations
