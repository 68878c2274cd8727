# SPDX-License-Identifier: Apache-2.0
"""Questions about a JSON schema without references, as `references` returns it."""

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
    """Whether null is allowed: OpenAPI 3.0 says so by `nullable`, 3.1 by the type `null`."""
    kind = schema.get("type")
    return (
        bool(schema.get("nullable"))
        or kind == "null"
        or (isinstance(kind, list) and "null" in kind)
        or any(is_nullable(part) for key in ("anyOf", "oneOf") for part in schema.get(key, ()))
    )


def type_names(schema: Mapping[str, Any]) -> list[str]:
    """The JSON types that a schema names, without null.

    A schema that names no type is an object if it has properties, and an array if it has items.
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
    """The JSON types that a value may have by any alternative, without null; empty if the schema does not say."""
    return {kind for part in alternatives(schema) for kind in type_names(part)}


def required_names(schema: Mapping[str, Any]) -> list[str]:
    """The properties that a schema requires. Some documents say `required: true`, as drafts of JSON Schema once did."""
    names = schema.get("required")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list | tuple) else []


def stated_value(schema: Mapping[str, Any], value: object) -> Any:
    """A default or a member of an enumeration as the schema's type has it.

    Documents also write `"10"` for a number, and 10 for a text.

    Args:
        schema: the schema.
        value: what it states.

    Returns:
        The value, None if it is of another type.
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
    """The JSON types that a value has."""
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, int):
        return {"integer", "number"}
    names = ((float, "number"), (str, "string"), (list, "array"), (dict, "object"))
    return {name for kind, name in names if isinstance(value, kind)}


def at_path(schema: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """The schema of the value that a dotted path leads to.

    Args:
        schema: the schema of the value at which the path begins.
        path: keys joined by dots; a number is an index into a list.

    Returns:
        An empty schema if the document says nothing about that value, None if there can be no such value.
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
    """Whether a schema takes the bytes of a file: `format: binary`, or, since 3.1, a media type without an encoding."""
    if schema.get("format") == "binary":
        return "string" in type_names(schema) or not type_names(schema)
    return "contentMediaType" in schema and type_names(schema) == [] and "contentEncoding" not in schema


def takes_file(schema: Mapping[str, Any]) -> bool:
    """Whether one of the alternatives of a schema takes a file."""
    return any(is_file(part) for part in alternatives(schema))
