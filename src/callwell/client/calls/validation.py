# SPDX-License-Identifier: Apache-2.0
"""Whether a value is what a JSON schema takes, and what it takes in words: mistakes are found before anything is sent.

A file is bytes, the path of one, or a piece of one. What is in an object is looked at as well, as far as the schema
says what is.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from callwell.client.uploads.piece_reader import PieceReader
from callwell.description.schemas import is_nullable
from callwell.errors import InvalidOption, UnknownName

SCALARS: Final[dict[str, tuple[type | tuple[type, ...], str]]] = {
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
    "number": ((int, float, Decimal), "a number"),
    "boolean": (bool, "True or False"),
}

PLAIN_KEYWORDS: Final = frozenset({"type", "minLength", "nullable", "title", "description", "default", "example"})
"""Keys of schemas that leave nothing to be looked at but the type."""

SURROGATES: Final = re.compile("[\ud800-\udfff]")
"""Halves of characters, which no wire can carry."""


def describe_schema(schema: Mapping[str, Any]) -> str:
    """What a schema takes, as a noun phrase."""
    if values := schema.get("enum"):
        return "one of " + ", ".join(map(str, values))
    types = [kind for kind in _types(schema) if kind != "null"]
    kind = types[0] if types else ""
    if kind == "array":
        most = schema.get("maxItems")
        return f"a list{f' of at most {most}' if most else ''}, each {describe_schema(schema.get('items', {}))}"
    if kind == "object":
        return f"a mapping with {', '.join(known)}" if (known := schema.get("properties")) else "a mapping of texts"
    if is_file_schema(schema):
        return f"a file{_bounds(schema, 'bytes')}, as its path or its bytes"
    words = SCALARS[kind][1] if kind in SCALARS else "a value"
    low = schema.get("minimum")
    high = schema.get("maximum")
    if low is not None and high is not None:
        return f"{words} from {low} to {high}"
    return f"{words}{_bounds(schema, 'characters')}"


def check_value(name: str, schema: Mapping[str, Any], value: object) -> None:
    """See that a value is what a schema takes.

    Raises:
        InvalidOption: it is not.
        UnknownName: an object has a field that the schema does not know.
    """
    types = _types(schema)
    if value is None and (is_nullable(schema) or not types):
        return
    if not any(_fits(kind, schema, value) for kind in types if kind != "null") and types:
        raise InvalidOption(name, value, describe_schema(schema))
    if "enum" in schema and not any(one == value and _is_bool(one) == _is_bool(value) for one in schema["enum"]):
        raise InvalidOption(name, value, describe_schema(schema))
    if isinstance(value, Mapping):
        _check_fields(name, schema, value)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        for item in value:
            check_value(name, schema.get("items", {}), item)


def plain_type(schema: Mapping[str, Any]) -> type | None:
    """A type whose values all are what a schema takes, if texts have a character and all of them are ASCII."""
    kind = schema.get("type")
    if not isinstance(kind, str) or not PLAIN_KEYWORDS.issuperset(schema) or schema.get("minLength", 0) > 1:
        return None
    return {"string": str, "integer": int, "boolean": bool}.get(kind)


def is_file_schema(schema: Mapping[str, Any]) -> bool:
    """Whether a schema takes a file."""
    return schema.get("format") == "binary" and schema.get("type") == "string"


def _check_fields(name: str, schema: Mapping[str, Any], value: Mapping[str, object]) -> None:
    known = schema.get("properties", {})
    extra = schema.get("additionalProperties", not known)
    for key, inner in value.items():
        if key not in known and extra is False:
            raise UnknownName("field", key, known, where=name)
        within = known.get(key, extra)
        check_value(f"{name}.{key}", within if isinstance(within, Mapping) else {}, inner)
    for key in schema.get("required", ()):
        if key not in value:
            raise InvalidOption(f"{name}.{key}", None, describe_schema(known.get(key, {})))


def _types(schema: Mapping[str, Any]) -> list[str]:
    found = schema.get("type", [])
    types = [found] if isinstance(found, str) else list(found)
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        types += _types(option)
    return types


def _fits(kind: str, schema: Mapping[str, Any], value: object) -> bool:
    if kind == "array":
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            return False
        return len(value) <= int(schema.get("maxItems", len(value)))
    if kind == "object":
        return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    if kind == "string" and is_file_schema(schema):
        return isinstance(value, bytes | bytearray | str | os.PathLike | PieceReader)
    if (
        kind not in SCALARS
        or not isinstance(value, SCALARS[kind][0])
        or (kind != "boolean" and isinstance(value, bool))
    ):
        return False
    if isinstance(value, str):
        shortest = schema.get("minLength", 0)
        longest = schema.get("maxLength", len(value))
        return shortest <= len(value) <= longest and not SURROGATES.search(value)
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        return False
    low = schema.get("minimum", value)
    high = schema.get("maximum", value)
    return bool(low <= value <= high) if isinstance(value, int | float | Decimal) else True


def _is_bool(value: object) -> bool:
    """Python takes True for 1, which JSON does not."""
    return isinstance(value, bool)


def _bounds(schema: Mapping[str, Any], unit: str) -> str:
    short = schema.get("minLength")
    long = schema.get("maxLength")
    if short and long:
        return f" of {short} to {long} {unit}"
    if long:
        return f" of at most {long} {unit}"
    return " that is not empty" if short else ""
