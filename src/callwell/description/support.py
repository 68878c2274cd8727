# SPDX-License-Identifier: Apache-2.0
"""What requests of the described kinds the client can make: the only place that judges it. It can read any response.

An operation that needs anything else cannot be a typed method. It is left out of the description with the reason given
here, and stays reachable by `client.request`. When the client learns one more kind, its line is added to a table below,
and the reason is gone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from callwell.description import schemas
from callwell.description.error import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.description.error import KeyPath

STYLES: Final[Mapping[str, tuple[str, ...]]] = {
    "path": ("simple",),
    "query": ("form", "deepObject"),
    "header": ("simple",),
}
"""Location of a parameter → the styles in which it can be written; the first is OpenAPI's default."""

JSON_BODY_TYPE: Final = re.compile(r"application/json\s*(?:;.*)?", re.IGNORECASE)
"""Media types of bodies that are sent as JSON: all go under the name `application/json`."""

FORM_TYPE: Final = re.compile(r"multipart/form-data\s*(?:;.*)?", re.IGNORECASE)

BODY_TYPES: Final = (JSON_BODY_TYPE, FORM_TYPE)
"""The media types of bodies that can be sent, those that are preferred first."""


def check_parameter(node: Mapping[str, Any], schema: Mapping[str, Any], path: KeyPath) -> None:
    """See that a parameter can be sent.

    Args:
        node: the parameter.
        schema: its schema.
        path: where it stands.

    Raises:
        DescriptionError: it cannot.
    """
    location = str(node.get("in"))
    if location not in STYLES:
        raise DescriptionError((*path, "in"), f"expected {_any_of(tuple(STYLES))}", found=node.get("in"))
    if "content" in node:
        raise DescriptionError((*path, "content"), "expected a schema, found a media type for the parameter")
    style = node.get("style", STYLES[location][0])
    if style not in STYLES[location]:
        raise DescriptionError((*path, "style"), f"expected {_any_of(STYLES[location])}", found=style)
    if style == "deepObject" and any("array" in schemas.type_names(one) for one in schemas.alternatives(schema)):
        raise DescriptionError((*path, "style"), "expected form for a list, found 'deepObject'")
    if node.get("allowReserved"):
        raise DescriptionError((*path, "allowReserved"), "expected reserved characters to be escaped", found=True)


def check_body(body: Mapping[str, Any], media_type: str, schema: Mapping[str, Any], path: KeyPath) -> None:
    """See that a body of one of `BODY_TYPES` can be made of arguments.

    Args:
        body: the Request Body Object.
        media_type: the type that would be sent.
        schema: the schema of that type.
        path: where the body stands.

    Raises:
        DescriptionError: it cannot.
    """
    if not body.get("required"):
        raise DescriptionError((*path, "required"), "expected a body that is required, found one that is optional")
    if "properties" not in schema or set(schemas.type_names(schema)) != {"object"}:
        kind = " or ".join(schemas.type_names(schema)) or "any value"
        if "anyOf" in schema or "oneOf" in schema:
            kind = "one of several types"
        elif kind == "object":
            kind = "an object without properties"
        raise DescriptionError((*path, "content", media_type), f"expected an object with properties, found {kind}")


def check_address(template: str, *, has_query: bool, path: KeyPath) -> None:
    """See that a request can be sent to where a path leads.

    Args:
        template: the path template.
        has_query: there are query parameters.
        path: where the operation stands.

    Raises:
        DescriptionError: it cannot.
    """
    if "?" in template and has_query:
        raise DescriptionError(path, f"expected a path without a query beside query parameters, found {template!r}")


def check_servers(node: Mapping[str, Any], document: Mapping[str, Any], path: KeyPath) -> None:
    """See that a path item or an operation is not on a server of its own.

    Args:
        node: the path item or the operation.
        document: the whole document.
        path: where the node stands.

    Raises:
        DescriptionError: it is.
    """
    addresses = _addresses(node)
    if addresses and addresses[0] not in _addresses(document):
        raise DescriptionError((*path, "servers"), f"expected the servers of the document, found {addresses[0]}")


def _addresses(node: Mapping[str, Any]) -> list[str]:
    """The addresses of the servers that a node names."""
    servers = node.get("servers")
    if not isinstance(servers, list):
        return []
    # Without the scheme: `//host` stands beside `https://host` in documents that were converted from Swagger 2.0.
    return [re.sub("^https?:(?=//)", "", str(one.get("url"))) for one in servers if isinstance(one, dict)]


def _any_of(names: tuple[str, ...]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
