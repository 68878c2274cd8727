# SPDX-License-Identifier: Apache-2.0
"""How much of an answer is read, and what is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from callwell.core.outcome import OK
from callwell.transport.base import MAX_ERROR_BYTES, Response
from callwell.transport.codings import decode

if TYPE_CHECKING:
    from callwell.transport.headers import ResponseHeaders

NO_BODY: Final = frozenset({204, 304})
"""Answers that have no body, whatever length they name (RFC 9112, 6.3)."""


class EditableFields(Protocol):
    """The header fields of a pyreqwest response, which can be removed."""

    def get(self, name: str, /) -> str | None:
        """The first value of a name."""
        ...

    def __contains__(self, name: str, /) -> bool: ...

    def __delitem__(self, name: str, /) -> None: ...


def max_bytes(allowed: int, status: int) -> int:
    """Bytes that an answer may have: what is no success is short, or nothing that anybody reads."""
    return allowed if status in OK else min(allowed, MAX_ERROR_BYTES)


def is_short_and_plain(fields: EditableFields, bound: int) -> bool:
    """Whether an answer says that it is short enough and not coded, as nearly all are: it is read at once as it is."""
    try:
        length = fields.get("content-length")
        return length is not None and length.isdecimal() and int(length) <= bound and "content-encoding" not in fields
    except ValueError:
        return False  # a value that cannot be read


def has_no_body(status: int, method: str) -> bool:
    """Whether an answer has no body, whatever length it names."""
    return status in NO_BODY or method == "HEAD"


def is_too_large(headers: ResponseHeaders, status: int, bound: int) -> bool:
    """Whether a success says itself that it does not fit; of other answers the beginning is read."""
    length = headers.get("content-length", "")
    return status in OK and length.isdecimal() and int(length) > bound


def build_response(status: int, fields: EditableFields, headers: ResponseHeaders, body: bytes, bound: int) -> Response:
    """An answer, its codings undone: the headers then speak of what is there no longer."""
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
