# SPDX-License-Identifier: Apache-2.0
"""Recognizes documents that are not OpenAPI documents, to say in an error what was given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

POSTMAN: Final = "a Postman collection; export or convert it as OpenAPI"
INSOMNIA: Final = "an Insomnia export; export it as OpenAPI"

KEY_KINDS: Final = {
    "asyncapi": "an AsyncAPI document, which describes messages",
    "arazzo": "an Arazzo document, which describes workflows",
    "overlay": "an OpenAPI overlay; apply it to its document first",
    "swaggerVersion": "a Swagger 1 document; convert it to OpenAPI 3",
    "__schema": "a GraphQL schema",
    "_postman_id": POSTMAN,
    "__export_format": INSOMNIA,
    "discoveryVersion": "a Google API Discovery document; convert it with the npm package google-discovery-to-swagger",
    "smithy": "a Smithy model; build the OpenAPI document of its service",
    "$schema": "a JSON Schema, which has no operations",
}
"""Keys that identify a kind of document, at its top level or one level below."""

VALUE_KINDS: Final = ((("schema", "schema.getpostman.com"), POSTMAN), (("type", "insomnia"), INSOMNIA))
"""Strings under a key that identify a kind of document, at its top level or up to two levels below."""

TEXT_KINDS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE | re.MULTILINE), kind)
    for pattern, kind in (
        (rb"^#%RAML", "a RAML document; convert it to OpenAPI"),
        (rb"\A\s*FORMAT: *1A", "an API Blueprint; convert it to OpenAPI"),
        (rb"^(?:schema|(?:extend +)?type +\w+|interface +\w+|input +\w+)\b[^:\n]*\{", "a GraphQL schema"),
        (rb"^syntax *= *\"proto\d", "a Protocol Buffers file, which describes gRPC"),
        (rb"^\$version: *\"[12]", "a Smithy model; build the OpenAPI document of its service"),
        (rb"^import +\"@typespec/|^using +TypeSpec\.", "a TypeSpec file; compile it to OpenAPI"),
    )
)
"""How documents begin that are neither JSON nor XML. A YAML parser accepts some of them."""

XML_KINDS: Final = (
    (b"schemas.xmlsoap.org/wsdl", "a WSDL document, which describes SOAP"),
    (b"wadl.dev.java.net", "a WADL document; convert it to OpenAPI"),
    (b"edmx", "the metadata of an OData service; convert them to OpenAPI"),
    (b"<html", "a page (HTML)"),
    (b"<!doctype html", "a page (HTML)"),
)

HEAD_BYTES: Final = 4096
"""How many bytes of a text are searched for its kind: license comments come first."""


def kind_of(document: Mapping[str, object]) -> str:
    """The kind of a document that is not an OpenAPI document, for an error."""
    version = document.get("openapi", document.get("swagger"))
    if version is not None:
        return repr(version)
    levels = [document, *_objects(document)]
    named = [KEY_KINDS[key] for level in levels for key in KEY_KINDS if key in level]
    deep = [*levels, *(inner for level in levels[1:] for inner in _objects(level))]
    said = [kind for (key, text), kind in VALUE_KINDS for level in deep if text in str(level.get(key, ""))]
    return next(iter((*named, *said)), "none")


def kind_of_text(text: bytes) -> str:
    """The kind of a text by its first bytes; empty if it may be JSON or YAML.

    Args:
        text: without a byte order mark.
    """
    head = text[:HEAD_BYTES].lstrip()
    if head[:1] == b"<":
        return next((kind for mark, kind in XML_KINDS if mark in head.lower()), "HTML or XML")
    return next((kind for pattern, kind in TEXT_KINDS if pattern.search(head)), "")


def _objects(document: Mapping[str, object]) -> list[dict[str, object]]:
    return [value for value in document.values() if isinstance(value, dict)]
