# SPDX-License-Identifier: Apache-2.0
"""Says what a document is that is no OpenAPI document: people try the file that they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Final = {
    "asyncapi": "an AsyncAPI document, which describes messages",
    "arazzo": "an Arazzo document, which describes workflows",
    "overlay": "an OpenAPI overlay; apply it to its document first",
    "swaggerVersion": "a Swagger 1 document; convert it to OpenAPI 3",
    "__schema": "a GraphQL schema",
    "_postman_id": "a Postman collection; export or convert it as OpenAPI",
    "__export_format": "an Insomnia export; export it as OpenAPI",
    "discoveryVersion": "a Google API Discovery document; convert it with the npm package google-discovery-to-swagger",
    "$schema": "a JSON Schema, which has no operations",
    "FORMAT": "an API Blueprint; convert it to OpenAPI",
}
"""What a key at the top of a document, or one level below, says about it."""


def kind_of(document: Mapping[str, object]) -> str:
    """What a document is that is not one of OpenAPI, for an error."""
    version = document.get("openapi", document.get("swagger"))
    levels = [document, *(value for value in document.values() if isinstance(value, dict))]
    named = (KINDS[key] for level in levels for key in KINDS if key in level)
    return repr(version) if version is not None else next(named, repr(version))
