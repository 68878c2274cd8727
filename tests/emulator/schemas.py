# SPDX-License-Identifier: Apache-2.0
"""Responses checked against a description: what a response has that is not in its schema, and what it lacks."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import callwell.providers

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(callwell.providers.__file__).parent
KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


@cache
def description(provider: str) -> Any:
    """The whole document of a provider."""
    return json.loads((FOLDER / provider / "openapi.json").read_text("utf-8"))


def operations(provider: str) -> dict[tuple[str, str], Any]:
    """The operations by method and path."""
    paths = description(provider)["paths"]
    return {(method.upper(), path): about for path, methods in paths.items() for method, about in methods.items()}


def follow_reference(provider: str, schema: Any) -> Any:
    """What a reference leads to."""
    while "$ref" in schema:
        target = description(provider)
        for word in schema["$ref"].removeprefix("#/").split("/"):
            target = target[word]
        schema = target
    return schema


def complaints(provider: str, value: Any, schema: Any, where: str = "") -> Iterator[str]:
    """What is wrong with a value."""
    schema = follow_reference(provider, schema)
    if "anyOf" in schema:
        found = [list(complaints(provider, value, item, where)) for item in schema["anyOf"]]
        yield from min(found, key=len)
        return
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if value is None:
        if not (schema.get("nullable") or "null" in kinds or not kinds):
            yield f"{where} is null"
        return
    if kinds and not any(isinstance(value, KINDS[kind]) for kind in kinds if kind != "null"):
        yield f"{where} is {value!r}, no {kinds}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is {value!r}, none of {schema['enum']}"
    yield from _inner(provider, value, schema, where)


def _inner(provider: str, value: Any, schema: Any, where: str) -> Iterator[str]:
    """What is wrong inside a list or an object."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from complaints(provider, each, schema.get("items", {}), f"{where}[{number}]")
    if isinstance(value, dict) and "properties" in schema:
        yield from (f"{where}.{name} is missing" for name in set(schema.get("required", [])) - value.keys())
        for name, each in value.items():
            if name not in schema["properties"]:
                yield f"{where}.{name} is not described"
            else:
                yield from complaints(provider, each, schema["properties"][name], f"{where}.{name}")
