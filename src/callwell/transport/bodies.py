# SPDX-License-Identifier: Apache-2.0
"""Decides how much of a response is read, and builds the `Response`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from callwell.core.outcome import OK
from callwell.transport.base import Response
from callwell.transport.codings import decode

if TYPE_CHECKING:
    from callwell.transport.headers import ResponseHeaders

NO_BODY: Final = frozenset({204, 304})
"""Statuses without a body, regardless of `Content-Length` (RFC 9112, 6.3)."""


class EditableFields(Protocol):
    """The header fields of a pyreqwest response, which can be deleted."""

    def get(self, name: str, /) -> str | None:
        """The first value of a name."""
        ...

    def __contains__(self, name: str, /) -> bool: ...

    def __delitem__(self, name: str, /) -> None: ...


def is_short_and_plain(fields: EditableFields, bound: int) -> bool:
    """Whether a response has a length within the limit and no coding, as nearly all do.

    Such a response is read in a single step, without a size check and without decoding.
    """
    try:
        length = fields.get("content-length")
        return (
            length is not None
            and length.isdecimal()
            and int(length) <= bound
            and "content-encoding" not in fields
            and "transfer-encoding" not in fields  # it would override the length (RFC 9112, 6.3)
        )
    except ValueError:
        return False  # a header value that is not ASCII


def has_no_body(status: int, method: str) -> bool:
    """Whether a response has no body, regardless of `Content-Length`."""
    return status in NO_BODY or method == "HEAD"


def is_too_large(headers: ResponseHeaders, status: int, bound: int) -> bool:
    """Whether a success announces more bytes than the limit. The beginning of an error is always read."""
    length = headers.get("content-length", "")
    return status in OK and length.isdecimal() and int(length) > bound and "transfer-encoding" not in headers


def build_response(status: int, fields: EditableFields, headers: ResponseHeaders, body: bytes, bound: int) -> Response:
    """A response with its content codings decoded, and without headers about the encoded form."""
    if len(body) > bound:
        return Response(status, headers, body[:bound], whole=False, too_large=True)
    codings = headers.getall("content-encoding")
    if not codings or not body:
        return Response(status, headers, body)
    decoded = decode(body, ",".join(codings), bound)
    if decoded.body is not body:
        for name in ("content-encoding", "content-length"):
            if name in fields:
                del fields[name]
    return Response(status, headers, decoded.body, decoded.whole, decoded.too_large)
