# SPDX-License-Identifier: Apache-2.0
"""Reads `name=value` on the command line as arguments of an operation, by its schema."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.client.calls.binding import Binder
from callwell.client.calls.validation import describe_schema
from callwell.description.schemas import alternatives, type_names, value_types
from callwell.errors import InvalidOption, UnknownName, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.description.model import Operation, Parameter

ARGUMENT: Final = re.compile(r"([A-Za-z_][\w.-]*)(:?=)(.*)", re.DOTALL)
WHOLE_BODY_SCHEMA: Final[Mapping[str, Any]] = {"type": "object"}
SYNTAX: Final = "name=value or name:=JSON"
BOOLEANS: Final = {"true": True, "false": False}


def parse_arguments(operation: Operation, texts: Iterable[str]) -> dict[str, object]:
    """Parse the arguments of an operation.

    Args:
        operation: the operation.
        texts: `name=value`, read by the parameter's type and repeated for a list, or `name:=JSON`, taken literally.

    Raises:
        UnknownName: the operation has no such parameter.
        InvalidOption: the text is not a value of the parameter's type.
        UsageError: a required parameter is missing.
    """
    parameters = {parameter.name: parameter for parameter in operation.parameters}
    takes = Binder(operation).names  # the whole body may be given in place of its fields
    values: dict[str, object] = {}
    for text in texts:
        match = ARGUMENT.fullmatch(text)
        if match is None:
            raise InvalidOption("argument", text, SYNTAX)
        name, sign, literal = match.groups()
        if name not in takes:
            raise UnknownName("parameter", name, takes, owner=operation.name)
        label = f"{operation.name}: {name}"
        schema = parameters[name].schema if name in parameters else WHOLE_BODY_SCHEMA
        value = _parse_json(label, literal) if sign == ":=" else _parse_value(label, schema, literal)
        values[name] = _append(label, values[name], value) if name in values else value
    required = [parameter for parameter in operation.parameters if parameter.required and parameter.name not in values]
    has_whole = not values.keys() <= parameters.keys()
    missing = [parameter for parameter in required if not (has_whole and parameter.location == "body")]
    if missing:
        raise UsageError(f"{operation.name} needs {' and '.join(map(_expected_argument, missing))}")
    return values


def _append(label: str, before: object, value: object) -> object:
    if isinstance(before, list) and isinstance(value, list):
        return [*before, *value]
    raise InvalidOption(label, value, "one value, but it was given twice")


def _expected_argument(parameter: Parameter) -> str:
    return f"{parameter.name}=… ({describe_schema(parameter.schema)})"


def _parse_json(label: str, text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidOption(label, text, f"JSON after `:=` ({error})") from error


def _parse_value(label: str, schema: Mapping[str, Any], text: str) -> object:
    types = value_types(schema)
    if "array" in types:
        array = next(alternative for alternative in alternatives(schema) if "array" in type_names(alternative))
        return [_parse_value(label, array.get("items", {}), text)]
    if "integer" in types and re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        return int(text)
    if "number" in types and (number := _parse_number(text)) is not None:
        return number
    if "boolean" in types and text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    if "string" in types or not types:
        return text
    raise InvalidOption(label, text, _describe_expected(types, schema, label))


def _describe_expected(types: set[str], schema: Mapping[str, Any], label: str) -> str:
    if types == {"boolean"}:
        return "true or false"
    if "object" in types:
        return f"{describe_schema(schema)}, as JSON: {label.rpartition(' ')[2]}:={{…}}"
    return describe_schema(schema)


def _parse_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
