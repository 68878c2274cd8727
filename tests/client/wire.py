# SPDX-License-Identifier: Apache-2.0
"""What goes over the wire when an operation of a small document is called."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from callwell.client.calls.binding import Binder, request_headers
from callwell.core.rules.profile import KeyRule
from callwell.description import openapi
from callwell.keys import Key

TEXT: Final[dict[str, Any]] = {"type": "string"}
NUMBER: Final[dict[str, Any]] = {"type": "integer"}
FILE: Final[dict[str, Any]] = {"type": "string", "format": "binary"}
TEXTS: Final[dict[str, Any]] = {"type": "array", "items": TEXT}
FILES: Final[dict[str, Any]] = {"type": "array", "items": FILE}

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


class Sent(NamedTuple):
    """A request.

    Attributes:
        target: path and query, or the whole address of an operation with a server of its own.
        headers: those that the operation and its body add.
        type: the media type of the body, without the boundary of a form; empty without a body.
        body: the body as a string; the boundary of a form is `-`.
    """

    target: str
    headers: dict[str, str]
    type: str
    body: str


def obj(*required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object."""
    return {"type": "object", "properties": properties, "required": list(required)}


def call(node: dict[str, Any], arguments: dict[str, Any], *, path: str = "/x", method: str = "post") -> Sent:
    """Call an operation.

    Args:
        node: the operation.
        arguments: by Python name.
        path: its path template.
        method: its method.
    """
    document = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://one.test/v1"}],
        "paths": {path: {method: {"operationId": "x.call", "responses": {}, **node}}},
    }
    api = openapi.read(document)
    assert api.left_out == ()
    operation = api.operations["x.call"]
    bound = Binder(operation, operation.server).bind(arguments)
    headers = dict(request_headers(bound, KeyRule(env="K"), Key("k")))
    for usual in ("accept", "authorization"):
        headers.pop(usual)
    media = headers.pop("content-type", "")
    chunks = bound.body if bound.body is not None and not isinstance(bound.body, bytes) else (bound.body or b"",)
    body = b"".join(chunks)
    media, _, boundary = media.partition("; boundary=")
    if boundary:
        body = body.replace(boundary.encode(), b"-")
    return Sent(bound.url or bound.target, headers, media, body.decode())


def body(schema: dict[str, Any] | None, *media_types: str, required: bool = True, **encoding: Any) -> dict[str, Any]:
    """An operation with a body; JSON unless another media type is named."""
    result = {**({} if schema is None else {"schema": schema}), **({"encoding": encoding} if encoding else {})}
    return {"requestBody": {"required": required, "content": dict.fromkeys(media_types or (JSON,), result)}}


def bodies(required: bool = True, **schemas: dict[str, Any]) -> dict[str, Any]:  # noqa: FBT001, FBT002 - of a document
    """An operation with several types of body: `json`, `form`, `multipart`, `text`, `bytes`."""
    names = {"json": JSON, "form": FORM, "multipart": MULTIPART, "text": "text/plain", "bytes": "image/png"}
    content = {names[name]: {"schema": schema} for name, schema in schemas.items()}
    return {"requestBody": {"required": required, "content": content}}


def parameter(schema: dict[str, Any], place: str = "query", name: str = "p", **more: Any) -> dict[str, Any]:
    """An operation with one parameter."""
    return {"parameters": [{"name": name, "in": place, "required": place == "path", "schema": schema, **more}]}
