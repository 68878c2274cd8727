# SPDX-License-Identifier: Apache-2.0
"""How the storage replies to a request for a signed object: S3's rules for signatures, ranges and conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from callwell.emulator.messages import Reply, allow_header
from callwell.emulator.signed_urls import UrlStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from callwell.emulator.messages import IncomingRequest

XML: Final = (b"content-type", b"application/xml")
ONE_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
ERRORS: Final[Mapping[str, tuple[int, str]]] = {
    "InvalidArgument": (400, "Only one auth mechanism allowed; use the query string or the Authorization header"),
    "AccessDenied": (403, "Access Denied"),
    "AccessForbidden": (403, "CORSResponse: CORS is not enabled for this bucket"),
    "RequestExpired": (403, "Request has expired"),
    "SignatureDoesNotMatch": (403, "The signature that was sent is not the one that the service computed"),
    "NoSuchKey": (404, "The specified key does not exist"),
    "MethodNotAllowed": (405, "The specified method is not allowed against this resource"),
    "PreconditionFailed": (412, "At least one of the preconditions did not hold"),
    "InvalidRange": (416, "The requested range is not satisfiable"),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "SlowDown": (503, "Please reduce your request rate"),
}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One stored object.

    Attributes:
        body: its bytes.
        type: its media type.
        sha256: digest of the bytes in hex, also the ETag.
        modified: when it was stored, UTC.
    """

    body: bytes | memoryview
    type: str
    sha256: str
    modified: datetime

    @property
    def etag(self) -> str:
        """The strong entity tag, with its quotes."""
        return f'"{self.sha256}"'


def error_reply(code: str, *, status: int | None = None, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Reply:
    """Return an error in S3's XML.

    Args:
        code: a name in `ERRORS`.
        status: a status other than the usual one.
        headers: more headers.
    """
    usual, message = ERRORS[code]
    name = "AccessDenied" if code == "RequestExpired" else code
    body = f"<Error><Code>{name}</Code><Message>{escape(message)}</Message></Error>"
    return Reply(status or usual, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode(), (XML, *headers))


def unavailable_reply(status: int | None) -> Reply:
    """Return the error of a storage that fails for a moment: SlowDown with 503 unless another status is given."""
    code = "SlowDown" if status in (None, 503) else "InternalError"
    return error_reply(code, status=status)


def access_error(request: IncomingRequest, url_status: UrlStatus) -> Reply | None:
    """Return the error for a request that may not be served at all, or None."""
    if "authorization" in request.headers:
        return error_reply("InvalidArgument")
    if request.method == "OPTIONS":
        return error_reply("AccessForbidden")
    if request.method not in ("GET", "HEAD"):
        return error_reply("MethodNotAllowed", headers=(allow_header("GET", "HEAD"),))
    codes = {
        UrlStatus.UNSIGNED: "AccessDenied",
        UrlStatus.FORGED: "SignatureDoesNotMatch",
        UrlStatus.EXPIRED: "RequestExpired",
    }
    return error_reply(codes[url_status]) if url_status in codes else None


def serve_object(request: IncomingRequest, stored: StoredObject) -> Reply:
    """Return the object, a range of it, or an error (RFC 9110, 13 and 14)."""
    size = len(stored.body)
    headers = (
        (b"content-type", stored.type.encode()),
        (b"etag", stored.etag.encode()),
        (b"accept-ranges", b"bytes"),
        (b"last-modified", format_datetime(stored.modified, usegmt=True).encode()),
    )
    if not _etag_matches(request.headers.get("if-match", "*"), stored):
        return error_reply("PreconditionFailed")
    if "if-none-match" in request.headers and _etag_matches(request.headers["if-none-match"], stored):
        return Reply(304, b"", headers)
    requested = _parse_range(request.headers.get("range", ""), size) if _if_range_matches(request, stored) else None
    if requested is None:
        return Reply(200, stored.body, headers)
    if requested.start >= requested.stop:
        return error_reply("InvalidRange", headers=((b"content-range", b"bytes */%d" % size),))
    content_range = b"bytes %d-%d/%d" % (requested.start, requested.stop - 1, size)
    return Reply(206, stored.body[requested.start : requested.stop], (*headers, (b"content-range", content_range)))


def _etag_matches(condition: str, stored: StoredObject) -> bool:
    tags = [tag.strip() for tag in condition.split(",")]
    return "*" in tags or stored.etag in tags


def _if_range_matches(request: IncomingRequest, stored: StoredObject) -> bool:
    condition = request.headers.get("if-range")
    if condition is None or condition == stored.etag:
        return True
    if condition.startswith(('"', "W/")):
        return False
    try:
        return parsedate_to_datetime(condition) == stored.modified.replace(microsecond=0)
    except (ValueError, TypeError):
        return False


def _parse_range(header: str, size: int) -> range | None:
    """Return the bytes of one range, empty if there are none; None if the header names no range that is understood."""
    match = ONE_RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last or size), size - 1) + 1)
