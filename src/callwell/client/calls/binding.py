# SPDX-License-Identifier: Apache-2.0
"""An operation and its arguments become a request: names, places, types and wire forms are checked here."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from callwell.client.calls import multipart
from callwell.client.calls.options import NOT_GIVEN
from callwell.client.calls.validation import check_value, describe_schema, plain_type
from callwell.client.calls.wire_values import JSON_ENCODER, to_wire_value
from callwell.description.schemas import alternatives, is_nullable, type_names
from callwell.errors import InvalidOption, UnknownName
from callwell.opaque import Opaque, without_query
from callwell.transport.base import RequestHeaders, StreamedBody

if TYPE_CHECKING:
    from collections.abc import Collection

    from callwell.core.rules.profile import KeyRule
    from callwell.description.model import Operation, Parameter
    from callwell.keys import Key

JSON: Final = "application/json"
ACCEPT: Final = ("accept", JSON)

MIN_BYTES_PER_S: Final = 128 << 10
"""Bytes a second: a network that is slower than that is taken to hang when files are sent."""

INTEGER_TEXT: Final = re.compile("-?[0-9]{1,30}")

UNSAFE_SEGMENTS: Final = frozenset({"", ".", ".."})
"""What would make another path of a path."""


class BoundRequest(Opaque, msgspec.Struct, frozen=True):
    """A request without its origin and its key. Its `repr` shows no values: the body may be a secret to be exchanged.

    Attributes:
        method: in capitals.
        target: path and query.
        body: JSON or a form, which may be read while it is sent, or none.
        headers: of the operation's own parameters.
        media: the media type of the body.
        keyless: it is sent without the key.
        extra_time_s: how much longer than others it may take, for its bytes.
        url: the whole address in the place of `target`, for one that is not below the environment's own.
    """

    method: str
    target: str
    body: bytes | StreamedBody | None
    headers: tuple[tuple[str, str], ...] = ()
    media: str = JSON
    keyless: bool = False
    extra_time_s: float = 0.0
    url: str = ""

    def summary(self) -> str:
        """Method and path."""
        return f"{self.method} {without_query(self.target)}"

    def method_and_path(self) -> str:
        """Method and path for messages: a query may hold personal data."""
        return f"{self.method} {self.target.partition('?')[0]}"


class BoundParameter(NamedTuple):
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
    plain_type: type | None
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
        self._takes_body = any(one.location == "body" for one in operation.parameters)
        self._fields = tuple(
            BoundParameter(
                one.name,
                one.location,
                f"{{{one.wire_name}}}",
                one,
                f"{operation.name}: {one.name}",
                plain_type(one.schema),
                one.location == "body" and is_nullable(one.schema),
            )
            for one in operation.parameters
        )

    @property
    def names(self) -> Collection[str]:
        """The arguments that the operation takes."""
        return tuple(field.name for field in self._fields)

    def bind(self, arguments: Mapping[str, object]) -> BoundRequest:
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
        body: dict[str, tuple[BoundParameter, object]] = {}
        for field in self._fields:
            name, place, hole, parameter, label, easy, null = field
            value = arguments.get(name, NOT_GIVEN)
            if value is NOT_GIVEN or (value is None and not null):
                if parameter.required:
                    raise InvalidOption(label, None, describe_schema(parameter.schema))
                continue
            if type(value) is not easy or (isinstance(value, str) and not (value and value.isascii())):
                value = to_wire_value(label, parameter.schema, value)
                check_value(label, parameter.schema, value)
            if place == "path":
                target = target.replace(hole, str(value) if type(value) is int else _path_segment(label, value))
            elif place == "query":
                query.extend(_parameter_pairs(label, parameter, value))
            elif place == "header":
                headers.extend(_header_pairs(label, parameter, value))
            else:
                body[parameter.wire_name] = field, value
        target = f"{target}?{urlencode(query, safe='[]')}" if query else target
        if not self._takes_body:
            return BoundRequest(self._operation.method, target, None, tuple(headers), JSON, self.keyless)
        content, media = self._body(body)
        extra_time_s = multipart.body_size(content) / MIN_BYTES_PER_S if self._operation.form else 0.0
        return BoundRequest(self._operation.method, target, content, tuple(headers), media, self.keyless, extra_time_s)

    def wire(self, arguments: Mapping[str, object]) -> dict[str, Any]:
        """The arguments as JSON has them, so that they can be bound again and again: a generator gives its items once.

        Raises:
            UnknownName: an argument that the operation does not take.
            InvalidOption: a value that cannot be sent.
        """
        made: dict[str, Any] = {}
        for name, value in arguments.items():
            field = next((one for one in self._fields if one.name == name), None)
            if field is None:
                raise UnknownName("parameter", name, self._names, where=self._operation.name)
            made[name] = value if value is NOT_GIVEN else to_wire_value(field.label, field.parameter.schema, value)
        return made

    def at(self, arguments: Mapping[str, object], name: str, position: int | str) -> dict[str, object]:
        """The arguments of a page: a cursor that came as another type than its parameter takes is sent as that."""
        schema = next((one.parameter.schema for one in self._fields if one.name == name), {})
        takes = [kind for one in alternatives(schema) for kind in type_names(one)]
        if isinstance(position, int) and "string" in takes and "integer" not in takes and "number" not in takes:
            return {**arguments, name: str(position)}
        if isinstance(position, str) and "string" not in takes and INTEGER_TEXT.fullmatch(position):
            return {**arguments, name: int(position)}
        return {**arguments, name: position}

    def _body(self, given: Mapping[str, tuple[BoundParameter, object]]) -> tuple[bytes | StreamedBody, str]:
        if self._operation.form:
            parts = [
                multipart.encode_field(one.label, wire, one.parameter.schema, value)
                for wire, (one, value) in given.items()
                if value is not None  # a form has texts only: what is null is left out
            ]
            return multipart.encode_form(part for field in parts for part in field)
        return encode_json(self._operation.name, {wire: value for wire, (_, value) in given.items()}), JSON


def encode_json(name: str, body: object) -> bytes:
    """A body as JSON.

    Args:
        name: of the operation, for the message.
        body: what JSON can hold.

    Raises:
        InvalidOption: it holds something else; `NaN` and infinity, of which null would be made, are named by place.
    """
    try:
        text = JSON_ENCODER.encode(body)
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


def request_headers(
    bound: BoundRequest,
    rule: KeyRule,
    key: Key,
    beside: tuple[tuple[str, str], ...] = (),
    *,
    keyless: bool | None = None,
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
    return RequestHeaders((ACCEPT, (rule.header, key.header_value(rule.scheme)), *beside, *bound.headers, *content))


def query_pairs(query: Mapping[str, object]) -> list[tuple[str, str]]:
    """The pairs of a query that no description knows: lists are repeated, and None is left out.

    Raises:
        InvalidOption: it is no mapping, a name is no text, or a value has no form in a query.
    """
    if not isinstance(query, Mapping):
        raise InvalidOption("query", query, "a mapping of names to values")
    pairs: list[tuple[str, str]] = []
    for name, given in query.items():
        if not isinstance(name, str):
            raise InvalidOption("query", name, "names that are texts")
        label = f"query: {name}"
        value = to_wire_value(label, {}, given)
        if isinstance(value, list):
            pairs.extend((name, _to_text(label, item)) for item in value)
        elif value is not None:
            pairs.append((name, _to_text(label, value)))
    return pairs


def _path_segment(label: str, value: object) -> str:
    if isinstance(value, list):
        text = ",".join(quote(_to_text(label, item), safe="") for item in value)
        if text in UNSAFE_SEGMENTS:
            raise InvalidOption(label, value, "the names of things, at least one")
        return text
    text = _to_text(label, value)
    if text in UNSAFE_SEGMENTS:
        raise InvalidOption(label, value, "the name of one thing, not a path")
    return text if text.isalnum() and text.isascii() else quote(text, safe="")


def _header_pairs(label: str, parameter: Parameter, value: object) -> list[tuple[str, str]]:
    name = parameter.wire_name.lower()
    if isinstance(value, Mapping):
        text = ",".join(_flatten(label, value))
    elif isinstance(value, list):
        if not value:
            return []
        text = ",".join(_text_without_comma(label, item) for item in value)
    else:
        text = _to_text(label, value)
    if not (text.isascii() and text.isprintable() and text == text.strip()):
        raise InvalidOption(label, value, "a text of printable ASCII characters, without spaces at its ends")
    return [(name, text)]


def _parameter_pairs(label: str, parameter: Parameter, value: object) -> list[tuple[str, str]]:
    wire = parameter.wire_name
    if isinstance(value, Mapping):
        if parameter.style == "deepObject":
            return [pair for key, one in value.items() for pair in _nested_pairs(label, f"{wire}[{key}]", one)]
        if parameter.explode:
            return [pair for key, one in value.items() for pair in _nested_pairs(label, key, one)]
        flat = _flatten(label, value)
        return [(wire, ",".join(flat))] if flat else []
    if not isinstance(value, list):
        return [(wire, _to_text(label, value))]
    if parameter.schema.get("x-array-style") == "indexed":
        return [(f"{wire}[{i}]", _to_text(label, item)) for i, item in enumerate(value)]
    if parameter.explode:
        return [(wire, _to_text(label, item)) for item in value]
    return [(wire, ",".join(_text_without_comma(label, item) for item in value))] if value else []


def _nested_pairs(label: str, name: str, value: object) -> list[tuple[str, str]]:
    """What stands below a key of an object: a list under the name with `[]`, as servers that know this style do."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [pair for key, one in value.items() for pair in _nested_pairs(label, f"{name}[{key}]", one)]
    if isinstance(value, list):
        return [(f"{name}[]", _to_text(label, item)) for item in value]
    return [(name, _to_text(label, value))]


def _flatten(label: str, value: Mapping[str, object]) -> list[str]:
    """Keys and values in turn, to be joined by commas."""
    pairs = [(key, one) for key, one in value.items() if one is not None]
    return [_text_without_comma(label, text) for pair in pairs for text in pair]


def _text_without_comma(label: str, value: object) -> str:
    text = _to_text(label, value)
    if "," in text:
        raise InvalidOption(label, value, "a text without a comma, for the list is sent with commas between its items")
    return text


def _to_text(label: str, value: object) -> str:
    """A plain value as JSON writes it, but for the quotes of a text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int | float):
        return JSON_ENCODER.encode(value).decode()
    raise InvalidOption(label, value, "plain values here: nothing else has a form in an address or a header")
