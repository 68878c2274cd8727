# SPDX-License-Identifier: Apache-2.0
"""Checks values against JSON schemas before anything is sent, and describes schemas for messages.

A file is bytes, a path or a piece of a file. The members of objects and lists are checked too, as far as the schema
describes them.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from callwell.client.uploads.piece_reader import PieceReader
from callwell.description.schemas import alternatives, is_file, is_nullable, required_names, stated_value, type_names
from callwell.errors import InvalidOption, UnknownName

SCALAR_TYPES: Final[dict[str, tuple[type | tuple[type, ...], str]]] = {
    "string": (str, "a string"),
    "integer": (int, "a whole number"),
    "number": ((int, float, Decimal), "a number"),
    "boolean": (bool, "True or False"),
}

TEXT_OR_BYTES: Final = (str, bytes, bytearray, memoryview)
"""Sequences of Python that are no arrays of JSON."""

MAX_NAMED: Final = 4
"""Alternatives that a message names: some unions have dozens."""

PLAIN_KEYWORDS: Final = frozenset({"type", "minLength", "nullable", "title", "description", "default", "example"})
"""Keywords of a schema that need no check beyond the type, see `plain_type`."""

SURROGATES: Final = re.compile("[\ud800-\udfff]")
"""Unpaired surrogates, which UTF-8 cannot encode."""


def describe_schema(schema: Mapping[str, Any]) -> str:
    """What a schema accepts, as a noun phrase."""
    if values := schema.get("enum"):
        return "one of " + ", ".join(map(str, values))
    if not schema.get("type") and (parts := [part for part in alternatives(schema) if part != schema]):
        stated = [part for part in parts if part.get("type") != "null"]
        return _join_alternatives([describe_schema(part) for part in stated or [{}]])
    kinds = type_names(schema)
    if len(kinds) > 1:
        return _join_alternatives([describe_schema({**schema, "type": kind}) for kind in kinds])
    types = [kind for kind in _declared_types(schema) if kind != "null"]
    kind = types[0] if types else ""
    if kind == "array":
        limit = schema.get("maxItems")
        bound = f" of at most {limit}" if limit else ""
        return f"a list{bound}, each {describe_schema(schema.get('items', {}))}"
    if kind == "object":
        return f"a mapping with {', '.join(known)}" if (known := schema.get("properties")) else "a mapping of strings"
    if is_file(schema):
        return f"a file{_bounds(schema, 'bytes')}, as its path or its bytes"
    words = SCALAR_TYPES[kind][1] if kind in SCALAR_TYPES else "a value"
    minimum = schema.get("minimum")
    maximum = schema.get("maximum")
    if minimum is not None and maximum is not None:
        return f"{words} from {minimum} to {maximum}"
    if minimum is not None:
        return f"{words} of at least {minimum}"
    if maximum is not None:
        return f"{words} of at most {maximum}"
    return f"{words}{_bounds(schema, 'characters')}"


def _join_alternatives(phrases: Sequence[str]) -> str:
    """One noun phrase for all: with commas if a phrase has one itself."""
    different = list(dict.fromkeys(phrases))
    if len(different) > MAX_NAMED:
        different = [*different[: MAX_NAMED - 1], "another form"]
    return (", or " if "," in "".join(different) else " or ").join(different)


def check_value(name: str, schema: Mapping[str, Any], value: object) -> None:
    """Check a value against a schema.

    Raises:
        InvalidOption: the schema does not accept it.
        UnknownName: an object has a field that the schema does not have.
    """
    parts = [schema] if schema.get("type") else alternatives(schema)
    if value is None and (is_nullable(schema) or not all(map(type_names, parts))):
        return
    if not any(_fits_part(part, value) for part in parts):
        raise InvalidOption(name, value, describe_schema(schema))
    if schema.get("enum") and not _is_in_enumeration(schema, value):
        raise InvalidOption(name, value, describe_schema(schema))
    if isinstance(value, Mapping):
        _check_fields(name, schema, value)
    elif isinstance(value, Sequence) and not isinstance(value, TEXT_OR_BYTES):
        for item in value:
            check_value(name, schema.get("items", {}), item)


def plain_type(schema: Mapping[str, Any]) -> type | None:
    """The only type that a schema requires, assuming non-empty ASCII strings; None if it requires more."""
    kind = schema.get("type")
    if not isinstance(kind, str) or not PLAIN_KEYWORDS.issuperset(schema) or schema.get("minLength", 0) > 1:
        return None
    return {"string": str, "integer": int, "boolean": bool}.get(kind)


def is_file_value(value: object) -> bool:
    """Whether a value is a file, regardless of its schema: bytes, a path object, an open file, an iterator."""
    is_file_type = isinstance(value, bytes | bytearray | memoryview | os.PathLike | PieceReader | Iterator)
    return is_file_type or (hasattr(value, "read") and not isinstance(value, type))


def _is_in_enumeration(schema: Mapping[str, Any], value: object) -> bool:
    """Whether a value is in its schema's enumeration; True if no member has the schema's type."""
    members = [stated_value(schema, member) for member in schema["enum"]]
    known = [member for member in members if member is not None]
    return not known or any(member == value and _is_bool(member) == _is_bool(value) for member in known)


def _check_fields(name: str, schema: Mapping[str, Any], value: Mapping[str, object]) -> None:
    known = schema.get("properties", {})
    for key, inner in value.items():
        for field_schema in _field_schemas(schema, key):
            if field_schema is False and key not in known:
                raise UnknownName("field", key, known, owner=name)
            check_value(f"{name}.{key}", field_schema if isinstance(field_schema, Mapping) else {}, inner)
    for key in required_names(schema):
        if key not in value and not known.get(key, {}).get("readOnly"):
            raise InvalidOption(f"{name}.{key}", None, describe_schema(known.get(key, {})))


def _field_schemas(schema: Mapping[str, Any], key: str) -> list[Any]:
    """The schemas that a field must fit: those of its name and of matching patterns, or of additional properties."""
    known = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    found = [known[key]] if key in known else []
    found += [field_schema for pattern, field_schema in patterns.items() if _matches(pattern, key)]
    return found or [schema.get("additionalProperties")]


def _matches(pattern: str, key: str) -> bool:
    """Whether a pattern of ECMA-262 matches; True if `re` cannot read it, so that the provider decides."""
    try:
        return re.search(pattern, key) is not None
    except re.error:
        return True


def _fits_part(schema: Mapping[str, Any], value: object) -> bool:
    """Whether a schema without alternatives accepts a value, by its type and bounds."""
    if is_file(schema):
        return is_file_value(value) or isinstance(value, str)
    kinds = type_names(schema)
    nested = schema.get("anyOf") or schema.get("oneOf")
    if not kinds and nested:
        return any(_fits_part(part, value) for part in nested)
    return not kinds or any(_fits(kind, schema, value) for kind in kinds)


def _declared_types(schema: Mapping[str, Any]) -> list[str]:
    declared = schema.get("type", [])
    types = [declared] if isinstance(declared, str) else list(declared)
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        types += _declared_types(option)
    return types


def _fits(kind: str, schema: Mapping[str, Any], value: object) -> bool:
    if kind == "array":
        if not isinstance(value, Sequence) or isinstance(value, TEXT_OR_BYTES):
            return False
        return len(value) <= int(schema.get("maxItems", len(value)))
    if kind == "object":
        return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    if (
        kind not in SCALAR_TYPES
        or not isinstance(value, SCALAR_TYPES[kind][0])
        or (kind != "boolean" and isinstance(value, bool))
    ):
        return False
    if isinstance(value, str):
        min_length = schema.get("minLength", 0)
        max_length = schema.get("maxLength", len(value))
        return min_length <= len(value) <= max_length and not SURROGATES.search(value)
    if not isinstance(value, int | float | Decimal):
        return True
    if not isinstance(value, int) and not math.isfinite(value):  # an integer may be too large for `isfinite`
        return False
    minimum = schema.get("minimum", value)
    maximum = schema.get("maximum", value)
    return bool(minimum <= value <= maximum)


def _is_bool(value: object) -> bool:
    """Whether a value is True or False: in Python `True == 1`, in JSON they differ."""
    return isinstance(value, bool)


def _bounds(schema: Mapping[str, Any], unit: str) -> str:
    minimum = schema.get("minLength")
    maximum = schema.get("maxLength")
    if minimum and maximum:
        return f" of {minimum} to {maximum} {unit}"
    if maximum:
        return f" of at most {maximum} {unit}"
    if minimum and minimum > 1:
        return f" of at least {minimum} {unit}"
    return " that is not empty" if minimum else ""
