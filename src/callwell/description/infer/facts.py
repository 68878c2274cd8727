# SPDX-License-Identifier: Apache-2.0
"""The facts that inference reads from a document: operations as records, and responses, which records do not keep."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.core.media_types import base_type
from callwell.description.error import DescriptionError
from callwell.description.openapi import find_operations
from callwell.description.references import ReferenceResolver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.description.model import Api
    from callwell.description.schemas import Schema


class DescribedResponse(NamedTuple):
    """One documented response.

    Attributes:
        method: the HTTP method of its operation, in upper case.
        path: the path template of its operation.
        status: its status as written in the document: `200`, `4XX`, `default`.
        description: its description.
        headers: its headers, by name in lower case, each with its description.
        media: its media types.
        schema: the JSON schema of its body, with references resolved; empty without one.
    """

    method: str
    path: str
    status: str
    description: str
    headers: Mapping[str, str]
    media: tuple[str, ...]
    schema: Schema


class DocumentFacts(NamedTuple):
    """The facts of a document.

    Attributes:
        document: the document, as OpenAPI 3.
        api: its operations.
        responses: all documented responses.
        address: the URL of the document; empty if it came from a file.
    """

    document: Mapping[str, Any]
    api: Api
    responses: tuple[DescribedResponse, ...]
    address: str = ""


def read_facts(document: Mapping[str, Any], api: Api, address: str = "") -> DocumentFacts:
    """Read the facts of a document. Invalid parts are left out.

    Args:
        document: the document, as OpenAPI 3.
        api: its operations.
        address: the URL that it came from; empty if it came from a file.
    """
    return DocumentFacts(document=document, api=api, responses=tuple(_iter_responses(document)), address=address)


def as_mapping(node: object) -> Mapping[str, Any]:
    """Return the node if it is an object, else an empty object."""
    return node if isinstance(node, dict) else {}


def as_text(node: object) -> str:
    """Return the node on one line if it is a string, else an empty string."""
    return " ".join(node.split()) if isinstance(node, str) else ""


def iter_operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the method in upper case, the path and the Operation Object of each operation."""
    references = ReferenceResolver(document)
    for path, item in as_mapping(document.get("paths")).items():
        try:
            node, _ = references.resolve(item, ("paths", path))
        except DescriptionError:
            continue
        for found in find_operations(node):
            with contextlib.suppress(DescriptionError):
                operation, _ = references.resolve(found.node, ("paths", path, *found.keys))
                yield found.method.upper(), path, operation


def _iter_responses(document: Mapping[str, Any]) -> Iterator[DescribedResponse]:
    references = ReferenceResolver(document)
    for method, path, operation in iter_operations(document):
        for status, node in as_mapping(operation.get("responses")).items():
            try:
                response, _ = references.resolve(node, ("paths", path, method, "responses", status))
                yield _read_response(references, response, method, path, str(status))
            except DescriptionError:
                continue


def _read_response(
    references: ReferenceResolver, node: Mapping[str, Any], method: str, path: str, status: str
) -> DescribedResponse:
    content = references.media_types(node, ("responses", status))
    json_type = next((name for name in content if "json" in name.lower()), "*/*")
    schema = content[json_type][0].get("schema", {}) if json_type in content else {}
    headers: dict[str, str] = {}
    for name, header in as_mapping(node.get("headers")).items():
        resolved, _ = references.resolve(header, ("headers", name))
        headers[name.lower()] = as_text(resolved.get("description"))
    return DescribedResponse(
        method=method,
        path=path.partition("#")[0],
        status=status,
        description=as_text(node.get("description")),
        headers=headers,
        media=tuple(map(base_type, content)),
        schema=references.resolve_schema(schema, ("responses", status)),
    )
