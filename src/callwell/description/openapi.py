# SPDX-License-Identifier: Apache-2.0
"""Reads an OpenAPI 3.0 or 3.1 document: operations with their parameters, all references followed.

Only what a client needs is read. A field of a JSON body or of a form is a parameter like any other; a parameter that
the document calls required although it has a default is optional, for that is what a default means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import msgspec

from callwell.description.error import DescriptionError, found_value
from callwell.description.locate import json_line
from callwell.description.model import Api, Operation, Parameter
from callwell.description.names import to_snake_case
from callwell.description.references import Refs, mapping, sequence
from callwell.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.description.error import KeyPath
    from callwell.description.schemas import Schema

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
PLACES: Final = ("path", "query", "header", "body")
OWN_HEADERS: Final = frozenset({"accept", "authorization", "content-type"})
"""Headers that OpenAPI leaves to other parts of the document."""

_VERSION: Final = re.compile(r"3\.[01](\.\d+)?")
_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
_JSON_TYPE: Final = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
_FORM_TYPE: Final = re.compile(r"multipart/form-data\s*(?:;.*)?", re.IGNORECASE)
_BYTE: Final = re.compile(r"byte (\d+)")


def read(source: Path | Mapping[str, Any], *, file: str = "openapi.json") -> Api:
    """The operations of an OpenAPI document.

    Args:
        source: the document, or a JSON file that holds it.
        file: how complaints name a document that is no file.

    Raises:
        ProfileError: the document cannot be used; the error names file, key and line.
    """
    document, text = (source, "") if isinstance(source, Mapping) else _load(source)
    try:
        return _Document(document).api()
    except DescriptionError as error:
        name = file if isinstance(source, Mapping) else str(source)
        raise error.to_profile_error(name, text, json_line) from None


def _load(file: Path) -> tuple[Mapping[str, Any], str]:
    try:
        content = file.read_bytes()
        document = msgspec.json.decode(content)
    except OSError as error:
        raise ProfileError(
            str(file), "document", f"expected a file that can be read, found {error.strerror}"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        at = _BYTE.search(str(error))
        line = content.count(b"\n", 0, int(at[1])) + 1 if at else None
        raise ProfileError(str(file), "document", f"expected JSON, found an error: {error}", line=line) from error
    if not isinstance(document, dict):
        raise ProfileError(str(file), "document", f"expected an object, {found_value(document)}", line=1)
    return document, content.decode()


class _Document:
    """Reads one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._refs = Refs(document)

    def api(self) -> Api:
        version = self._document.get("openapi")
        if not isinstance(version, str) or not _VERSION.fullmatch(version):
            raise DescriptionError(("openapi",), "expected a version 3.0 or 3.1", found=version)
        info = mapping(self._document.get("info"), ("info",))
        operations: dict[str, Operation] = {}
        for operation, path in self._operations():
            if operation.name in operations:
                raise DescriptionError(
                    (*path, "operationId"), f"expected a name of its own, found {operation.name!r} again"
                )
            operations[operation.name] = operation
        return Api(title=str(info.get("title", "")), version=str(info.get("version", "")), operations=operations)

    def _operations(self) -> Iterator[tuple[Operation, KeyPath]]:
        for template, item in mapping(self._document.get("paths"), ("paths",)).items():
            node, path = self._refs.follow(item, ("paths", template))
            for method in METHODS:
                if method in node:
                    yield self._operation(template, method, node, path), (*path, method)

    def _operation(self, template: str, method: str, item: Mapping[str, Any], path: KeyPath) -> Operation:
        node, here = mapping(item[method], (*path, method)), (*path, method)
        shared = self._parameters(item, path)
        own = self._parameters(node, here)
        fields, form = self._body(node, here)
        parameters = [*{**shared, **own}.values(), *fields]
        order = [*_VARIABLE.findall(template)]
        _complete(order, parameters, here)
        _distinct(parameters, here)
        parameters.sort(
            key=lambda one: (PLACES.index(one.location), order.index(one.wire_name) if one.location == "path" else 0)
        )
        return Operation(
            name=_name(node, here),
            method=method.upper(),
            path=template,
            parameters=tuple(parameters),
            summary=_line(node.get("summary") or node.get("description")),
            response_schema=self._response(node, here),
            form=form,
            keyless=node.get("security") == [],
            media=self._media(node, here),
        )

    def _parameters(self, node: Mapping[str, Any], path: KeyPath) -> dict[tuple[str, str], Parameter]:
        """The parameters of a path or an operation, by place and name."""
        path = (*path, "parameters")
        parameters: dict[tuple[str, str], Parameter] = {}
        for index, one in enumerate(sequence(node.get("parameters", []), path)):
            parameter = self._parameter(*self._refs.follow(one, (*path, str(index))))
            if parameter.location != "header" or parameter.wire_name.lower() not in OWN_HEADERS:
                parameters[parameter.location, parameter.wire_name] = parameter
        return parameters

    def _parameter(self, node: Mapping[str, Any], path: KeyPath) -> Parameter:
        name, place = node.get("name"), node.get("in")
        if not isinstance(name, str) or not to_snake_case(name):
            raise DescriptionError((*path, "name"), "expected a name", found=name)
        if place not in ("path", "query", "header"):
            raise DescriptionError((*path, "in"), "expected path, query or header", found=place)
        schema = self._refs.schema(node.get("schema", {}), (*path, "schema"))
        return Parameter(
            name=to_snake_case(name),
            wire_name=name,
            location=cast("Literal['path', 'query', 'header']", place),
            required=place == "path" or (bool(node.get("required")) and "default" not in schema),
            schema=schema,
            summary=_line(node.get("description")),
            style="deepObject" if node.get("style") == "deepObject" else "form",
            explode=bool(node.get("explode", True)),
        )

    def _body(self, node: Mapping[str, Any], path: KeyPath) -> tuple[list[Parameter], bool]:
        """The fields of the body, and whether it is a form: JSON is preferred where both are taken."""
        if "requestBody" not in node:
            return [], False
        body, path = self._refs.follow(node["requestBody"], (*path, "requestBody"))
        content, path = mapping(body.get("content"), (*path, "content")), (*path, "content")
        json = self._content(content, path, _JSON_TYPE)
        schema = json or self._content(content, path, _FORM_TYPE)
        if schema is None or "properties" not in schema:
            wanted = "application/json or multipart/form-data with the fields of an object"
            raise DescriptionError(path, f"expected {wanted}, found {', '.join(content)}")
        required = schema.get("required", ()) if body.get("required") else ()
        fields = [
            Parameter(
                name=to_snake_case(name),
                wire_name=name,
                location="body",
                required=name in required and "default" not in field,
                schema=field,
                summary=_line(field.get("description")),
            )
            for name, field in schema["properties"].items()
        ]
        return fields, json is None

    def _media(self, node: Mapping[str, Any], path: KeyPath) -> frozenset[str]:
        """The types of successful answers that are no JSON."""
        path = (*path, "responses")
        found = set()
        for status, given in mapping(node.get("responses"), path).items():
            if status.startswith("2"):
                answer, place = self._refs.follow(given, (*path, status))
                kinds = mapping(answer.get("content", {}), (*place, "content"))
                found |= {kind.partition(";")[0].strip().lower() for kind in kinds if not _JSON_TYPE.fullmatch(kind)}
        return frozenset(found)

    def _response(self, node: Mapping[str, Any], path: KeyPath) -> Schema:
        """The schema of the first successful answer that has a JSON body; empty without one."""
        path = (*path, "responses")
        answers = mapping(node.get("responses"), path)
        for status in sorted(answers):
            if status.startswith("2"):
                answer, place = self._refs.follow(answers[status], (*path, status))
                place = (*place, "content")
                schema = self._content(mapping(answer.get("content", {}), place), place, _JSON_TYPE)
                if schema is not None:
                    return schema
        return {}

    def _content(self, content: Mapping[str, Any], path: KeyPath, type_: re.Pattern[str]) -> Schema | None:
        for kind, node in content.items():
            if type_.fullmatch(kind):
                place = (*path, kind)
                return self._refs.schema(mapping(node, place).get("schema", {}), (*place, "schema"))
        return None


def _name(node: Mapping[str, Any], path: KeyPath) -> str:
    """An operation's dotted name."""
    given = node.get("operationId")
    parts = [to_snake_case(part) for part in given.split(".")] if isinstance(given, str) else []
    if len(parts) != 2 or not all(part.isidentifier() for part in parts):  # noqa: PLR2004 - a group and a method
        raise DescriptionError(
            (*path, "operationId"), "expected a group and a method, such as things.list", found=given
        )
    return ".".join(parts)


def _complete(order: list[str], parameters: list[Parameter], path: KeyPath) -> None:
    """Every variable of a path is a parameter, and the other way round."""
    declared = [one.wire_name for one in parameters if one.location == "path"]
    for name in order:
        if name not in declared:
            raise DescriptionError((*path, "parameters"), f"expected a path parameter {name!r}, found none")
    for name in declared:
        if name not in order:
            raise DescriptionError(
                (*path, "parameters"), f"expected {{{name}}} in the path, found a parameter without it"
            )


def _distinct(parameters: list[Parameter], path: KeyPath) -> None:
    """No two parameters have one name in Python."""
    seen: dict[str, Parameter] = {}
    for one in parameters:
        other = seen.setdefault(one.name, one)
        if other is not one:
            both = f"{other.location} {other.wire_name!r} and {one.location} {one.wire_name!r}"
            raise DescriptionError(path, f"expected different names in Python, found {one.name!r} for {both}")


def _line(text: object) -> str:
    """The first line of a text."""
    lines = text.strip().splitlines() if isinstance(text, str) else []
    return lines[0].strip() if lines else ""
