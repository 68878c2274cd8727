# SPDX-License-Identifier: Apache-2.0
"""The operations of an OpenAPI document, as frozen records. Each record is whole: none refers to the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from msgspec import Struct


class Parameter(Struct, frozen=True, kw_only=True):
    """One value that an operation takes.

    Attributes:
        name: its name in Python, in snake case.
        wire_name: its name in the request, as the document spells it.
        location: where it is sent, as `in` of OpenAPI says; `body` is one field of a JSON body or of a form.
        required: a call must give it.
        schema: its JSON schema, with references resolved.
        summary: one line about it.
        style: how an object is written in a query: `deepObject` writes `name[key]=value` for each key.
        explode: a list in a query is written as one `name=value` for each item, not as one value with commas.
    """

    name: str
    wire_name: str
    location: Literal["path", "query", "header", "body"]
    required: bool
    schema: Mapping[str, Any]
    summary: str = ""
    style: Literal["form", "deepObject"] = "form"
    explode: bool = True


Kind: TypeAlias = Literal["json", "text", "bytes", "any", "events", "lines"]
"""How a response of a media type is read: see `AnswerType`."""


class AnswerType(Struct, frozen=True, kw_only=True):
    """One media type that a successful response may have.

    Attributes:
        name: in lower case, such as `text/csv`; a range such as `image/*` or `*/*` stands for all types in it. The
            parameters of the document, such as `;stream=watch`, are kept, except for the character set.
        kind: how it is read: `json`, `text`, `bytes`, `any` (by the type that the response has), `events` (a stream of
            server-sent events), `lines` (a stream of JSON values, one a line).
    """

    name: str
    kind: Kind


class Operation(Struct, frozen=True, kw_only=True):
    """One documented request.

    Attributes:
        name: group and method in snake case: `recordings.list`. See `operation_names`.
        method: the HTTP method, in capitals.
        path: the path template below the base URL: `/public/workspace/{workspaceId}`.
        parameters: what it takes, in the order path, query, header, body.
        summary: one line about it.
        response_schema: the JSON schema of a successful response, with references resolved; empty if there is none.
        accept: the `Accept` header of its requests: the types that a call reads.
        media: the media types of successful responses, JSON among them; empty if they are JSON or nothing.
        redirects: a successful response may be a redirect to the file, which may be on another server.
        form: its body is `multipart/form-data`, which can hold files.
        keyless: it is called without a key, as `security: []` says.
        operation_id: the document's own name for it, empty without one, or if it is the same as `name`.
    """

    name: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    summary: str
    response_schema: Mapping[str, Any]
    form: bool = False
    keyless: bool = False
    accept: str = "application/json"
    media: tuple[AnswerType, ...] = ()
    redirects: bool = False
    operation_id: str = ""


class LeftOut(Struct, frozen=True, kw_only=True):
    """One documented request that cannot be a typed method. `client.request` still makes it.

    Attributes:
        operation: its name, as an operation would have it; the path if the document does not even say which operations
            there are.
        reason: the place in the document, what was expected there, and what was found.
        method: the HTTP method, in capitals; empty if `operation` is a path.
        path: the path template.
        operation_id: as that of `Operation`.
    """

    operation: str
    reason: str
    method: str = ""
    path: str = ""
    operation_id: str = ""


class Api(Struct, frozen=True, kw_only=True):
    """The operations of a provider.

    Attributes:
        title: the document's title.
        version: the document's version.
        operations: by dotted name.
        left_out: what could not become an operation, in the order of the document.
    """

    title: str
    version: str
    operations: Mapping[str, Operation]
    left_out: tuple[LeftOut, ...] = ()
