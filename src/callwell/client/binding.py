# SPDX-License-Identifier: Apache-2.0
"""An operation and its arguments become a request: names, places, types and wire forms are checked here."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from callwell.client import form
from callwell.client.fit import check, describe, plain
from callwell.client.options import NOT_GIVEN
from callwell.errors import InvalidOption, UnknownName
from callwell.opaque import Opaque, without_query
from callwell.spec.schemas import nullable
from callwell.transport.base import Outgoing, RequestHeaders

if TYPE_CHECKING:
    from collections.abc import Collection

    from callwell.core.rules import KeyRule
    from callwell.keys import Key
    from callwell.spec.model import Operation, Parameter

JSON: Final = "application/json"
ACCEPT: Final = ("accept", JSON)

SLOWEST: Final = 128 << 10
"""Bytes a second: a network that is slower than that is taken to hang when files are sent."""

NO_NAMES: Final = frozenset({"", ".", ".."})
"""What would make another path of a path."""


class Bound(Opaque, msgspec.Struct, frozen=True):
    """A request without its origin and its key. Its `repr` shows no values: the body may be a secret to be exchanged.

    Attributes:
        method: in capitals.
        target: path and query.
        body: JSON or a form, which may be read while it is sent, or none.
        headers: of the operation's own parameters.
        media: the media type of the body.
        keyless: it is sent without the key.
        longer_s: how much longer than others it may take, for its bytes.
    """

    method: str
    target: str
    body: bytes | Outgoing | None
    headers: tuple[tuple[str, str], ...] = ()
    media: str = JSON
    keyless: bool = False
    longer_s: float = 0.0

    def summary(self) -> str:
        """Method and path."""
        return f"{self.method} {without_query(self.target)}"


class Field(NamedTuple):
    """One parameter, and what can be said of it before there is a value.

    Attributes:
        name: the parameter's name.
        place: where it goes.
        hole: what stands for it in the path.
        parameter: the parameter.
        label: its name in messages.
        plain: a type whose values all fit, but for empty texts and those beyond ASCII; None where it is not so simple.
        null: None means null on the wire, and not that nothing is given.
    """

    name: str
    place: str
    hole: str
    parameter: Parameter
    label: str
    plain: type | None
    null: bool


class Binder:
    """Makes the requests of one operation.

    Args:
        operation: the operation.

    Attributes:
        keyless: its requests are sent without the key.
    """

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self.keyless = operation.keyless
        self._names = frozenset(one.name for one in operation.parameters)
        self._takes_body = any(one.place == "body" for one in operation.parameters)
        self._fields = tuple(
            Field(
                one.name,
                one.place,
                f"{{{one.wire}}}",
                one,
                f"{operation.name}: {one.name}",
                plain(one.schema),
                one.place == "body" and nullable(one.schema),
            )
            for one in operation.parameters
        )

    @property
    def names(self) -> Collection[str]:
        """The arguments that the operation takes."""
        return tuple(field.name for field in self._fields)

    def bind(self, arguments: Mapping[str, object]) -> Bound:
        """The request that the operation makes of its arguments.

        Args:
            arguments: by Python name; `NOT_GIVEN` counts as absent, and so does None where null means nothing.

        Raises:
            UnknownName: an argument that the operation does not take.
            InvalidOption: a missing argument, a value of the wrong type, or a file that cannot be read.
        """
        if not self._names.issuperset(arguments):
            name = next(name for name in arguments if name not in self._names)
            raise UnknownName("parameter", name, self.names, where=self._operation.name)
        target = self._operation.path
        query: list[tuple[str, str]] = []
        headers: list[tuple[str, str]] = []
        body: dict[str, tuple[Field, object]] = {}
        for field in self._fields:
            name, place, hole, parameter, label, easy, null = field
            value = arguments.get(name, NOT_GIVEN)
            if value is NOT_GIVEN or (value is None and not null):
                if parameter.required:
                    raise InvalidOption(label, None, describe(parameter.schema))
                continue
            if type(value) is not easy or (isinstance(value, str) and not (value and value.isascii())):
                check(label, parameter.schema, value)
            if place == "path":
                target = target.replace(hole, str(value) if type(value) is int else _segment(label, value))
            elif place == "query":
                query.extend(_pairs(parameter, value))
            elif place == "header":
                headers.append((parameter.wire.lower(), _header(label, parameter, value)))
            else:
                body[parameter.wire] = field, value
        target = f"{target}?{urlencode(query, safe='[]')}" if query else target
        if not self._takes_body:
            return Bound(self._operation.method, target, None, tuple(headers), JSON, self.keyless)
        content, media = self._body(body)
        longer_s = form.size(content) / SLOWEST if self._operation.form else 0.0
        return Bound(self._operation.method, target, content, tuple(headers), media, self.keyless, longer_s)

    def _body(self, given: Mapping[str, tuple[Field, object]]) -> tuple[bytes | Outgoing, str]:
        if self._operation.form:
            parts = [form.field(one.label, wire, one.parameter.schema, value) for wire, (one, value) in given.items()]
            return form.encode(part for field in parts for part in field)
        return encoded(self._operation.name, {wire: value for wire, (_, value) in given.items()}), JSON


def encoded(name: str, body: object) -> bytes:
    """A body as JSON.

    Args:
        name: of the operation, for the message.
        body: what JSON can hold.

    Raises:
        InvalidOption: it holds something else; `NaN` and infinity, of which null would be made, are named by place.
    """
    try:
        text = msgspec.json.encode(body)
        if b"null" in text:
            _check_numbers(name, body, "")
        return text
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidOption(f"{name}: the body", type(body).__name__, f"what JSON can hold ({error})") from error


def _check_numbers(name: str, value: object, place: str) -> None:
    """See that there is no number in a body that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        label = f"{name}: {place}" if place else f"{name}: the body"
        raise InvalidOption(label, value, "a finite number: JSON has neither NaN nor Infinity")
    if isinstance(value, Mapping):
        for key, one in value.items():
            _check_numbers(name, one, f"{place}.{key}" if place else str(key))
    elif isinstance(value, Sequence | AbstractSet) and not isinstance(value, str | bytes | bytearray):
        for number, one in enumerate(value):
            _check_numbers(name, one, f"{place}.{number}" if place else str(number))
    elif isinstance(value, msgspec.Struct) or dataclasses.is_dataclass(value):
        for field in value.__struct_fields__ if isinstance(value, msgspec.Struct) else value.__dataclass_fields__:
            _check_numbers(name, getattr(value, field, None), f"{place}.{field}" if place else field)


def headers(
    bound: Bound, rule: KeyRule, key: Key, beside: tuple[tuple[str, str], ...] = (), *, keyless: bool | None = None
) -> RequestHeaders:
    """The headers of a request. The key is in no local variable, neither here nor later.

    Args:
        bound: the request.
        rule: how a key is shown.
        key: the key.
        beside: what else goes with every request of the caller.
        keyless: no key is shown; as the request says unless given.
    """
    content = () if bound.body is None else (("content-type", bound.media),)
    if bound.keyless if keyless is None else keyless:
        return RequestHeaders((ACCEPT, *beside, *bound.headers, *content))
    return RequestHeaders((ACCEPT, (rule.header, key.shown(rule.scheme)), *beside, *bound.headers, *content))


def _segment(label: str, value: object) -> str:
    text = str(value)
    if text in NO_NAMES:
        raise InvalidOption(label, value, "the name of one thing, not a path")
    return text if text.isalnum() and text.isascii() else quote(text, safe="")


def _header(label: str, parameter: Parameter, value: object) -> str:
    text = ",".join(wire for _, wire in _pairs(parameter, value))
    if not (text.isascii() and text.isprintable()):
        raise InvalidOption(label, value, "a text of printable ASCII characters")
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
