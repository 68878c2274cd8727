# SPDX-License-Identifier: Apache-2.0
"""A value that a JSON schema accepts: the arguments of requests that an independent judge is to accept.

What the schema gives itself (an example, a default, a member of an enumeration) comes first. Two draws exist: the
`least` a schema demands, and `all` that it describes, as far as `DEPTH` goes.
"""

from __future__ import annotations

import functools
import math
import re
from typing import TYPE_CHECKING, Any, Final, Literal

import hypothesis
from hypothesis import strategies

from callwell.description.schemas import required_names, type_names

if TYPE_CHECKING:
    from collections.abc import Mapping

Draw = Literal["least", "all"]

DEPTH: Final = 4
"""Levels of optional fields. Recursive schemas have no end."""

FORMATS: Final[Mapping[str, str]] = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "person@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/a",
    "uri-reference": "/a",
    "url": "https://example.com/a",
    "uuid": "6f1c1c6e-6d2b-4d0c-9a38-0c8f3f4f1a11",
    "byte": "YWJj",
    "duration": "P1D",
    "regex": "a",
}

FILE: Final = b"a file\n"


class NoSample(Exception):
    """No value is known that the schema accepts; the message says what stands in the way."""


def sample(schema: Mapping[str, Any], draw: Draw, depth: int = DEPTH) -> Any:
    """Make a value.

    Args:
        schema: the schema, with references resolved.
        draw: how much of it.
        depth: levels of optional fields that may follow.

    Raises:
        NoSample: a pattern that Python does not read, or too many levels.
    """
    if depth < -DEPTH:
        raise NoSample("the schema has no end")
    if "const" in schema:
        return schema["const"]
    if members := [member for member in schema.get("enum", ()) if member is not None]:
        return members[0]
    chosen = _merged(schema)
    kinds = type_names(chosen)
    kind = kinds[0] if kinds else "any"
    makers = {"object": _object, "array": _array, "string": _string, "integer": _number, "number": _number}
    if kind in makers:
        return makers[kind](chosen, draw, depth)
    return True if kind == "boolean" else "a"


def _merged(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with its first alternative, and with all parts of `allOf`."""
    parts = [part for part in schema.get("allOf", ()) if isinstance(part, dict)]
    either = [part for part in schema.get("anyOf") or schema.get("oneOf") or () if part.get("type") != "null"]
    parts += either[:1]
    merged: dict[str, Any] = {key: value for key, value in schema.items() if key not in {"allOf", "anyOf", "oneOf"}}
    for part in map(_merged, parts):
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*required_names(merged), *required_names(part)]
        merged = {**part, **merged}
        merged |= {"properties": properties} if properties else {}
        merged |= {"required": required} if required else {}
    return merged


def _object(schema: Mapping[str, Any], draw: Draw, depth: int) -> dict[str, Any]:
    required = set(required_names(schema))
    value: dict[str, Any] = {}
    for name, field in schema.get("properties", {}).items():
        wanted = name in required or (draw == "all" and depth > 0)
        if not wanted or field.get("readOnly"):
            continue
        try:
            value[name] = sample(field, draw, depth - 1)
        except NoSample:
            if name in required:
                raise
    additional = schema.get("additionalProperties")
    value |= {name: "a string" for name in required if name not in schema.get("properties", {})}
    for number in range(schema.get("minProperties", 0) - len(value)):
        value[f"key{number}"] = sample(additional if isinstance(additional, dict) else {}, draw, depth - 1)
    return value


def _array(schema: Mapping[str, Any], draw: Draw, depth: int) -> list[Any]:
    least = schema.get("minItems", 0)
    is_argument = depth == DEPTH  # a query without items has no such parameter
    count = max(least, 1) if is_argument or (draw == "all" and depth > 0) else least
    items = schema.get("items") or {}
    if count > 1 and schema.get("uniqueItems") and len(items.get("enum", ())) >= count:
        return list(items["enum"][:count])
    return [sample(items, draw, depth - 1) for _ in range(count)]


def _string(schema: Mapping[str, Any], draw: Draw, depth: int) -> str | bytes:
    del draw, depth
    if schema.get("format") == "binary":
        return FILE
    least = schema.get("minLength", 0)
    most = schema.get("maxLength", math.inf)
    if pattern := schema.get("pattern"):
        return _matching(pattern, least, most)
    text = FORMATS.get(schema.get("format", ""), "a string")
    if len(text) < least:
        text += "a" * (least - len(text))
    return text[: int(most)] if len(text) > most else text


@functools.cache
def _matching(pattern: str, least: int, most: float) -> str:
    """The simplest text that matches a pattern and can stand in a path."""
    try:
        texts = strategies.from_regex(re.compile(pattern, re.ASCII), alphabet=strategies.characters(codec="ascii"))
        return hypothesis.find(
            texts, lambda text: max(least, 1) <= len(text) <= most and text.isprintable() and text not in {".", ".."}
        )
    except (re.error, hypothesis.errors.HypothesisException) as error:
        raise NoSample(f"no text is found for the pattern {pattern!r}") from error


def _number(schema: Mapping[str, Any], draw: Draw, depth: int) -> int:
    del draw, depth
    least = schema.get("minimum", schema.get("exclusiveMinimum", 1))
    if isinstance(least, bool):
        least = schema.get("minimum", 0)
    value = math.ceil(least)
    value += bool(schema.get("exclusiveMinimum")) and value <= least
    most = schema.get("maximum", value)
    value = max(math.ceil(least), min(value, math.floor(most))) if "minimum" in schema else min(value, math.floor(most))
    step = schema.get("multipleOf", 1)
    return int(math.ceil(value / step) * step)
