# SPDX-License-Identifier: Apache-2.0
"""An operation and its arguments become a request: names, places, types and wire forms are checked here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from callwell.client.options import NOT_GIVEN
from callwell.errors import InvalidOption, UnknownName

if TYPE_CHECKING:
    from callwell.core.rules import KeyRule
    from callwell.keys import Key
    from callwell.spec.model import Operation, Parameter

SCALARS: Final[dict[str, tuple[type | tuple[type, ...], str]]] = {
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": (bool, "True or False"),
}


SURROGATES: Final = re.compile("[\ud800-\udfff]")
"""Halves of characters, which no wire can carry."""


class Bound(NamedTuple):
    """A request without its origin and its key.

    Attributes:
        method: in capitals.
        target: path and query.
        body: JSON, or none.
        headers: of the operation's own parameters.
    """

    method: str
    target: str
    body: bytes | None
    headers: tuple[tuple[str, str], ...] = ()


def bind(operation: Operation, arguments: Mapping[str, object]) -> Bound:
    """The request that an operation makes of its arguments.

    Args:
        operation: the operation.
        arguments: by Python name; `NOT_GIVEN` counts as absent, and so does None where null means nothing.

    Raises:
        UnknownName: an argument that the operation does not take.
        InvalidOption: a missing argument, or a value of the wrong type.
    """
    known = {parameter.name: parameter for parameter in operation.parameters}
    for name in arguments:
        if name not in known:
            raise UnknownName("parameter", name, known, where=operation.name)
    path, query, body, headers = operation.path, list[tuple[str, str]](), dict[str, object](), list[tuple[str, str]]()
    for parameter in operation.parameters:
        value = arguments.get(parameter.name, NOT_GIVEN)
        if value is NOT_GIVEN or (value is None and not (parameter.place == "body" and _nullable(parameter.schema))):
            if parameter.required:
                raise InvalidOption(f"{operation.name}: {parameter.name}", None, describe(parameter.schema))
            continue
        check(f"{operation.name}: {parameter.name}", parameter.schema, value)
        match parameter.place:
            case "path":
                path = path.replace("{" + parameter.wire + "}", _segment(operation, parameter, value))
            case "query":
                query.extend(_pairs(parameter, value))
            case "header":
                headers.append((parameter.wire.lower(), _header(operation, parameter, value)))
            case "body":
                body[parameter.wire] = value
    takes_body = any(parameter.place == "body" for parameter in operation.parameters)
    target = f"{path}?{urlencode(query, safe='[]')}" if query else path
    return Bound(operation.method, target, encoded(operation.name, body) if takes_body else None, tuple(headers))


def encoded(name: str, body: object) -> bytes:
    """A body as JSON.

    Args:
        name: of the operation, for the message.
        body: what JSON can hold.

    Raises:
        InvalidOption: it holds something else.
    """
    try:
        return msgspec.json.encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidOption(f"{name}: the body", type(body).__name__, f"what JSON can hold ({error})") from error


def headers(bound: Bound, rule: KeyRule, key: Key) -> tuple[tuple[str, str], ...]:
    """The headers of a request.

    Args:
        bound: the request.
        rule: how a key is shown.
        key: the key.
    """
    found = (("accept", "application/json"), (rule.header, key.shown(rule.scheme)), *bound.headers)
    return found if bound.body is None else (*found, ("content-type", "application/json"))


def describe(schema: Mapping[str, Any]) -> str:
    """What a schema takes, as a noun phrase."""
    if values := schema.get("enum"):
        return "one of " + ", ".join(map(str, values))
    types = [kind for kind in _types(schema) if kind != "null"]
    kind = types[0] if types else ""
    if kind == "array":
        return f"a list, each {describe(schema.get('items', {}))}"
    if kind == "object":
        return "a mapping of texts"
    words = SCALARS[kind][1] if kind in SCALARS else "a value"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{words} from {low} to {high}"
    short, long = schema.get("minLength"), schema.get("maxLength")
    if short and long:
        return f"{words} of {short} to {long} characters"
    return f"{words} that is not empty" if short else words


def check(name: str, schema: Mapping[str, Any], value: object) -> None:
    """See that a value is what a schema takes.

    Raises:
        InvalidOption: it is not.
    """
    types = _types(schema)
    if value is None and ("null" in types or not types):
        return
    if not any(_fits(kind, schema, value) for kind in types if kind != "null") and types:
        raise InvalidOption(name, value, describe(schema))
    if "enum" in schema and value not in schema["enum"]:
        raise InvalidOption(name, value, describe(schema))
    if isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            check(name, schema.get("items", {}), item)


def _types(schema: Mapping[str, Any]) -> list[str]:
    found = schema.get("type", [])
    types = [found] if isinstance(found, str) else list(found)
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        types += _types(option)
    return types


def _nullable(schema: Mapping[str, Any]) -> bool:
    return "null" in _types(schema)


def _fits(kind: str, schema: Mapping[str, Any], value: object) -> bool:
    if kind == "array":
        return isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if kind == "object":
        return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    if (
        kind not in SCALARS
        or not isinstance(value, SCALARS[kind][0])
        or (kind != "boolean" and isinstance(value, bool))
    ):
        return False
    if isinstance(value, str):
        shortest, longest = schema.get("minLength", 0), schema.get("maxLength", len(value))
        return shortest <= len(value) <= longest and not SURROGATES.search(value)
    if isinstance(value, float) and not math.isfinite(value):
        return False
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    return bool(low <= value <= high) if isinstance(value, int | float) else True


def _segment(operation: Operation, parameter: Parameter, value: object) -> str:
    text = str(value)
    if not text or re.fullmatch(r"\.\.?", text):
        raise InvalidOption(f"{operation.name}: {parameter.name}", value, "the name of one thing, not a path")
    return quote(text, safe="")


def _header(operation: Operation, parameter: Parameter, value: object) -> str:
    text = ",".join(wire for _, wire in _pairs(parameter, value))
    if not (text.isascii() and text.isprintable()):
        raise InvalidOption(f"{operation.name}: {parameter.name}", value, "a text of printable ASCII characters")
    return text


def _pairs(parameter: Parameter, value: object) -> list[tuple[str, str]]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if parameter.schema.get("x-array-style") == "indexed":
            return [(f"{parameter.wire}[{i}]", _text(item)) for i, item in enumerate(value)]
        return [(parameter.wire, _text(item)) for item in value]
    return [(parameter.wire, _text(value))]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
