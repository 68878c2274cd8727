# SPDX-License-Identifier: Apache-2.0
"""Parses the head of a storage's response: the range, the version and the content coding of the bytes that follow.

Bytes of two responses may go into one file only if both share a strong validator (RFC 9110, section 15.3.7.3). That is
a strong ETag, or a `Last-Modified` that is `STRONG_DATE_AGE_S` older than the response's own `Date` (8.8.2.2), because
a file that was changed twice within one second keeps its date. A weak ETag can prove that a file has changed, but never
that it has not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core import dates, json_values
from callwell.core import headers as fields
from callwell.core.media_types import base_type

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTIAL_CONTENT: Final = 206

STRONG_DATE_AGE_S: Final = 60.0
"""The age at which a modification date becomes a strong validator. RFC 9110 requires one second if the clocks agree; a
minute covers storages where they do not."""

HTML_TYPES: Final = frozenset({"text/html", "application/xhtml+xml"})

DECODABLE: Final = frozenset({"gzip", "deflate"})
"""Content codings that can be decoded."""

CODING_ALIASES: Final = {
    "x-gzip": "gzip",
    "identity": "",
    "none": "",
    "binary": "",
    "utf-8": "",
    "utf8": "",
    "\ufffd": "",
}
"""Other names of codings. Those that stand for no coding were seen in the wild: the name of a character set, an empty
value, or bytes that are not text."""

_STRONG: Final = re.compile(r'"[!#-~]+"')
_NUMBER: Final = "([0-9]{1,18})"
_CONTENT_RANGE: Final = re.compile(
    rf"\s*bytes\s+(?:{_NUMBER}\s*-\s*{_NUMBER}|\*)\s*/\s*(?:{_NUMBER}|\*)\s*", re.IGNORECASE
)


class FileVersion(NamedTuple):
    """The validators of one version of a file.

    Attributes:
        etag: the ETag as received, weak ones included.
        last_modified: the `Last-Modified` as received.
        has_strong_date: that date is old enough to be a strong validator.
    """

    etag: str | None = None
    last_modified: str | None = None
    has_strong_date: bool = False

    @property
    def strong_etag(self) -> str | None:
        """The ETag, if it is a strong one."""
        return self.etag if self.etag is not None and _STRONG.fullmatch(self.etag) else None

    @property
    def if_range(self) -> str | None:
        """The value for `If-Range`: a date only if there is no ETag at all (RFC 9110, section 13.1.5)."""
        if self.etag is not None:
            return self.strong_etag
        return self.last_modified if self.has_strong_date else None

    @property
    def is_provable(self) -> bool:
        """Whether another response can be proved to be of this version."""
        return self.strong_etag is not None or self.has_strong_date


UNKNOWN_VERSION: Final = FileVersion()


class StorageHead(NamedTuple):
    """The head of a storage's response, before its body.

    Attributes:
        status: the HTTP status.
        content_length: bytes of this body, if announced.
        start: the offset of its first byte in the file, from `Content-Range`.
        version: of the file.
        total: the file's size, from `Content-Range`.
        stop: the first byte after the body, from `Content-Range`.
        codings: content codings, in the order they were applied; offsets and sizes are of the encoded form.
        retry_after_s: seconds that it asks the client to wait.
        is_html: it sends a web page.
    """

    status: int
    content_length: int | None = None
    start: int | None = None
    version: FileVersion = UNKNOWN_VERSION
    total: int | None = None
    stop: int | None = None
    codings: tuple[str, ...] = ()
    retry_after_s: float = 0.0
    is_html: bool = False

    @property
    def is_consistent(self) -> bool:
        """Whether a part says where it begins, and has as many bytes as it announces."""
        if self.start is None:
            return False
        return None in (self.content_length, self.stop) or self.content_length == (self.stop or 0) - self.start


def parse_head(status: int, headers: Mapping[str, str], wall: float) -> StorageHead:
    """Read the head of a response. It never raises.

    Args:
        status: the HTTP status.
        headers: of the response. Malformed ones count as absent, and several lines are one value: if they contradict
            each other, they prove nothing.
        wall: seconds since the epoch, for a date in `Retry-After`.
    """
    # A chunked body has the length of its chunks, no matter what a proxy left in the other header (RFC 9112, 6.3).
    is_chunked = "chunked" in headers.get("transfer-encoding", "").lower()
    length = "" if is_chunked else headers.get("content-length", "").strip()
    start, stop, total = parse_content_range(headers)
    return StorageHead(
        status=status,
        content_length=int(length) if length.isascii() and length.isdecimal() else None,
        start=start,
        version=_parse_version(headers),
        total=total,
        stop=stop,
        codings=_parse_codings(fields.join_lines(headers, "content-encoding")),
        retry_after_s=fields.read_retry_after_s(headers, fields.RETRY_AFTER_NAMES, wall) or 0.0,
        is_html=base_type(headers.get("content-type", "")) in HTML_TYPES,
    )


def is_same_version(before: FileVersion, now: FileVersion) -> bool | None:
    """Whether two responses are of one version; None if they do not prove it either way."""
    if before.etag is not None and now.etag is not None:
        if before.etag != now.etag:
            return False
        if now.strong_etag is not None:
            return True
    if before.last_modified is not None and now.last_modified is not None:
        if before.last_modified != now.last_modified:
            return False
        if before.has_strong_date:
            return True
    return None


def is_not_html(announced: str | None) -> bool:
    """Whether a media type that a provider announces is certainly not that of a web page."""
    if announced is None or "/" not in announced:
        return False
    media_type = base_type(announced)
    return not media_type.startswith("text/") and media_type not in HTML_TYPES


def parse_content_range(headers: Mapping[str, str]) -> tuple[int | None, int | None, int | None]:
    """The first byte of a part, the first one after it, and the total size; None for what is missing or unclear."""
    nothing = (None, None, None)
    if headers.get("content-type", "").strip().lower().startswith("multipart/"):
        return nothing  # only one range was requested
    found = _CONTENT_RANGE.fullmatch(fields.join_lines(headers, "content-range"))
    if found is None:
        return nothing
    total = int(found[3]) if found[3] else None
    if found[1] is None:
        return None, None, total
    start = int(found[1])
    stop = int(found[2]) + 1
    if start >= stop or (total is not None and stop > total):
        return nothing
    return start, stop, total


def _parse_version(headers: Mapping[str, str]) -> FileVersion:
    etag = fields.join_lines(headers, "etag").strip() or None
    last_modified = fields.join_lines(headers, "last-modified").strip() or None
    if last_modified is None:
        return FileVersion(etag)
    changed_at = dates.parse_date(last_modified)
    sent_at = fields.read_date(headers)
    is_strong = changed_at is not None and sent_at is not None and sent_at - changed_at >= STRONG_DATE_AGE_S
    return FileVersion(etag=etag, last_modified=last_modified, has_strong_date=is_strong)


def _parse_codings(text: str) -> tuple[str, ...]:
    names = [name.strip().lower() for name in text.split(",")]
    return tuple([found for name in names if (found := CODING_ALIASES.get(name, name))])


def parse_size(value: object) -> int | None:
    """The size that a provider announces; None if it announces none.

    Args:
        value: as received; 64-bit numbers are often sent as strings.

    Raises:
        ValueError: it cannot be read as a number of bytes.
    """
    size = json_values.to_integer(value)
    if size is not None and size < 0:
        raise json_values.AmbiguousValue(value, "a whole number of bytes")
    return size


def parse_flag(value: object) -> bool | None:
    """A flag in a response, in any form; None if it is neither true nor false."""
    try:
        return json_values.to_flag(value)
    except json_values.AmbiguousValue:
        return None
