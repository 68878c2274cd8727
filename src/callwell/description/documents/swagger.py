# SPDX-License-Identifier: Apache-2.0
"""Translates Swagger 2.0 into OpenAPI 3.0, as far as a client reads it.

    definitions ──────────────> components.schemas     references to them follow
    parameters, responses ────> where they are used
    in: body ─────────────────> requestBody, in each media type of `consumes`
    in: formData ─────────────> requestBody, one property for each; multipart if there is a file
    schema of a response ─────> its content, in each media type of `produces`
    collectionFormat ─────────> style and explode
    host, basePath, schemes ──> servers
    securityDefinitions ──────> components.securitySchemes

Errors in the document are kept, and the reader of OpenAPI 3 reports them. The paths in its messages are those of the
translated document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.core.media_types import JSON
from callwell.description.error import DescriptionError
from callwell.description.references import ReferenceResolver

if TYPE_CHECKING:
    from collections.abc import Mapping

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch")
URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"

COLLECTIONS: Final[Mapping[str, tuple[str, bool]]] = {
    "csv": ("form", False),
    "multi": ("form", True),
    "ssv": ("spaceDelimited", False),
    "pipes": ("pipeDelimited", False),
    "tsv": ("tabDelimited", False),
}
"""`collectionFormat` → style and explode of a query parameter, or of a field of a form."""

NOT_IN_SCHEMA: Final = frozenset(
    {"name", "in", "description", "required", "collectionFormat", "allowEmptyValue", "schema"}
)
"""The keys of a parameter that do not belong to its schema."""

_MOVED_POINTERS: Final = {"#/definitions/": "#/components/schemas/", "#/responses/": "#/components/responses/"}


def translate(document: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a document to OpenAPI 3.0.

    Args:
        document: a Swagger 2.0 document.
    """
    translator = _Translator(document)
    paths = document.get("paths")
    responses = _objects(document.get("responses"))
    translated = {
        "openapi": "3.0.4",
        "info": document.get("info"),
        "servers": _servers(document),
        "paths": {name: translator.path_item(item) for name, item in paths.items()}
        if isinstance(paths, dict)
        else paths,
        "components": {
            "schemas": document.get("definitions", {}),
            "responses": {
                name: translator.response(response, translator.produces) for name, response in responses.items()
            },
            "securitySchemes": {
                name: _security_scheme(scheme) for name, scheme in _objects(document.get("securityDefinitions")).items()
            },
        },
    }
    if "security" in document:
        translated["security"] = document["security"]
    moved: dict[str, Any] = _with_moved_references(translated, {})
    return moved


def _security_scheme(node: Any) -> Any:
    """Translate a security scheme: `basic` becomes an HTTP scheme, and OAuth URLs move into flows."""
    scheme = node if isinstance(node, dict) else {}
    if scheme.get("type") == "basic":
        return {**scheme, "type": "http", "scheme": "basic"}
    if scheme.get("type") == "oauth2":
        return {**scheme, "flows": {str(scheme.get("flow")): scheme}}
    return node


class _Translator:
    """Translates the operations of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._references = ReferenceResolver(document)
        self._consumes = _texts(document.get("consumes"))
        self.produces = _texts(document.get("produces")) or [JSON]

    def path_item(self, item: Any) -> Any:
        if not isinstance(item, dict):
            return item
        of_path = self._parameters(item)
        translated = {key: value for key, value in item.items() if key not in (*METHODS, "parameters")}
        for method in METHODS:
            if method in item:
                translated[method] = self._operation(item[method], of_path)
        return translated

    def response(self, node: Any, produces: list[str]) -> Any:
        if not isinstance(node, dict) or "schema" not in node:
            return node
        schema = node["schema"]
        if isinstance(schema, dict) and schema.get("type") == "file":
            schema = {"type": "string", "format": "binary"}
        return {**node, "content": {media_type: {"schema": schema} for media_type in produces}}

    def _operation(self, node: Any, of_path: list[Any]) -> Any:
        if not isinstance(node, dict):
            return node
        own = self._parameters(node)
        names = {_identity(parameter) for parameter in own}
        inherited = [parameter for parameter in of_path if _identity(parameter) not in names]
        parameters = [*inherited, *own]
        produces = _texts(node.get("produces")) or self.produces
        responses = node.get("responses")
        translated = {key: value for key, value in node.items() if key not in ("consumes", "produces", "schemes")}
        translated["parameters"] = [
            _parameter(parameter) for parameter in parameters if _location(parameter) not in ("body", "formData")
        ]
        body = self._body(parameters, _texts(node.get("consumes")) or self._consumes)
        if body is not None:
            translated["requestBody"] = body
        if isinstance(responses, dict):
            translated["responses"] = {
                status: self.response(response, produces) for status, response in responses.items()
            }
        return translated

    def _parameters(self, node: Mapping[str, Any]) -> list[Any]:
        """The parameters of a path or an operation, with shared ones inlined."""
        given = node.get("parameters", [])
        if not isinstance(given, list):
            return []
        parameters: list[Any] = []
        for parameter in given:
            try:
                parameters.append(self._references.resolve(parameter, ())[0])
            except DescriptionError:
                parameters.append(parameter)  # the reader reports it, with its path
        return parameters

    def _body(self, parameters: list[Any], consumes: list[str]) -> dict[str, Any] | None:
        for parameter in parameters:
            if _location(parameter) == "body":
                content = {media_type: {"schema": parameter.get("schema", {})} for media_type in consumes or [JSON]}
                return {"required": parameter.get("required", False), "content": content}
        fields = [
            field for field in parameters if _location(field) == "formData" and isinstance(field.get("name"), str)
        ]
        if not fields:
            return None
        properties = {field["name"]: {"description": field.get("description"), **_schema(field)} for field in fields}
        required = [field["name"] for field in fields if field.get("required")]
        schema = {"type": "object", "properties": properties, "required": required}
        has_file = any(field.get("type") == "file" for field in fields)
        kinds = [kind for kind in (MULTIPART, URLENCODED) if kind in consumes]
        media_type = MULTIPART if has_file else (kinds or [URLENCODED])[-1]
        encoding = {field["name"]: _list_style(field) for field in fields if field.get("type") == "array"}
        return {"required": bool(required), "content": {media_type: {"schema": schema, "encoding": encoding}}}


def _identity(parameter: Any) -> str:
    """What identifies a parameter: one of an operation replaces the equal one of its path."""
    return f"{parameter.get('in')} {parameter.get('name')}" if isinstance(parameter, dict) else repr(parameter)


def _location(parameter: Any) -> object:
    return parameter.get("in") if isinstance(parameter, dict) else None


def _parameter(node: Any) -> Any:
    """Translate a parameter in path, query or header."""
    if not isinstance(node, dict) or "$ref" in node:
        return node
    translated = {key: node[key] for key in ("name", "in", "description", "required") if key in node}
    translated["schema"] = _schema(node)
    if node.get("type") == "array" and node.get("in") == "query":
        translated.update(_list_style(node))
    return translated


def _list_style(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """Translate the style of a list."""
    style, explode = COLLECTIONS.get(str(parameter.get("collectionFormat", "csv")), ("unknown", False))
    return {"style": style, "explode": explode}


def _schema(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """Move the keywords of a parameter into a schema."""
    schema = {key: value for key, value in parameter.items() if key not in NOT_IN_SCHEMA}
    if schema.get("type") == "file":
        schema.update({"type": "string", "format": "binary"})
    return schema


def _servers(document: Mapping[str, Any]) -> list[dict[str, str]]:
    host = document.get("host")
    base = document.get("basePath")
    path = base if isinstance(base, str) and base != "/" else ""
    if not isinstance(host, str) or not host:
        return [{"url": path}] if path else []
    return [{"url": f"{scheme}://{host}{path}"} for scheme in _texts(document.get("schemes")) or ["https"]]


def _with_moved_references(node: Any, done: dict[int, Any]) -> Any:
    """Copy a node, with references rewritten to where their targets moved. Each shared object is copied once."""
    if not isinstance(node, dict | list):
        return node
    if id(node) in done:
        return done[id(node)]
    if isinstance(node, list):
        copied: list[Any] = []
        done[id(node)] = copied
        copied.extend(_with_moved_references(item, done) for item in node)
        return copied
    moved: dict[str, Any] = {}
    done[id(node)] = moved
    for key, value in node.items():
        if key == "$ref" and isinstance(value, str):
            moved[key] = next(
                (new + value[len(old) :] for old, new in _MOVED_POINTERS.items() if value.startswith(old)), value
            )
        elif key == "x-nullable":
            moved["nullable"] = value
        else:
            moved[key] = _with_moved_references(value, done)
    return moved


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _objects(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
