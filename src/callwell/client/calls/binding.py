# SPDX-License-Identifier: Apache-2.0
"""Builds the request of an operation from its arguments, and checks their names, types and wire forms."""

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
ACCEPT_ANYTHING: Final = ("accept", f"{JSON}, */*;q=0.5")
"""Of requests outside the description: JSON if there is any."""

MIN_BYTES_PER_S: Final = 128 << 10
"""Bytes per second (1 Mbit/s): a file gets the time that it needs at this rate; a slower network counts as hanging."""

INTEGER_TEXT: Final = re.compile("-?[0-9]{1,30}")
"""An integer in text; 30 digits are more than any identifier has, and keep the conversion cheap."""

UNSAFE_SEGMENTS: Final = frozenset({"", ".", ".."})
"""Path segments that would change the path: RFC 3986, section 5.2.4 removes dot segments."""


class BoundRequest(Opaque, msgspec.Struct, frozen=True):
    """A request without origin and key. Its `repr` shows no values: the body may contain a secret.

    Attributes:
        method: in capitals.
        target: path and query.
        body: JSON, or a form that may be read while it is sent; None for no body.
        headers: the operation's header parameters.
        media: the media type of the body.
        keyless: it is sent without the key.
        extra_time_s: seconds added to its time-out, for the bytes of its files.
        url: the whole address, used in place of `target` for one outside the environment's base path.
        accept: the `Accept` header.
    """

    method: str
    target: str
    body: bytes | StreamedBody | None
    headers: tuple[tuple[str, str], ...] = ()
    media: str = JSON
    keyless: bool = False
    extra_time_s: float = 0.0
    url: str = ""
    accept: tuple[str, str] = ACCEPT

    def summary(self) -> str:
        """Method and path."""
        return f"{self.method} {without_query(self.target)}"

    def method_and_path(self) -> str:
        """Method and path for messages. The query is left out: it may hold personal data."""
        return f"{self.method} {self.target.partition('?')[0]}"


class BoundParameter(NamedTuple):
    """One parameter, with what is known before there is a value.

    Attributes:
        name: the parameter's Python name.
        location: `path`, `query`, `header` or `body`; `accept` for that header, which replaces the usual one.
        placeholder: its placeholder in the path.
        parameter: its description.
        label: its name in messages.
        plain_type: a type whose values all fit, except empty and non-ASCII texts; None if there is no such type.
        takes_null: None is sent as null; otherwise it means that there is no value.
    """

    name: str
    location: str
    placeholder: str
    parameter: Parameter
    label: str
    plain_type: type | None
    takes_null: bool


class Binder:
    """Builds the requests of one operation.

    Args:
        operation: the operation.

    Attributes:
        keyless: its requests are sent without the key.
    """

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self.keyless = operation.keyless
        self._names = frozenset(parameter.name for parameter in operation.parameters)
        self._accept = ACCEPT if operation.accept == JSON else ("accept", operation.accept)
        self._takes_body = any(parameter.location == "body" for parameter in operation.parameters)
        self._fields = tuple(
            BoundParameter(
                name=parameter.name,
                location="accept" if _is_accept(parameter) else parameter.location,
                placeholder=f"{{{parameter.wire_name}}}",
                parameter=parameter,
                label=f"{operation.name}: {parameter.name}",
                plain_type=plain_type(parameter.schema),
                takes_null=parameter.location == "body" and is_nullable(parameter.schema),
            )
            for parameter in operation.parameters
        )

    @property
    def names(self) -> Collection[str]:
        """The arguments that the operation takes."""
        return tuple(field.name for field in self._fields)

    def bind(self, arguments: Mapping[str, object]) -> BoundRequest:  # noqa: C901 - one branch for each location
        """Build the request from arguments.

        Args:
            arguments: by Python name; `NOT_GIVEN` counts as absent, and so does None where null is not a value.

        Raises:
            UnknownName: an argument that the operation does not have.
            InvalidOption: a missing argument, a value of the wrong type, or a file that cannot be read.
        """
        if not self._names.issuperset(arguments):
            name = next(name for name in arguments if name not in self._names)
            raise UnknownName("parameter", name, self.names, where=self._operation.name)
        target = self._operation.path
        query: list[tuple[str, str]] = []
        headers: list[tuple[str, str]] = []
        body: dict[str, tuple[BoundParameter, object]] = {}
        accept = self._accept
        for field in self._fields:
            name, location, placeholder, parameter, label, plain, takes_null = field
            value = arguments.get(name, NOT_GIVEN)
            if value is NOT_GIVEN or (value is None and not takes_null):
                if parameter.required:
                    raise InvalidOption(label, None, describe_schema(parameter.schema))
                continue
            if type(value) is not plain or (isinstance(value, str) and not (value and value.isascii())):
                value = to_wire_value(label, parameter.schema, value)
                check_value(label, parameter.schema, value)
            if location == "path":
                target = target.replace(placeholder, str(value) if type(value) is int else _path_segment(label, value))
            elif location == "query":
                query.extend(_parameter_pairs(label, parameter, value))
            elif location == "header":
                headers.extend(_header_pairs(label, parameter, value))
            elif location == "body":
                body[parameter.wire_name] = field, value
            else:
                accept = next(iter(_header_pairs(label, parameter, value)), accept)
        target = f"{target}?{urlencode(query, safe='[]')}" if query else target
        if not self._takes_body:
            return BoundRequest(
                self._operation.method, target, None, tuple(headers), JSON, self.keyless, 0.0, "", accept
            )
        content, media = self._body(body)
        extra_time_s = multipart.body_size(content) / MIN_BYTES_PER_S if self._operation.form else 0.0
        return BoundRequest(
            self._operation.method, target, content, tuple(headers), media, self.keyless, extra_time_s, "", accept
        )

    def wire(self, arguments: Mapping[str, object]) -> dict[str, Any]:
        """The arguments as JSON values, which can be bound repeatedly; a generator gives its items only once.

        Raises:
            UnknownName: an argument that the operation does not have.
            InvalidOption: a value that cannot be sent.
        """
        converted: dict[str, Any] = {}
        for name, value in arguments.items():
            field = next((field for field in self._fields if field.name == name), None)
            if field is None:
                raise UnknownName("parameter", name, self._names, where=self._operation.name)
            converted[name] = value if value is NOT_GIVEN else to_wire_value(field.label, field.parameter.schema, value)
        return converted

    def with_position(self, arguments: Mapping[str, object], name: str, position: int | str) -> dict[str, object]:
        """The arguments of another page. A cursor of another type than its parameter is converted."""
        schema = next((field.parameter.schema for field in self._fields if field.name == name), {})
        types = [kind for option in alternatives(schema) for kind in type_names(option)]
        if isinstance(position, int) and "string" in types and "integer" not in types and "number" not in types:
            return {**arguments, name: str(position)}
        if isinstance(position, str) and "string" not in types and INTEGER_TEXT.fullmatch(position):
            return {**arguments, name: int(position)}
        return {**arguments, name: position}

    def _body(self, fields: Mapping[str, tuple[BoundParameter, object]]) -> tuple[bytes | StreamedBody, str]:
        if self._operation.form:
            parts = [
                multipart.encode_field(field.label, wire, field.parameter.schema, value)
                for wire, (field, value) in fields.items()
                if value is not None  # a form has no null: leave the field out
            ]
            return multipart.encode_form(part for field_parts in parts for part in field_parts)
        return encode_json(self._operation.name, {wire: value for wire, (_, value) in fields.items()}), JSON


def _is_accept(parameter: Parameter) -> bool:
    return parameter.location == "header" and parameter.wire_name.lower() == "accept"


def encode_json(name: str, body: object) -> bytes:
    """A body as JSON.

    Args:
        name: the operation's name, for messages.
        body: the value to encode.

    Raises:
        InvalidOption: a value that JSON cannot hold, with its path for NaN and infinity, which would become null.
    """
    try:
        text = JSON_ENCODER.encode(body)
        if b"null" in text:
            _check_numbers(name, body, "")
        return text
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidOption(f"{name}: the body", type(body).__name__, f"what JSON can hold ({error})") from error


def _check_numbers(name: str, value: object, path: str) -> None:
    """Refuse NaN and infinity anywhere in a body."""
    if isinstance(value, float) and not math.isfinite(value):
        label = f"{name}: {path}" if path else f"{name}: the body"
        raise InvalidOption(label, value, "a finite number: JSON has neither NaN nor Infinity")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_numbers(name, item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence | AbstractSet) and not isinstance(value, str | bytes | bytearray):
        for index, item in enumerate(value):
            _check_numbers(name, item, f"{path}.{index}" if path else str(index))
    elif isinstance(value, msgspec.Struct) or dataclasses.is_dataclass(value):
        for field in value.__struct_fields__ if isinstance(value, msgspec.Struct) else value.__dataclass_fields__:
            _check_numbers(name, getattr(value, field, None), f"{path}.{field}" if path else field)


def request_headers(
    bound: BoundRequest,
    rule: KeyRule,
    key: Key,
    extra: tuple[tuple[str, str], ...] = (),
    *,
    keyless: bool | None = None,
) -> RequestHeaders:
    """The headers of a request. The key is never put in a local variable, which a traceback could show.

    Args:
        bound: the request.
        rule: the header and scheme that carry the key.
        key: the key.
        extra: the caller's own headers.
        keyless: send no key; None for what the request says.
    """
    content = () if bound.body is None else (("content-type", bound.media),)
    if bound.keyless if keyless is None else keyless:
        return RequestHeaders((bound.accept, *extra, *bound.headers, *content))
    return RequestHeaders(
        (bound.accept, (rule.header, key.header_value(rule.scheme)), *extra, *bound.headers, *content)
    )


def query_pairs(query: Mapping[str, object]) -> list[tuple[str, str]]:
    """The pairs of an undescribed query: a list repeats its name, and None is left out.

    Raises:
        InvalidOption: not a mapping, a name that is not a text, or a value that a query cannot hold.
    """
    if not isinstance(query, Mapping):
        raise InvalidOption("query", query, "a mapping of names to values")
    pairs: list[tuple[str, str]] = []
    for name, item in query.items():
        if not isinstance(name, str):
            raise InvalidOption("query", name, "names that are texts")
        label = f"query: {name}"
        value = to_wire_value(label, {}, item)
        if isinstance(value, list):
            pairs.extend((name, _to_text(label, item)) for item in value)
        elif value is not None:
            pairs.append((name, _to_text(label, value)))
    return pairs


def _path_segment(label: str, value: object) -> str:
    if isinstance(value, list):
        text = ",".join(quote(_to_text(label, item), safe="") for item in value)
        if text in UNSAFE_SEGMENTS:
            raise InvalidOption(label, value, "at least one identifier")
        return text
    text = _to_text(label, value)
    if text in UNSAFE_SEGMENTS:
        raise InvalidOption(label, value, "one identifier, not a path")
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
            return [pair for key, item in value.items() for pair in _nested_pairs(label, f"{wire}[{key}]", item)]
        if parameter.explode:
            return [pair for key, item in value.items() for pair in _nested_pairs(label, key, item)]
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
    """The pairs below a key of an object; a list gets the name with `[]`, as Rack and PHP read it."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [pair for key, item in value.items() for pair in _nested_pairs(label, f"{name}[{key}]", item)]
    if isinstance(value, list):
        return [(f"{name}[]", _to_text(label, item)) for item in value]
    return [(name, _to_text(label, value))]


def _flatten(label: str, value: Mapping[str, object]) -> list[str]:
    """Keys and values in turn, to be joined by commas (RFC 6570, no explode)."""
    pairs = [(key, item) for key, item in value.items() if item is not None]
    return [_text_without_comma(label, text) for pair in pairs for text in pair]


def _text_without_comma(label: str, value: object) -> str:
    text = _to_text(label, value)
    if "," in text:
        raise InvalidOption(label, value, "a text without a comma, since commas separate the items of this list")
    return text


def _to_text(label: str, value: object) -> str:
    """A plain value as in JSON, but a text without its quotes."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int | float):
        return JSON_ENCODER.encode(value).decode()
    raise InvalidOption(label, value, "a text, number or boolean, since it is sent in an address or a header")
