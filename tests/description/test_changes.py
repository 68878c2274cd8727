# SPDX-License-Identifier: Apache-2.0
"""What breaks callers in a newer document is distinguished from what it only adds."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from callwell.description.intake.changes import Change, find_changes
from callwell.description.intake.document import read_intake

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Shop", "version": "1"},
    "servers": [{"url": "https://shop.example"}],
    "components": {"securitySchemes": {"main": {"type": "http", "scheme": "bearer", "description": "a"}}},
    "paths": {
        "/things": {
            "get": {
                "operationId": "things.list",
                "parameters": [
                    {"name": "colour", "in": "query", "schema": {"type": "string", "enum": ["red", "blue"]}},
                    {"name": "size", "in": "query", "schema": {"type": "integer"}},
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {
                                        "things": {
                                            "type": "array",
                                            "items": {"type": "object", "properties": {"id": {"type": "integer"}}},
                                        },
                                        "total": {"type": "integer"},
                                    },
                                }
                            }
                        }
                    }
                },
            },
            "delete": {"operationId": "things.clear", "responses": {}},
        }
    },
}


def compare(mutate: Callable[[dict[str, Any]], object]) -> list[Change]:
    """The changes that are found after a mutation of the document."""
    new = copy.deepcopy(DOCUMENT)
    mutate(new)
    old_facts, new_facts = (
        read_intake(msgspec.json.encode(item), Path("shop.json"), without_siblings=True).facts
        for item in (DOCUMENT, new)
    )
    return find_changes(old_facts, new_facts)


def list_operation(document: dict[str, Any]) -> dict[str, Any]:
    """The list operation."""
    operation: dict[str, Any] = document["paths"]["/things"]["get"]
    return operation


def response_fields(document: dict[str, Any]) -> dict[str, Any]:
    """The fields of the response of the list operation."""
    content = list_operation(document)["responses"]["200"]["content"]["application/json"]
    found: dict[str, Any] = content["schema"]["properties"]
    return found


NEW_PARAMETER: dict[str, Any] = {"name": "page", "in": "query", "schema": {"type": "integer"}}
BREAKING: dict[str, Callable[[dict[str, Any]], object]] = {
    "it is gone": lambda new: new["paths"]["/things"].pop("delete"),
    "it is called things.wipe now": lambda new: new["paths"]["/things"]["delete"].update(operationId="things.wipe"),
    "the argument size is gone": lambda new: list_operation(new)["parameters"].pop(),
    "the argument page is new and required": lambda new: list_operation(new)["parameters"].append(
        {**NEW_PARAMETER, "required": True}
    ),
    "the argument size is required now": lambda new: list_operation(new)["parameters"][1].update(required=True),
    "the argument size is boolean, was integer": lambda new: list_operation(new)["parameters"][1].update(
        schema={"type": "boolean"}
    ),
    "the argument colour no longer takes blue": lambda new: list_operation(new)["parameters"][0]["schema"].update(
        enum=["red"]
    ),
    "the response's total is gone": lambda new: response_fields(new).pop("total"),
    "the response's total is string, was integer": lambda new: response_fields(new)["total"].update(type="string"),
    "the response's things[].id is gone": lambda new: response_fields(new)["things"]["items"].update(
        properties={"key": {}}
    ),
    "the server https://shop.example is gone": lambda new: new.update(servers=[]),
    "the security scheme main changed": lambda new: new["components"]["securitySchemes"]["main"].update(scheme="basic"),
}
HARMLESS: dict[str, Callable[[dict[str, Any]], object]] = {
    "it is new: GET /others": lambda new: new["paths"].update({"/others": {"get": {"responses": {}}}}),
    "the argument page is new": lambda new: list_operation(new)["parameters"].append(NEW_PARAMETER),
    "the argument size is integer or number, was integer": lambda new: list_operation(new)["parameters"][1].update(
        schema={"type": "number"}
    ),
    "the version is 2, was 1": lambda new: new["info"].update(version="2"),
    "the server https://eu.shop.example is new": lambda new: new["servers"].append({"url": "https://eu.shop.example"}),
}


@pytest.mark.parametrize("what", BREAKING)
def test_what_breaks(what: str) -> None:
    """Correct callers may fail after the change."""
    found = compare(BREAKING[what])
    assert what in [item.what for item in found if item.breaking]
    assert found == sorted(found, key=lambda item: not item.breaking)


@pytest.mark.parametrize("what", HARMLESS)
def test_what_does_not_break(what: str) -> None:
    """Correct callers stay correct."""
    assert [(item.what, item.breaking) for item in compare(HARMLESS[what])] == [(what, False)]


def test_nothing_changed() -> None:
    """New descriptions and additional response fields are not reported."""
    assert compare(lambda new: new["components"]["securitySchemes"]["main"].update(description="b")) == []
    assert compare(lambda new: response_fields(new).update(more={"type": "string"})) == []


def test_an_operation_that_can_no_longer_be_called() -> None:
    """The change names the reason for which the operation is left out."""
    [found] = compare(lambda new: list_operation(new).update(parameters=[{"name": "a", "in": "nowhere"}]))
    assert found.what.startswith("it can no longer be called: paths")
