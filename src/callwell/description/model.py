# SPDX-License-Identifier: Apache-2.0
"""The operations of an OpenAPI document, as frozen records. They are self-contained: none refers to the document.

`core.rules` explains why `from __future__ import annotations` is missing.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

Style = Literal[
    "",
    "form",
    "simple",
    "label",
    "matrix",
    "spaceDelimited",
    "pipeDelimited",
    "tabDelimited",
    "deepObject",
    "cookie",
]
"""How lists and objects are serialized. `tabDelimited` is the `tsv` of Swagger 2.0; the others are OpenAPI's."""

BodyKind = Literal["json", "urlencoded", "multipart", "text", "bytes"]
"""How a body is serialized, whatever its media type is called."""


WHOLE_BODY: Final = ""
"""The wire name of a parameter that is the whole body."""


class Parameter(Struct, frozen=True, kw_only=True):
    """One value that an operation takes.

    Attributes:
        name: its name in Python, in snake case.
        wire_name: its name in the request, as the document spells it; empty for the whole body.
        location: where it is sent, the same as OpenAPI's `in`; `body` is one field of a JSON body or of a form, or the
            whole body. The header `Content-Type` chooses one of several types of body.
        required: whether a call must give it.
        schema: its JSON schema, with references resolved.
        summary: one line about it.
        style: how a list or an object is serialized; empty for the default of its location: `form` in a query or
            cookie, `simple` in a path or a header, and for a field of a form see `request_body`.
        explode: whether each item is serialized separately; None for the default of the style: only `form` and `cookie`
            do so.
        content: the media type of the value, or of its part if it is a field of a form.
        allow_reserved: whether the reserved characters of URLs are left unescaped.
        default: the value that is sent if a call gives none; None for no value.
    """

    name: str
    wire_name: str
    location: Literal["path", "query", "header", "cookie", "body"]
    required: bool
    schema: Mapping[str, Any]
    summary: str = ""
    style: Style = ""
    explode: bool | None = None
    content: str = ""
    allow_reserved: bool = False
    default: Any = None


class BodyType(Struct, frozen=True, kw_only=True):
    """One type of body that an operation takes.

    Attributes:
        media_type: the media type that is sent; if it contains a `*`, the call names the type.
        kind: how the body is serialized.
        required: the arguments that this type of body requires.
        fields: its fields, or the whole body; None if they are the operation's body parameters.
        additional_properties: whether other fields may be given, in the argument for the whole body.
    """

    media_type: str
    kind: BodyKind
    required: tuple[str, ...] = ()
    fields: tuple[Parameter, ...] | None = None
    additional_properties: bool = True


DEFAULT_JSON_BODY: Final = BodyType(media_type="application/json", kind="json")
"""The type of body that most operations take: see `Operation.bodies`."""


AnswerKind: TypeAlias = Literal["json", "text", "bytes", "any", "events", "lines"]
"""How a response of a media type is decoded: see `AnswerType`."""


class AnswerType(Struct, frozen=True, kw_only=True):
    """One media type that a successful response may have.

    Attributes:
        name: in lower case, such as `text/csv`; a range such as `image/*` or `*/*` stands for all types in it. The
            parameters in the document, such as `;stream=watch`, are kept, except for the charset.
        kind: how it is decoded: `json`, `text`, `bytes`, `any` (by the type of the response), `events` (a stream of
            server-sent events), `lines` (a stream of JSON values, one per line).
    """

    name: str
    kind: AnswerKind


UNDECLARED: Final = AnswerType(name="", kind="any")
"""A success whose body is not declared: FastAPI describes files this way, and Express a text such as `OK`."""


class Operation(Struct, frozen=True, kw_only=True):
    """One documented request.

    Attributes:
        name: group and method in snake case: `recordings.list`. See `operation_names`.
        method: the HTTP method, in upper case.
        path: the path template below the base URL: `/public/workspace/{workspaceId}`.
        parameters: its parameters, in the order path, query, header, cookie, body.
        summary: one line about it.
        response_schema: the JSON schema of a successful response, with references resolved; empty if there is none.
        accept: the `Accept` header of its requests.
        media: the media types of successful responses, including JSON; empty if JSON is the only one.
        redirects: whether a success may be a redirect to the file, which may be on another server.
        bodies: the types of body that it takes, the preferred one first. Empty for the usual body, a JSON object that
            is always sent if there are parameters for it.
        body_required: whether a body is sent even if a call gives nothing for it.
        keyless: whether it is called without a key, because of `security: []`.
        operation_id: the `operationId` in the document; empty if there is none, or if it equals `name`.
        server: the URL that replaces the environment's base URL, without a trailing slash; empty for none.
    """

    name: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    summary: str
    response_schema: Mapping[str, Any]
    bodies: tuple[BodyType, ...] = ()
    body_required: bool = True
    keyless: bool = False
    accept: str = "application/json"
    media: tuple[AnswerType, ...] = ()
    redirects: bool = False
    operation_id: str = ""
    server: str = ""

    @property
    def only_streams(self) -> bool:
        """Whether every success is a stream."""
        return bool(self.media) and all(kind.kind in ("events", "lines") for kind in self.media)


class UntypedRequest(Struct, frozen=True, kw_only=True):
    """One documented request that cannot be a typed method. `client.request` still makes it.

    Attributes:
        operation: the name that the operation would have; the path if even its operations cannot be read.
        reason: the place in the document, what was expected there, and what was found.
        method: the HTTP method, in upper case; empty if `operation` is a path.
        path: the path template.
        operation_id: the same as in `Operation`.
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
        operations: the operations by dotted name.
        left_out: requests that could not become operations, in the order of the document.
        assumed: what the document leaves open, and how it was read, each with its place.
    """

    title: str
    version: str
    operations: Mapping[str, Operation]
    left_out: tuple[UntypedRequest, ...] = ()
    assumed: tuple[str, ...] = ()
