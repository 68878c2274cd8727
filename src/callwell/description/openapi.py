# SPDX-License-Identifier: Apache-2.0
"""Reads an OpenAPI 3.0, 3.1 or 3.2 document into records: its operations, all references resolved.

`documents` loads JSON and YAML, and translates Swagger 2.0 first.

How a document becomes records:

    paths ── /things/{thingId} ── get ─┬─ operationId, tags ─> Operation.name      things.get (`operation_names`)
                  │                    ├─ parameters ───────> Operation.parameters
                  └─ parameters ───────┤                        those of the path first, replaced by those of the
                     (of the path)     │                        operation that have the same location and name
                                       ├─ requestBody ──────> Operation.parameters, .bodies (`request_bodies`)
                                       ├─ servers ──────────> Operation.server (`servers`)
                                       └─ responses, 2xx ───> Operation.response_schema (JSON), and how each media
                                                                type is read (`answer_types`)

* Only the keys that a client needs are read. Other keys are not checked.
* An operation that cannot be a typed method, or is described wrongly, is left out with its reason (`Api.left_out`).
  `support` lists what the client can send. Only what is not an OpenAPI document at all is refused.
* A field of a JSON body or of a form is a parameter like any other, so all calls look the same.
* A required parameter that a call omits is sent with its default, or with its only possible value. A field of a PATCH
  is not, because it would change something.
* `references` resolves references, `names` makes Python names, and errors are reported with file, key and line
  (`error`, `locate`).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from itertools import starmap
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast

from msgspec.structs import replace

from callwell.description import answer_types, support
from callwell.description.collection import without_gc
from callwell.description.documents.external import read_with_files
from callwell.description.documents.kinds import kind_of
from callwell.description.documents.reading import Document
from callwell.description.documents.swagger import translate
from callwell.description.error import DescriptionError, format_path
from callwell.description.model import Api, Operation, Parameter, UntypedRequest
from callwell.description.names import name_parameters, to_snake_case
from callwell.description.operation_names import OperationSource, name_operations
from callwell.description.plain_text import summarize
from callwell.description.query_objects import spread
from callwell.description.references import ReferenceResolver, expect_list, expect_object
from callwell.description.request_bodies import read_body
from callwell.description.schemas import stated_value
from callwell.description.servers import own_server
from callwell.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.description.answer_types import DeclaredAnswers
    from callwell.description.error import KeyPath
    from callwell.description.schemas import Schema

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
"""The keys of operations in a path item, in the order of OpenAPI's Path Item Object."""

LOCATIONS: Final = ("path", "query", "header", "cookie", "body")
"""The order of required parameters, and then of optional ones; generated methods have the same order."""

RESERVED_HEADERS: Final = frozenset({"authorization", "content-type"})
"""Header parameters with these names are ignored, as OpenAPI requires (Parameter Object, `in`): the client sets them.

OpenAPI also requires it for `Accept`, but documents declare that one where it chooses the type of the answer."""

_VERSION: Final = re.compile(r"3\.[0-2](\.\d+)?(-.*)?")
"""OpenAPI 3.0 to 3.2, with a patch version, and a pre-release suffix such as `-rc1`."""

_PATH_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")


@without_gc()
def read(source: Path | Document | Mapping[str, Any], *, file: str = "openapi.json") -> Api:
    """Read the operations of an OpenAPI document.

    Args:
        source: the document, or its file in JSON or YAML, which may refer to files next to it.
        file: the name of the document in errors, if `source` is not a file.

    Raises:
        ProfileError: the document cannot be used; the error has file, key and line.
    """
    document: Document | None = None
    if isinstance(source, Mapping):
        content: Mapping[str, Any] = source
    elif isinstance(source, Document):
        document = source
        content = document.content
    else:
        document = read_with_files(source)
        content = document.content
        file = str(source)
    try:
        if str(content.get("swagger")) == "2.0":
            content = translate(content)
        return _DocumentReader(content).read()
    except DescriptionError as error:
        line = document.line(error.path) or 1 if document else None
        raise ProfileError(file, format_path(error.path), error.expected, line=line) from None


class _Entry(NamedTuple):
    """One operation of the document, before it is read.

    Attributes:
        source: what its name is derived from.
        node: the operation, or a reference to it: many documents have one file for each operation.
        path: the path of the node.
        item: the path item that contains it.
        item_path: the path of the path item.
    """

    source: OperationSource
    node: object
    path: KeyPath
    item: Mapping[str, Any]
    item_path: KeyPath


class FoundOperation(NamedTuple):
    """An operation in a path item.

    Attributes:
        method: its HTTP method, as the document spells it.
        node: the operation, or a reference to it.
        keys: the keys that lead to it in the path item.
    """

    method: str
    node: object
    keys: KeyPath


def find_operations(item: Mapping[str, Any]) -> Iterator[FoundOperation]:
    """Find the operations of a path item. Since OpenAPI 3.2, it may contain any other method.

    Args:
        item: the path item.
    """
    for method in METHODS:
        if method in item:
            yield FoundOperation(method, item[method], (method,))
    others = item.get("additionalOperations")
    for method, node in others.items() if isinstance(others, dict) else ():
        yield FoundOperation(method, node, ("additionalOperations", method))


class _DocumentReader:
    """Reads one document. The argument `path` of a method is the path of its `node`, for errors."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._references = ReferenceResolver(document)
        self._known_parameters: dict[KeyPath, list[Parameter]] = {}
        self._left_out: list[UntypedRequest] = []
        self._assumed: list[str] = []

    def read(self) -> Api:
        version = self._document.get("openapi")
        if not isinstance(version, str | float) or not _VERSION.fullmatch(str(version)):
            raise DescriptionError(
                ("openapi",), f"expected a version 3.0, 3.1 or 3.2, or Swagger 2.0, found {kind_of(self._document)}"
            )
        info = self._document.get("info")
        about: Mapping[str, Any] = info if isinstance(info, dict) else {}
        entries = list(self._find_entries())
        names = name_operations([entry.source for entry in entries])
        operations: dict[str, Operation] = {}
        for name, entry in zip(names, entries, strict=True):
            try:
                operations[name] = self._operation(name, entry)
            except DescriptionError as error:
                self._skip(name, error, entry.source)
        return Api(
            title=str(about.get("title", "")),
            version=str(about.get("version", "")),
            operations=operations,
            left_out=tuple(self._left_out),
            assumed=(*self._assumed, *starmap(_assumed_any, self._references.dangling.items())),
        )

    def _skip(self, name: str, error: DescriptionError, source: OperationSource | None = None) -> None:
        self._left_out.append(
            UntypedRequest(
                operation=name,
                reason=f"{format_path(error.path)}: {error.expected}",
                method=source.method if source else "",
                path=_request_path(source.path) if source else name,
                operation_id=_other_name(name, source.operation_id) if source else "",
            )
        )

    def _find_entries(self) -> Iterator[_Entry]:
        """Find all operations. An unreadable path item is skipped as a whole, since its operations are unknown."""
        paths = self._document.get("paths", {})
        for template, item in expect_object(paths, ("paths",)).items():
            if template.startswith("x-"):  # an extension of the Paths Object
                continue
            try:
                node, path = self._references.resolve(item, ("paths", template))
            except DescriptionError as error:
                self._skip(template, error)
                continue
            for found in find_operations(node):
                yield self._entry(template, found, node, path)

    def _entry(self, template: str, found: FoundOperation, item: Mapping[str, Any], item_path: KeyPath) -> _Entry:
        node = found.node
        path = (*item_path, *found.keys)
        with contextlib.suppress(DescriptionError):  # reading the operation raises it again, with the operation's name
            node, path = self._references.resolve(node, path)
        source = _source(template, found.method, node)
        return _Entry(source=source, node=node, path=path, item=item, item_path=item_path)

    def _operation(self, name: str, entry: _Entry) -> Operation:
        item = entry.item
        node, path = self._references.resolve(entry.node, entry.path)
        template = entry.source.path
        parameters = {
            **self._parameters(item, entry.item_path),
            **self._parameters(node, path),
        }
        body = read_body(node, path, self._references, is_change=entry.source.method == "PATCH")
        variables = _PATH_VARIABLE.findall(template)
        in_path = self._path_parameters(parameters, variables, path)
        others = [parameter for parameter in parameters.values() if parameter.location != "path"]
        ordered = _sort_parameters([*in_path, *others, *body.arguments])
        schema, answers = self._answers(entry.source.method, node, path)
        return Operation(
            name=name,
            method=entry.source.method,
            path=_request_path(template),
            parameters=ordered,
            summary=summarize(node.get("summary") or node.get("description")),
            response_schema=schema,
            bodies=body.types(ordered),
            body_required=body.required or not body.drafts,
            keyless=node.get("security") == [],  # an empty list overrides the requirement of the document
            accept=answers.accept,
            media=answers.media,
            redirects=answers.redirects,
            operation_id=_other_name(name, entry.source.operation_id),
            server=own_server((node, item), self._document),
        )

    def _parameters(self, node: Mapping[str, Any], path: KeyPath) -> dict[tuple[str, str], Parameter]:
        """Read the parameters of a path or an operation, by location and name, which identify a parameter."""
        path = (*path, "parameters")
        parameters: dict[tuple[str, str], Parameter] = {}
        listed = node.get("parameters")
        for index, parameter_node in enumerate([] if listed is None else expect_list(listed, path)):
            for parameter in self._spread_parameter(parameter_node, (*path, str(index))):
                if parameter.location != "header" or parameter.wire_name.lower() not in RESERVED_HEADERS:
                    parameters[parameter.location, parameter.wire_name] = parameter
        return parameters

    def _spread_parameter(self, node: object, path: KeyPath) -> list[Parameter]:
        """The parameters that one entry stands for, see `spread`. One that many operations refer to is read once."""
        found, place = self._references.resolve(node, path)
        if place not in self._known_parameters:
            self._known_parameters[place] = list(spread(self._parameter(found, place)))
        return self._known_parameters[place]

    def _path_parameters(
        self, parameters: Mapping[tuple[str, str], Parameter], variables: list[str], path: KeyPath
    ) -> list[Parameter]:
        """The path parameters, in the order of the variables. A parameter without a variable cannot be sent."""
        path = (*path, "parameters")
        found: list[Parameter] = []
        for name in dict.fromkeys(variables):
            parameter = parameters.get(("path", name))
            if parameter is None:
                if not name:
                    raise DescriptionError(path, "expected a name in the braces of the path, found none")
                self._assumed.append(f"{format_path(path)}: no parameter for {{{name}}} of the path; it takes a string")
                parameter = Parameter(
                    name=to_snake_case(name),
                    wire_name=name,
                    location="path",
                    required=True,
                    schema={"type": "string"},
                    summary="Assumed: the document does not describe it.",
                )
            found.append(parameter)
        for location, name in parameters:
            if location == "path" and name not in variables:
                self._assumed.append(f"{format_path(path)}: {{{name}}} is not in the path; the parameter is not sent")
        return found

    def _parameter(self, node: Mapping[str, Any], path: KeyPath) -> Parameter:
        name = node.get("name")
        location = node.get("in")
        if not isinstance(name, str) or not name:
            raise DescriptionError((*path, "name"), "expected a name", found=name)
        if location == "querystring":
            node = support.querystring_parameter(node, path)
            location = "query"
        support.check_parameter(node, path)
        content = self._references.media_types(node, path)
        media_type = next(iter(content), "")
        owner, owner_path = content.get(media_type, (node, path))
        schema = self._references.resolve_schema(owner.get("schema", {}), (*owner_path, "schema"))
        is_accept = location == "header" and name.lower() == "accept"  # the client sends it anyway
        required = location == "path" or (bool(node.get("required")) and not is_accept)
        default = _default(schema) if required else None
        explode = node.get("explode")
        return Parameter(
            name=to_snake_case(name),
            wire_name=name,
            location=cast("Literal['path', 'query', 'header', 'cookie']", location),
            required=required and default is None,
            schema=schema,
            summary=summarize(node.get("description")),
            style="" if media_type else node.get("style", ""),
            explode=explode if isinstance(explode, bool) else None,
            content=media_type,
            allow_reserved=node.get("allowReserved") is True,
            default=default,
        )

    def _answers(self, method: str, node: Mapping[str, Any], path: KeyPath) -> tuple[Schema, DeclaredAnswers]:
        """Read the JSON schema of successful responses, a union if they differ, and how each media type is decoded."""
        path = (*path, "responses")
        is_optional = not str(self._document["openapi"]).startswith("3.0")  # since OpenAPI 3.1
        responses = {} if is_optional and "responses" not in node else expect_object(node.get("responses"), path)
        contents: list[dict[str, Schema]] = []
        for status in answer_types.success_statuses(responses):
            response, response_path = self._references.resolve(responses[status], (*path, status))
            content = self._references.media_types(response, response_path)
            contents.append({name: self._media_schema(*media) for name, media in content.items()})
        answers = answer_types.declared_answers(method, responses, contents)
        return answer_types.json_schema(contents), answers

    def _media_schema(self, media: Mapping[str, Any], path: KeyPath) -> Schema:
        """Read the schema of one media type."""
        return self._references.resolve_schema(media.get("schema", {}), (*path, "schema"))


def _source(template: str, method: str, node: object) -> OperationSource:
    """Collect what an operation's name is derived from. Values that are not strings are ignored."""
    operation: Mapping[str, Any] = node if isinstance(node, dict) else {}
    operation_id = operation.get("operationId")
    tags = operation.get("tags")
    tag = tags[0] if isinstance(tags, list) and tags else ""
    return OperationSource(
        operation_id=operation_id if isinstance(operation_id, str) else "",
        tag=tag if isinstance(tag, str) else "",
        method=method.upper(),
        path=template,
    )


def _other_name(name: str, operation_id: str) -> str:
    """The `operationId` of an operation, if it differs from its name."""
    return "" if operation_id == name else operation_id


def _request_path(template: str) -> str:
    """A path without its fragment, by which some documents tell operations with the same path apart."""
    return template.partition("#")[0]


def _sort_parameters(parameters: list[Parameter]) -> tuple[Parameter, ...]:
    """Sort parameters: required ones first, then by location, then in the order of the document.

    Name clashes are resolved by location alone, so an argument that becomes optional keeps its name.
    """
    ordered = sorted(parameters, key=lambda parameter: LOCATIONS.index(parameter.location))
    names = name_parameters([(parameter.location, parameter.wire_name or parameter.name) for parameter in ordered])
    named = [
        parameter if parameter.name == name else replace(parameter, name=name)
        for parameter, name in zip(ordered, names, strict=True)
    ]
    return tuple(sorted(named, key=lambda parameter: not parameter.required))


def _assumed_any(reference: str, place: str) -> str:
    """The remark about a dangling reference to a schema."""
    return f"{place}: {reference} is not in the document; any value is accepted"


def _default(schema: Schema) -> Any:
    """The value of a required parameter that a call may omit: its default, or its only possible value."""
    values = schema.get("enum")
    only = values[0] if isinstance(values, list) and len(values) == 1 else None
    return stated_value(schema, schema.get("default", schema.get("const", only)))
