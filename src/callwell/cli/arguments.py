# SPDX-License-Identifier: Apache-2.0
"""`name=value` on the command line becomes the arguments of an operation, by its schema."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.client.calls.validation import describe_schema
from callwell.description.schemas import alternatives, type_names
from callwell.errors import InvalidOption, UnknownName, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callwell.description.model import Operation, Parameter

SHAPE: Final = re.compile(r"([A-Za-z_][\w.-]*)(:?=)(.*)", re.DOTALL)
FORMS: Final = "name=value, or name:=JSON"
BOOLEANS: Final = {"true": True, "false": False}


def parse(operation: Operation, texts: Iterable[str]) -> dict[str, object]:
    """The arguments that texts give to an operation.

    Args:
        operation: the operation.
        texts: `name=value`, read by the parameter's type and repeated for a list, or `name:=JSON`, taken as it is.

    Raises:
        UnknownName: a parameter that the operation does not have.
        InvalidOption: a text that is no value of the parameter's type.
        UsageError: a required parameter is missing.
    """
    known = {parameter.name: parameter for parameter in operation.parameters}
    given: dict[str, object] = {}
    for text in texts:
        found = SHAPE.fullmatch(text)
        if found is None:
            raise InvalidOption("argument", text, FORMS)
        name, sign, value = found.groups()
        if name not in known:
            raise UnknownName("parameter", name, known, where=operation.name)
        label = f"{operation.name}: {name}"
        read = _json(label, value) if sign == ":=" else _value(label, known[name].schema, value)
        given[name] = _joined(label, given, name, read)
    _see_that_all_are_there(operation, given)
    return given


def _joined(label: str, given: Mapping[str, object], name: str, read: object) -> object:
    if name not in given:
        return read
    before = given[name]
    if isinstance(before, list) and isinstance(read, list):
        return [*before, *read]
    raise InvalidOption(label, read, "one value: it was given twice")


def _see_that_all_are_there(operation: Operation, given: Mapping[str, object]) -> None:
    missing = [one for one in operation.parameters if one.required and one.name not in given]
    if missing:
        raise UsageError(f"{operation.name} needs {' and '.join(map(_wanted, missing))}")


def _wanted(parameter: Parameter) -> str:
    return f"{parameter.name}=… ({describe_schema(parameter.schema)})"


def _json(label: str, text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidOption(label, text, f"JSON after `:=` ({error})") from error


def _value(label: str, schema: Mapping[str, Any], text: str) -> object:
    types = [kind for one in alternatives(schema) for kind in type_names(one)]
    if "array" in types:
        array = next(one for one in alternatives(schema) if "array" in type_names(one))
        return [_value(label, array.get("items", {}), text)]
    if "integer" in types and re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        return int(text)
    if "number" in types and (number := _number(text)) is not None:
        return number
    if "boolean" in types and text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    if "string" in types or not types:
        return text
    raise InvalidOption(label, text, _expected(types, schema, label))


def _expected(types: list[str], schema: Mapping[str, Any], label: str) -> str:
    if types == ["boolean"]:
        return "true or false"
    if "object" in types:
        return f"{describe_schema(schema)}, as JSON: {label.rpartition(' ')[2]}:={{…}}"
    return describe_schema(schema)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
