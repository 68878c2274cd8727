# SPDX-License-Identifier: Apache-2.0
"""The operations of an OpenAPI document, as frozen records. Each record is whole: none refers to the document.

For the missing import of `annotations` see `core.rules`.
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
"""How lists and objects are written. `tabDelimited` is the `tsv` of Swagger 2.0; OpenAPI has the others."""

BodyKind = Literal["json", "urlencoded", "multipart", "text", "bytes"]
"""How a body is written, whatever its media type is called."""


WHOLE_BODY: Final = ""
"""The name on the wire of a parameter that is the whole body."""


class Parameter(Struct, frozen=True, kw_only=True):
    """One value that an operation takes.

    Attributes:
        name: its name in Python, in snake case.
        wire_name: its name in the request, as the document spells it; empty for the whole body.
        location: where it is sent, as `in` of OpenAPI says; `body` is one field of a JSON body or of a form, or the
            whole body. The header `Content-Type` chooses one of several types of body.
        required: a call must give it.
        schema: its JSON schema, with references resolved.
        summary: one line about it.
        style: how a list or an object is written; empty for the default of its place: `form` in a query or a cookie,
            `simple` in a path or a header, and for a field of a form see `request_body`.
        explode: each item is written by itself; None for the default of the style: only `form` and `cookie` do so.
        content: the media type in which the value is written, or, for a field of a form, in which its part is.
        allow_reserved: the reserved characters of addresses are not escaped.
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
        media_type: as it is sent; with a `*` in it, a call says which type it is.
        kind: how the body is written.
        required: the arguments without which there is no such body.
        fields: its fields, or the whole body; None if they are those among the parameters of the operation.
        additional_properties: other fields may be given too, by the whole body.
    """

    media_type: str
    kind: BodyKind
    required: tuple[str, ...] = ()
    fields: tuple[Parameter, ...] | None = None
    additional_properties: bool = True


DEFAULT_JSON_BODY: Final = BodyType(media_type="application/json", kind="json")
"""The type of a body that most operations with a body have: see `Operation.bodies`."""


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


UNDECLARED: Final = AnswerType(name="", kind="any")
"""The body of a success of which a document says nothing: FastAPI writes files so, and Express a text such as `OK`."""


class Operation(Struct, frozen=True, kw_only=True):
    """One documented request.

    Attributes:
        name: group and method in snake case: `recordings.list`. See `operation_names`.
        method: the HTTP method, in capitals.
        path: the path template below the base URL: `/public/workspace/{workspaceId}`.
        parameters: what it takes, in the order path, query, header, cookie, body.
        summary: one line about it.
        response_schema: the JSON schema of a successful response, with references resolved; empty if there is none.
        accept: the `Accept` header of its requests: the types that a call reads.
        media: the media types of successful responses, JSON among them; empty if they are JSON or nothing.
        redirects: a successful response may be a redirect to the file, which may be on another server.
        bodies: the types of body that it takes, the preferred one first. Empty for the usual body, a JSON object that
            is always sent if there are parameters for it.
        body_required: a body is sent even if a call gives nothing for it.
        keyless: it is called without a key, as `security: []` says.
        operation_id: the document's own name for it, empty without one, or if it is the same as `name`.
        server: the address that takes the place of the environment's base URL, without a slash at its end; empty for
            none.
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
        """Whether a success is a stream, and nothing else."""
        return bool(self.media) and all(kind.kind in ("events", "lines") for kind in self.media)


class UntypedRequest(Struct, frozen=True, kw_only=True):
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
        assumed: what the document leaves open and how that was read, each with its place.
    """

    title: str
    version: str
    operations: Mapping[str, Operation]
    left_out: tuple[UntypedRequest, ...] = ()
    assumed: tuple[str, ...] = ()
