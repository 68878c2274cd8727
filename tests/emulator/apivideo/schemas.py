# SPDX-License-Identifier: Apache-2.0
"""Answers held against the description: what an answer has that is not in its schema, and what it lacks."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import callwell.providers

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(callwell.providers.__file__).parent / "apivideo" / "openapi.json"
KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


@cache
def description() -> Any:
    """The whole document."""
    return json.loads(PAGE.read_text("utf-8"))


def operations() -> dict[tuple[str, str], Any]:
    """The operations by method and path."""
    paths = description()["paths"]
    return {(method.upper(), path): about for path, methods in paths.items() for method, about in methods.items()}


def resolved(schema: Any) -> Any:
    """What a reference leads to."""
    while "$ref" in schema:
        target = description()
        for word in schema["$ref"].removeprefix("#/").split("/"):
            target = target[word]
        schema = target
    return schema


def complaints(value: Any, schema: Any, where: str = "") -> Iterator[str]:
    """What is wrong with a value."""
    schema = resolved(schema)
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
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from complaints(each, schema.get("items", {}), f"{where}[{number}]")
    if isinstance(value, dict) and "properties" in schema:
        yield from (f"{where}.{name} is missing" for name in set(schema.get("required", [])) - value.keys())
        for name, each in value.items():
            if name not in schema["properties"]:
                yield f"{where}.{name} is not described"
            else:
                yield from complaints(each, schema["properties"][name], f"{where}.{name}")
