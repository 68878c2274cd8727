# SPDX-License-Identifier: Apache-2.0
"""Questions to a JSON schema whose references are resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]


def alternatives(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The alternatives of a schema, null left out; the schema itself if there are none."""
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    return [one for one in alternatives if one.get("type") != "null"] if alternatives else [schema]


def is_nullable(schema: Mapping[str, Any]) -> bool:
    """Whether null is a value of it, as OpenAPI 3.0 or as 3.1 says so."""
    kind = schema.get("type")
    return (
        bool(schema.get("nullable"))
        or kind == "null"
        or (isinstance(kind, list) and "null" in kind)
        or any(is_nullable(one) for key in ("anyOf", "oneOf") for one in schema.get(key, ()))
    )


def type_names(schema: Mapping[str, Any]) -> list[str]:
    """The JSON types that it names, null left out; guessed from its keys where it names none."""
    kind = schema.get("type")
    if kind is None:
        return ["object"] if "properties" in schema else ["array"] if "items" in schema else []
    return [one for one in (kind if isinstance(kind, list) else [kind]) if one != "null"]


def at_path(schema: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """The schema of what a dotted path leads to: an empty one where nothing is said, None where there is no such thing.

    Args:
        schema: of the value at which the path begins.
        path: keys joined by dots; a number is an index into a list.
    """
    here: Mapping[str, Any] = schema
    for key in path.split("."):
        inner = [_inner(one, key) for one in alternatives(here)]
        there = [one for one in inner if one is not None]
        if not there:
            return None
        here = there[0]
    return here


def _inner(schema: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    if key.isdigit() and "array" in type_names(schema):
        return dict(schema.get("items") or {})
    properties = schema.get("properties")
    if properties is None:
        return {} if set(type_names(schema)) <= {"object"} else None
    extra = schema.get("additionalProperties")
    inner = properties.get(key, extra or None)
    return {} if inner is True else inner
