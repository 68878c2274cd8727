# SPDX-License-Identifier: Apache-2.0
"""An operation and its arguments become a request: names, places, types and wire forms are checked here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from callwell.client import form
from callwell.client.fit import check, describe
from callwell.client.options import NOT_GIVEN
from callwell.errors import InvalidOption, UnknownName
from callwell.spec.schemas import nullable

if TYPE_CHECKING:
    from callwell.core.rules import KeyRule
    from callwell.keys import Key
    from callwell.spec.model import Operation, Parameter


ACCEPT: Final = ("accept", "application/json")


class Bound(NamedTuple):
    """A request without its origin and its key.

    Attributes:
        method: in capitals.
        target: path and query.
        body: JSON or a form, or none.
        headers: of the operation's own parameters.
        media: the media type of the body.
        keyless: it is sent without the key.
    """

    method: str
    target: str
    body: bytes | None
    headers: tuple[tuple[str, str], ...] = ()
    media: str = "application/json"
    keyless: bool = False


def bind(operation: Operation, arguments: Mapping[str, object]) -> Bound:
    """The request that an operation makes of its arguments.

    Args:
        operation: the operation.
        arguments: by Python name; `NOT_GIVEN` counts as absent, and so does None where null means nothing.

    Raises:
        UnknownName: an argument that the operation does not take.
        InvalidOption: a missing argument, a value of the wrong type, or a file that cannot be read.
    """
    known = {parameter.name: parameter for parameter in operation.parameters}
    for name in arguments:
        if name not in known:
            raise UnknownName("parameter", name, known, where=operation.name)
    path, query, headers = operation.path, list[tuple[str, str]](), list[tuple[str, str]]()
    body: dict[str, tuple[Parameter, object]] = {}
    for parameter in operation.parameters:
        value = arguments.get(parameter.name, NOT_GIVEN)
        if value is NOT_GIVEN or (value is None and not (parameter.place == "body" and nullable(parameter.schema))):
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
                body[parameter.wire] = parameter, value
    target = f"{path}?{urlencode(query, safe='[]')}" if query else path
    content, media = _body(operation, body)
    return Bound(operation.method, target, content, tuple(headers), media, operation.keyless)


def _body(operation: Operation, given: Mapping[str, tuple[Parameter, object]]) -> tuple[bytes | None, str]:
    if operation.form:
        name = operation.name
        parts = [form.field(f"{name}: {one.name}", one.wire, one.schema, value) for one, value in given.values()]
        return form.encode(part for field in parts for part in field)
    takes_body = any(parameter.place == "body" for parameter in operation.parameters)
    content = {wire: value for wire, (_, value) in given.items()}
    return encoded(operation.name, content) if takes_body else None, "application/json"


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
    media = () if bound.body is None else (("content-type", bound.media),)
    if bound.keyless:
        return (ACCEPT, *bound.headers, *media)
    return (ACCEPT, (rule.header, key.shown(rule.scheme)), *bound.headers, *media)


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
    if isinstance(value, Mapping):
        deep = parameter.style == "deepObject"
        return [pair for key, one in value.items() for pair in _deep(f"{parameter.wire}[{key}]" if deep else key, one)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        if parameter.schema.get("x-array-style") == "indexed":
            return [(f"{parameter.wire}[{i}]", _text(item)) for i, item in enumerate(value)]
        if not parameter.explode:
            return [(parameter.wire, ",".join(map(_text, value)))]
        return [(parameter.wire, _text(item)) for item in value]
    return [(parameter.wire, _text(value))]


def _deep(name: str, value: object) -> list[tuple[str, str]]:
    """What stands below a key of an object: a list under the name with `[]`, as servers that know this style do."""
    if isinstance(value, Mapping):
        return [pair for key, one in value.items() for pair in _deep(f"{name}[{key}]", one)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [(f"{name}[]", _text(item)) for item in value]
    return [(name, _text(value))]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
