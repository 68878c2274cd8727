# SPDX-License-Identifier: Apache-2.0
"""What a storage says of a file before it sends some of it: which bytes these are, of which version, in which coding.

Bytes of two answers may stand in one file only if both share a strong validator (RFC 9110, 15.3.7.3): a strong ETag,
or a `Last-Modified` that is `SETTLED_S` older than the answer's own `Date` (8.8.2.2), because a file that was changed
twice within the same second keeps its date. A weak ETag proves that a file has changed, and never that it has not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core import dates, json_values
from callwell.core import headers as fields

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTIAL_CONTENT: Final = 206

STRONG_DATE_AGE_S: Final = 60.0
"""Age from which a modification date is a strong validator: RFC 9110 asks for a second, if the clocks agree."""

HTML_TYPES: Final = frozenset({"text/html", "application/xhtml+xml"})

DECODABLE: Final = frozenset({"gzip", "deflate"})
"""Content codings that can be undone."""

CODING_ALIASES: Final = {
    "x-gzip": "gzip",
    "identity": "",
    "none": "",
    "binary": "",
    "utf-8": "",
    "utf8": "",
    "\ufffd": "",
}
"""Other names; those of no coding stand for the character set, for nothing, or for what is no text: sent by mistake."""

_STRONG: Final = re.compile(r'"[!#-~]+"')
_NUMBER: Final = "([0-9]{1,18})"
_PLACE: Final = re.compile(rf"\s*bytes\s+(?:{_NUMBER}\s*-\s*{_NUMBER}|\*)\s*/\s*(?:{_NUMBER}|\*)\s*", re.IGNORECASE)


class Version(NamedTuple):
    """The validators of one version of a file.

    Attributes:
        etag: the ETag as it came, weak ones too.
        modified: the `Last-Modified` as it came.
        settled: that date is old enough to be a strong validator.
    """

    etag: str | None = None
    modified: str | None = None
    settled: bool = False

    @property
    def strong(self) -> str | None:
        """The ETag, if it is a strong one."""
        return self.etag if self.etag is not None and _STRONG.fullmatch(self.etag) else None

    @property
    def pin(self) -> str | None:
        """What `If-Range` may carry: a date only where there is no ETag at all (RFC 9110, 13.1.5)."""
        if self.etag is not None:
            return self.strong
        return self.modified if self.settled else None

    @property
    def lasting(self) -> bool:
        """Whether another answer can be proved to be of this version."""
        return self.strong is not None or self.settled


UNKNOWN_VERSION: Final = Version()


class StorageHead(NamedTuple):
    """What a storage says before it sends a body.

    Attributes:
        status: the HTTP status.
        length: bytes of this body, if announced.
        start: the first byte's place in the file, from `Content-Range`.
        version: of the file.
        total: the file's size, from `Content-Range`.
        stop: the first byte that is not in the body, from `Content-Range`.
        coding: content codings, in the order in which they were applied; places and sizes are those of the coded form.
        wait_s: seconds for which it asks to be left alone.
        page: it sends a web page.
    """

    status: int
    length: int | None = None
    start: int | None = None
    version: Version = UNKNOWN_VERSION
    total: int | None = None
    stop: int | None = None
    coding: tuple[str, ...] = ()
    wait_s: float = 0.0
    page: bool = False

    @property
    def consistent(self) -> bool:
        """Whether a part says where it begins, and as many bytes as it announces."""
        if self.start is None:
            return False
        return None in (self.length, self.stop) or self.length == (self.stop or 0) - self.start


def parse_head(status: int, headers: Mapping[str, str], wall: float) -> StorageHead:
    """What a storage says.

    Args:
        status: the HTTP status.
        headers: of the answer; whatever is malformed in them counts as not said. Several lines are one
            value: where they contradict each other, they prove nothing.
        wall: seconds since the epoch, for a date in `Retry-After`.
    """
    length = headers.get("content-length", "").strip()
    start, stop, total = _parse_content_range(headers)
    return StorageHead(
        status=status,
        length=int(length) if length.isascii() and length.isdecimal() else None,
        start=start,
        version=_parse_version(headers),
        total=total,
        stop=stop,
        coding=_parse_codings(fields.join_lines(headers, "content-encoding")),
        wait_s=fields.read_retry_after_s(headers, fields.RETRY_AFTER_NAMES, wall) or 0.0,
        page=_media_type(headers.get("content-type", "")) in HTML_TYPES,
    )


def is_same_version(before: Version, now: Version) -> bool | None:
    """Whether two answers are of one version; None where they do not prove it either way.

    Args:
        before: what the first answer said.
        now: what the second one says.
    """
    if before.etag is not None and now.etag is not None:
        if before.etag != now.etag:
            return False
        if now.strong is not None:
            return True
    if before.modified is not None and now.modified is not None:
        if before.modified != now.modified:
            return False
        if before.settled:
            return True
    return None


def is_not_html(kind: str | None) -> bool:
    """Whether a media type, as a provider announces it, is surely none of a web page."""
    return (
        kind is not None
        and "/" in kind
        and _media_type(kind).partition("/")[0] != "text"
        and _media_type(kind) not in HTML_TYPES
    )


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()


def _parse_content_range(headers: Mapping[str, str]) -> tuple[int | None, int | None, int | None]:
    nothing = (None, None, None)
    if headers.get("content-type", "").strip().lower().startswith("multipart/"):
        return nothing  # several parts, each with a place of its own, were never asked for
    found = _PLACE.fullmatch(fields.join_lines(headers, "content-range"))
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


def _parse_version(headers: Mapping[str, str]) -> Version:
    etag = fields.join_lines(headers, "etag").strip() or None
    modified = fields.join_lines(headers, "last-modified").strip() or None
    if modified is None:
        return Version(etag)
    changed_at = dates.parse_date(modified)
    answered_at = fields.read_date(headers)
    settled = changed_at is not None and answered_at is not None and answered_at - changed_at >= STRONG_DATE_AGE_S
    return Version(etag, modified, settled)


def _parse_codings(text: str) -> tuple[str, ...]:
    names = [name.strip().lower() for name in text.split(",")]
    return tuple([found for name in names if (found := CODING_ALIASES.get(name, name))])


def parse_size(value: object) -> int | None:
    """The size that a provider announces, None if it announces none.

    Args:
        value: as it came: 64-bit numbers are often sent as text.

    Raises:
        ValueError: it cannot be read as a number of bytes.
    """
    size = json_values.to_integer(value)
    if size is not None and size < 0:
        raise json_values.UnclearValue(value, "a whole number of bytes")
    return size


def parse_flag(value: object) -> bool | None:
    """A yes or no in an answer, None if it says neither: some providers send it as text."""
    try:
        return json_values.to_flag(value)
    except json_values.UnclearValue:
        return None
