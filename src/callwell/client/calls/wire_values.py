# SPDX-License-Identifier: Apache-2.0
"""Converts Python values to JSON values, so that they mean the same in path, query, header and body.

| value | sent as |
| --- | --- |
| a member of an enumeration | its value |
| a datetime with a zone, a date, a time | RFC 3339; a datetime without a zone is refused, since it is not an instant |
| a Decimal | a number with all its digits, or a string where the schema accepts only strings | | a UUID, a path | a
string | | sets, tuples, generators, arrays | a list; a set is sorted, so that the same call is the same request | |
dataclasses, structs, mappings | an object | | numbers of other libraries | a number | | bytes | base64 where the schema
says `format: byte`; refused elsewhere, unless it is a file | | NaN, infinity, keys that are not strings, everything
else | refused |

None stays None: its meaning depends on where it is sent.
"""

from __future__ import annotations

import datetime as dt
import math
import numbers
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.client.calls.validation import SURROGATES, describe_schema, is_file_value
from callwell.description.schemas import alternatives, is_file, takes_file, value_types
from callwell.errors import InvalidOption

if TYPE_CHECKING:
    Schema = Mapping[str, Any]

ANY_JSON: Final = "what JSON can hold"
ZONED: Final = "a time with a zone, such as datetime.now(UTC)"
"""What messages expect."""

JSON_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
"""Encodes a Decimal as a JSON number."""


def to_wire_value(name: str, schema: Schema, value: object) -> Any:
    """A value as JSON.

    Args:
        name: its name in messages.
        schema: its schema; it chooses between several forms.
        value: the value.

    Raises:
        InvalidOption: the value cannot be sent.
    """
    try:
        return _to_json(name, schema, value)
    except RecursionError as error:
        raise InvalidOption(
            name, type(value).__name__, f"{ANY_JSON}: it contains itself, or is nested too deeply"
        ) from error


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
        argument_name = f"{name}: {path}" if path else f"{name}: the body"
        raise InvalidOption(argument_name, value, "a finite number: JSON has neither NaN nor Infinity")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_numbers(name, item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence | AbstractSet) and not isinstance(value, str | bytes | bytearray):
        for index, item in enumerate(value):
            _check_numbers(name, item, f"{path}.{index}" if path else str(index))
    elif isinstance(value, msgspec.Struct) or hasattr(value, "__dataclass_fields__"):
        for field in value.__struct_fields__ if isinstance(value, msgspec.Struct) else value.__dataclass_fields__:
            _check_numbers(name, getattr(value, field, None), f"{path}.{field}" if path else field)


def _to_json(name: str, schema: Schema, value: object) -> Any:
    if value is None or isinstance(value, bool) or is_file(schema):
        return value
    if isinstance(value, Enum):
        return _to_json(name, schema, value.value)
    if isinstance(value, str):
        text = str.__str__(value)
        if not text.isascii() and SURROGATES.search(text):
            raise InvalidOption(name, value, _expected(schema, "a string without unpaired surrogates"))
        return text
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Mapping):
        return _convert_object(name, schema, value)
    if isinstance(value, list | tuple):
        items = _item_schema(schema)
        return [_to_json(name, items, item) for item in value]
    return _convert_scalar(name, schema, value)


def _convert_scalar(name: str, schema: Schema, value: object) -> Any:
    """Convert a value of a type that JSON does not have; a file stays unchanged."""
    if is_file_value(value) and takes_file(schema):
        return value
    if isinstance(value, float | Decimal):
        return _convert_number(name, schema, value)
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        return _convert_time(name, schema, value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, os.PathLike):
        return _to_json(name, schema, os.fspath(value))
    if isinstance(value, bytes | bytearray | memoryview):
        if "byte" in _value_formats(schema):
            import base64  # few operations take bytes

            return base64.b64encode(value).decode()
        raise InvalidOption(name, type(value).__name__, _expected(schema, "bytes must be decoded first"))
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Rational):
        return _convert_number(name, schema, float(value))
    return _convert_other(name, schema, value)


def _convert_other(name: str, schema: Schema, value: object) -> Any:
    """Convert a record, an iterable or a scalar of an array library."""
    if hasattr(value, "dtype") and not getattr(value, "shape", ()):
        return _to_json(name, schema, value.item())  # type: ignore[attr-defined] # those have it
    if isinstance(value, type):
        raise InvalidOption(name, value, _expected(schema))
    if hasattr(value, "__dataclass_fields__"):
        import dataclasses  # needed for them alone

        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}  # type: ignore[arg-type] # it has what makes it one
        return _convert_object(name, schema, fields)
    if isinstance(value, msgspec.Struct):
        named = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        return _convert_object(name, schema, {wire: getattr(value, field) for wire, field in named})
    if isinstance(value, Iterable) and not hasattr(value, "read"):  # an open file does not mean a list of its lines
        items = _item_schema(schema)
        listed = [_to_json(name, items, item) for item in value]
        return sorted(listed, key=JSON_ENCODER.encode) if isinstance(value, AbstractSet) else listed
    if hasattr(value, "__index__"):
        return int(value)
    raise InvalidOption(name, value, _expected(schema))


def _convert_number(name: str, schema: Schema, value: float | Decimal) -> Any:
    if not math.isfinite(value):
        raise InvalidOption(name, value, _expected(schema, "a finite number"))
    if isinstance(value, float):
        return float(value)
    types = value_types(schema)
    if not types or "number" in types:
        return value
    if "integer" in types and value == value.to_integral_value():
        return int(value)
    if "string" in types:
        return format(value, "f")
    raise InvalidOption(name, value, describe_schema(schema))


def _convert_time(name: str, schema: Schema, value: dt.date | dt.time | dt.timedelta) -> str:
    types = value_types(schema)
    formats = _value_formats(schema)
    if types and "string" not in types:
        raise InvalidOption(name, value, describe_schema(schema))
    if isinstance(value, dt.timedelta):
        if "duration" not in formats:
            raise InvalidOption(name, value, _expected(schema, "a span as a number or a string of your own"))
        return str(msgspec.to_builtins(value))
    if isinstance(value, dt.datetime):
        offset = value.utcoffset()
        if offset is None:
            raise InvalidOption(name, value, ZONED)
        if "date" in formats and "date-time" not in formats:
            raise InvalidOption(name, value, "a date without a time of day")
        if offset % dt.timedelta(minutes=1):  # RFC 3339 has no seconds in offsets
            value = value.astimezone(dt.UTC)
    elif isinstance(value, dt.date) and "date-time" in formats and "date" not in formats:
        raise InvalidOption(name, value, ZONED)
    return value.isoformat().replace("+00:00", "Z")


def _convert_object(name: str, schema: Schema, value: Mapping[Any, Any]) -> dict[str, Any]:
    converted: dict[str, Any] = {}
    for key, inner in value.items():
        text = key.value if isinstance(key, Enum) else key
        text = str(text) if isinstance(text, uuid.UUID) else text
        if not isinstance(text, str):
            raise InvalidOption(name, value, _expected(schema, "every key must be a string"))
        if text in converted:
            raise InvalidOption(name, value, f"{ANY_JSON}: it has the key {text!r} twice")
        converted[str.__str__(text)] = _to_json(f"{name}.{text}", _field_schema(schema, text), inner)
    return converted


def _expected(schema: Schema, why: str = "") -> str:
    """What a schema accepts, for a message; if it has no type, what JSON can hold, and why the value is not that."""
    if value_types(schema) or "enum" in schema:
        return describe_schema(schema)
    return f"{ANY_JSON}: {why}" if why else ANY_JSON


def _value_formats(schema: Schema) -> set[str]:
    formats = {option.get("format", "") for option in alternatives(schema)}
    return formats | {"byte" for option in alternatives(schema) if option.get("contentEncoding") == "base64"}


def _item_schema(schema: Schema) -> Schema:
    for option in alternatives(schema):
        items = option.get("items")
        if isinstance(items, Mapping):
            return items
    return {}


def _field_schema(schema: Schema, key: str) -> Schema:
    for option in alternatives(schema):
        inner = option.get("properties", {}).get(key, option.get("additionalProperties"))
        if isinstance(inner, Mapping):
            return inner
    return {}
