# SPDX-License-Identifier: Apache-2.0
"""Queries on JSON schemas without references, as `references` returns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]


def alternatives(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of `anyOf` or `oneOf`, without null; the schema itself if it has neither, or they only restrict it."""
    parts = schema.get("anyOf") or schema.get("oneOf")
    if not parts or ("properties" in schema and not any("properties" in part for part in parts)):
        return [schema]
    return [part for part in parts if part.get("type") != "null"]


def is_nullable(schema: Mapping[str, Any]) -> bool:
    """Whether null is allowed: by `nullable` in OpenAPI 3.0, by the type `null` in 3.1."""
    kind = schema.get("type")
    return (
        bool(schema.get("nullable"))
        or kind == "null"
        or (isinstance(kind, list) and "null" in kind)
        or any(is_nullable(part) for key in ("anyOf", "oneOf") for part in schema.get(key, ()))
    )


def type_names(schema: Mapping[str, Any]) -> list[str]:
    """The JSON types of a schema, without null.

    A schema without a type is an object if it has properties, and an array if it has items.
    """
    kind = schema.get("type")
    if kind is None and "properties" in schema:
        return ["object"]
    if kind is None and "items" in schema:
        return ["array"]
    if kind is None:
        return []
    kinds = kind if isinstance(kind, list) else [kind]
    return [name for name in kinds if isinstance(name, str) and name != "null"]


def value_types(schema: Mapping[str, Any]) -> set[str]:
    """The JSON types of all alternatives of a schema, without null; empty if it does not restrict the type."""
    return {kind for part in alternatives(schema) for kind in type_names(part)}


def required_names(schema: Mapping[str, Any]) -> list[str]:
    """The properties that a schema requires. Some documents have `required: true`, as in early JSON Schema drafts."""
    names = schema.get("required")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list | tuple) else []


def stated_value(schema: Mapping[str, Any], value: object) -> Any:
    """Convert a default or a member of an enumeration to the type of the schema.

    Documents also write `"10"` for a number, and 10 for a string.

    Args:
        schema: the schema.
        value: the value in the document.

    Returns:
        The value; None if it cannot have that type.
    """
    kinds = value_types(schema)
    if not kinds or _json_type(value) & kinds:
        return value
    if not isinstance(value, str):
        return msgspec.json.encode(value).decode() if kinds == {"string"} and isinstance(value, int | float) else None
    try:
        parsed = msgspec.json.decode(value)
    except msgspec.DecodeError:
        return None
    return parsed if _json_type(parsed) & kinds else None


def _json_type(value: object) -> set[str]:
    """The JSON types of a value."""
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, int):
        return {"integer", "number"}
    names = ((float, "number"), (str, "string"), (list, "array"), (dict, "object"))
    return {name for kind, name in names if isinstance(value, kind)}


def at_path(schema: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """The schema of the value at a dotted path.

    Args:
        schema: the schema of the value where the path begins.
        path: keys joined by dots; a number is an index into a list.

    Returns:
        An empty schema if the document does not describe the value; None if there cannot be such a value.
    """
    current: Mapping[str, Any] = schema
    is_one_key = any(path in part.get("properties", ()) for part in alternatives(schema))  # such as `@odata.nextLink`
    for key in [path] if is_one_key else path.split("."):
        children = [_child(part, key) for part in alternatives(current)]
        known: list[Mapping[str, Any]] = []
        for child in children:
            if child is not None and child not in known:
                known.append(child)
        if not known:
            return None
        current = known[0] if len(known) == 1 or {} in known else {"anyOf": known}
    return current


def _child(schema: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    if key.isdigit() and "array" in type_names(schema):
        return dict(schema.get("items") or {})
    properties = schema.get("properties")
    if properties is None:
        # An object without properties may have any key; a string or a list has none.
        return {} if set(type_names(schema)) <= {"object"} else None
    additional = schema.get("additionalProperties") or None
    child = properties.get(key, additional)
    return {} if child is True else child


def is_file(schema: Mapping[str, Any]) -> bool:
    """Whether a schema describes a file: `format: binary`, or since 3.1 a media type without an encoding."""
    if schema.get("format") == "binary":
        return "string" in type_names(schema) or not type_names(schema)
    return "contentMediaType" in schema and type_names(schema) == [] and "contentEncoding" not in schema


def takes_file(schema: Mapping[str, Any]) -> bool:
    """Whether any alternative of a schema describes a file."""
    return any(is_file(part) for part in alternatives(schema))
