# SPDX-License-Identifier: Apache-2.0
"""Reads an OpenAPI 3.0 or 3.1 document into records: its operations with their parameters, all references resolved.

How a document becomes records:

    paths ── /things/{thingId} ── get ─┬─ operationId ──────> Operation.name      things.get
                  │                    ├─ parameters ───────> Operation.parameters
                  └─ parameters ───────┤                        those of the path first, replaced by those of the
                     (of the path)     │                        operation that have the same location and name
                                       ├─ requestBody ──────> Operation.parameters, one for each field of the object
                                       └─ responses, 2xx ───> Operation.response_schema (JSON), .media (all else)

* Only what a client needs is read. A key that is not read is not checked.
* The name of an operation is its `operationId`, which must have two parts: a group and a method, `things.get`. They
  become an attribute of the client and a method of it.
* A field of a JSON body or of a form is a parameter like any other, so a call looks the same wherever its values go.
  JSON goes first where a body may be either. A body that is no object with properties is refused.
* A parameter that is called required but has a default is optional: the provider fills it in.
* Parameters in cookies are refused, and so is a path if its variables and its path parameters differ.
* References are resolved by `references`, Python's names are made by `names`, and whatever is wrong is reported with
  file, key and line (`error`, `locate`).
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
from callwell.description.references import ReferenceResolver, expect_list, expect_object
from callwell.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.description.error import KeyPath
    from callwell.description.schemas import Schema

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""The keys of a path item that are operations, in the order of OpenAPI's Path Item Object."""

LOCATIONS: Final = ("path", "query", "header", "body")
"""The order of an operation's parameters, and so of the arguments of generated methods."""

RESERVED_HEADERS: Final = frozenset({"accept", "authorization", "content-type"})
"""Header parameters of these names are ignored, as OpenAPI demands (Parameter Object, `in`): the client sets them."""

_VERSION: Final = re.compile(r"3\.[01](\.\d+)?")
_PATH_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
_JSON_TYPE: Final = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
_FORM_TYPE: Final = re.compile(r"multipart/form-data\s*(?:;.*)?", re.IGNORECASE)
_ERROR_POSITION: Final = re.compile(r"byte (\d+)")
"""How msgspec says where a document is broken."""


def read(source: Path | Mapping[str, Any], *, file: str = "openapi.json") -> Api:
    """The operations of an OpenAPI document.

    Args:
        source: the document, or the JSON file that holds it.
        file: the name in errors of a document that is no file.

    Raises:
        ProfileError: the document cannot be used; the error has file, key and line.
    """
    if isinstance(source, Mapping):
        document: Mapping[str, Any] = source
        text = ""
    else:
        document, text = _load(source)
        file = str(source)
    try:
        return _DocumentReader(document).read()
    except DescriptionError as error:
        raise error.to_profile_error(file, text, json_line) from None


def _load(file: Path) -> tuple[Mapping[str, Any], str]:
    """The document in a file, and its text."""
    try:
        content = file.read_bytes()
        document = msgspec.json.decode(content)
    except OSError as error:
        raise ProfileError(
            str(file), "document", f"expected a file that can be read, found {error.strerror}"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        position = _ERROR_POSITION.search(str(error))
        line = content.count(b"\n", 0, int(position[1])) + 1 if position else None
        raise ProfileError(str(file), "document", f"expected JSON, found an error: {error}", line=line) from error
    if not isinstance(document, dict):
        raise ProfileError(str(file), "document", f"expected an object, {found_value(document)}", line=1)
    return document, content.decode()


class _DocumentReader:
    """Reads one document. The `path` of each method is where its `node` stands, for errors."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._references = ReferenceResolver(document)

    def read(self) -> Api:
        version = self._document.get("openapi")
        if not isinstance(version, str) or not _VERSION.fullmatch(version):
            raise DescriptionError(("openapi",), "expected a version 3.0 or 3.1", found=version)
        info = expect_object(self._document.get("info"), ("info",))
        operations: dict[str, Operation] = {}
        for operation, path in self._operations():
            if operation.name in operations:
                raise DescriptionError(
                    (*path, "operationId"), f"expected a unique name, found {operation.name!r} a second time"
                )
            operations[operation.name] = operation
        return Api(title=str(info.get("title", "")), version=str(info.get("version", "")), operations=operations)

    def _operations(self) -> Iterator[tuple[Operation, KeyPath]]:
        for template, item in expect_object(self._document.get("paths"), ("paths",)).items():
            node, path = self._references.resolve(item, ("paths", template))
            for method in METHODS:
                if method in node:
                    yield self._operation(template, method, node, path), (*path, method)

    def _operation(self, template: str, method: str, item: Mapping[str, Any], item_path: KeyPath) -> Operation:
        path = (*item_path, method)
        node = expect_object(item[method], path)
        of_path = self._parameters(item, item_path)
        of_operation = self._parameters(node, path)
        fields, form = self._body(node, path)
        parameters = [*{**of_path, **of_operation}.values(), *fields]
        variables = _PATH_VARIABLE.findall(template)
        _check_path_parameters(variables, parameters, path)
        _check_python_names(parameters, path)
        return Operation(
            name=_operation_name(node, path),
            method=method.upper(),
            path=template,
            parameters=_sort_parameters(parameters, variables),
            summary=_first_line(node.get("summary") or node.get("description")),
            response_schema=self._response_schema(node, path),
            form=form,
            keyless=node.get("security") == [],  # an empty list lifts the document's own requirement
            media=self._other_media_types(node, path),
        )

    def _parameters(self, node: Mapping[str, Any], path: KeyPath) -> dict[tuple[str, str], Parameter]:
        """The parameters of a path or of an operation, by location and name: together these are unique in OpenAPI."""
        path = (*path, "parameters")
        parameters: dict[tuple[str, str], Parameter] = {}
        for index, one in enumerate(expect_list(node.get("parameters", []), path)):
            parameter = self._parameter(*self._references.resolve(one, (*path, str(index))))
            if parameter.location != "header" or parameter.wire_name.lower() not in RESERVED_HEADERS:
                parameters[parameter.location, parameter.wire_name] = parameter
        return parameters

    def _parameter(self, node: Mapping[str, Any], path: KeyPath) -> Parameter:
        name = node.get("name")
        location = node.get("in")
        if not isinstance(name, str) or not to_snake_case(name):
            raise DescriptionError((*path, "name"), "expected a name", found=name)
        if location not in ("path", "query", "header"):
            raise DescriptionError((*path, "in"), "expected path, query or header", found=location)
        schema = self._references.resolve_schema(node.get("schema", {}), (*path, "schema"))
        return Parameter(
            name=to_snake_case(name),
            wire_name=name,
            location=cast("Literal['path', 'query', 'header']", location),
            required=location == "path" or (bool(node.get("required")) and "default" not in schema),
            schema=schema,
            summary=_first_line(node.get("description")),
            style="deepObject" if node.get("style") == "deepObject" else "form",
            explode=bool(node.get("explode", True)),
        )

    def _body(self, node: Mapping[str, Any], path: KeyPath) -> tuple[list[Parameter], bool]:
        """The fields of the body, and whether it is a form."""
        if "requestBody" not in node:
            return [], False
        body, path = self._references.resolve(node["requestBody"], (*path, "requestBody"))
        path = (*path, "content")
        content = expect_object(body.get("content"), path)
        json_schema = self._content_schema(content, path, _JSON_TYPE)
        schema = json_schema or self._content_schema(content, path, _FORM_TYPE)
        if schema is None or "properties" not in schema:
            wanted = "application/json or multipart/form-data with an object that has properties"
            raise DescriptionError(path, f"expected {wanted}, found {', '.join(content)}")
        # Nothing is required of a body that may be left out.
        required = schema.get("required", ()) if body.get("required") else ()
        fields = [
            Parameter(
                name=to_snake_case(name),
                wire_name=name,
                location="body",
                required=name in required and "default" not in field,
                schema=field,
                summary=_first_line(field.get("description")),
            )
            for name, field in schema["properties"].items()
        ]
        return fields, json_schema is None

    def _response_schema(self, node: Mapping[str, Any], path: KeyPath) -> Schema:
        """The JSON schema of the successful response with the lowest status; empty without one."""
        for content, content_path in self._successful_contents(node, path):
            schema = self._content_schema(content, content_path, _JSON_TYPE)
            if schema is not None:
                return schema
        return {}

    def _other_media_types(self, node: Mapping[str, Any], path: KeyPath) -> tuple[str, ...]:
        """The media types of successful responses besides JSON, each once, in the order of the document."""
        named = (
            media_type.partition(";")[0].strip().lower()
            for content, _ in self._successful_contents(node, path)
            for media_type in content
            if not _JSON_TYPE.fullmatch(media_type)
        )
        return tuple(dict.fromkeys(named))

    def _successful_contents(
        self, node: Mapping[str, Any], path: KeyPath
    ) -> Iterator[tuple[Mapping[str, Any], KeyPath]]:
        """The `content` of each 2xx response, by ascending status."""
        path = (*path, "responses")
        responses = expect_object(node.get("responses"), path)
        for status in sorted(responses):
            if status.startswith("2"):
                response, response_path = self._references.resolve(responses[status], (*path, status))
                content_path = (*response_path, "content")
                yield expect_object(response.get("content", {}), content_path), content_path

    def _content_schema(self, content: Mapping[str, Any], path: KeyPath, media_types: re.Pattern[str]) -> Schema | None:
        """The schema of the first of these media types, None if there is none of them."""
        for media_type, node in content.items():
            if media_types.fullmatch(media_type):
                path = (*path, media_type)
                return self._references.resolve_schema(expect_object(node, path).get("schema", {}), (*path, "schema"))
        return None


def _operation_name(node: Mapping[str, Any], path: KeyPath) -> str:
    """The group and the method of an operation, in snake case."""
    given = node.get("operationId")
    parts = [to_snake_case(part) for part in given.split(".")] if isinstance(given, str) else []
    if len(parts) != 2 or not all(part.isidentifier() for part in parts):  # noqa: PLR2004 - a group and a method
        raise DescriptionError(
            (*path, "operationId"), "expected a group and a method, such as things.list", found=given
        )
    return ".".join(parts)


def _sort_parameters(parameters: list[Parameter], variables: list[str]) -> tuple[Parameter, ...]:
    """Parameters by location, those of the path in the order of its variables, others as the document has them."""

    def position(parameter: Parameter) -> tuple[int, int]:
        in_path = variables.index(parameter.wire_name) if parameter.location == "path" else 0
        return LOCATIONS.index(parameter.location), in_path

    return tuple(sorted(parameters, key=position))


def _check_path_parameters(variables: list[str], parameters: list[Parameter], path: KeyPath) -> None:
    """Every variable of a path must have a parameter, and every path parameter a variable."""
    declared = [parameter.wire_name for parameter in parameters if parameter.location == "path"]
    for name in variables:
        if name not in declared:
            raise DescriptionError((*path, "parameters"), f"expected a path parameter {name!r}, found none")
    for name in declared:
        if name not in variables:
            raise DescriptionError(
                (*path, "parameters"), f"expected {{{name}}} in the path, found a parameter without it"
            )


def _check_python_names(parameters: list[Parameter], path: KeyPath) -> None:
    """No two parameters may have one name in Python: a call could not tell them apart."""
    by_name: dict[str, Parameter] = {}
    for parameter in parameters:
        other = by_name.setdefault(parameter.name, parameter)
        if other is not parameter:
            both = f"{other.location} {other.wire_name!r} and {parameter.location} {parameter.wire_name!r}"
            raise DescriptionError(path, f"expected different names in Python, found {parameter.name!r} for {both}")


def _first_line(text: object) -> str:
    """The first line of a text; empty for anything else."""
    lines = text.strip().splitlines() if isinstance(text, str) else []
    return lines[0].strip() if lines else ""
