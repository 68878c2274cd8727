# SPDX-License-Identifier: Apache-2.0
"""Decodes the content codings of whole bodies (RFC 9110, 8.4) up to a size limit: 1.5 MiB of gzip can become 1.5 GiB.

Coding names are case-insensitive, `x-gzip` is gzip, and several codings are decoded in reverse order. `deflate` should
be the zlib format but is often raw. A gzip body may have several members; bytes after the last one are ignored, as
gunzip does. A body with an unknown coding, or one that is clearly not encoded as its header says, is left unchanged,
and its parser decides.

pyreqwest decodes brotli and zstd, and the reader limits how much is read.

Files are decoded by `client.downloads.decoding`, under different rules on purpose. A file arrives in chunks, is resumed
in its encoded form, and has no size limit. Above all it must be exact: trailing bytes and wrong encodings make it
damaged, where a response is read leniently. The two share only how the formats are recognized.
"""

from __future__ import annotations

import re
import zlib
from typing import Final, NamedTuple

ACCEPTED: Final = "gzip, deflate, br, zstd"
"""The `Accept-Encoding` of requests, in order of preference."""

GZIP: Final = frozenset({"gzip", "x-gzip"})
DEFLATE: Final = "deflate"

GZIP_MAGIC: Final = b"\x1f\x8b"
"""The first bytes of every gzip member (RFC 1952, 2.3.1)."""

ZEROS: Final = re.compile(rb"\0+")
"""Padding between members, as in archives."""

TEXT_STARTS: Final = b"{[<"
"""The first characters of JSON, HTML and XML."""

GZIP_BITS: Final = 16 + zlib.MAX_WBITS
ZLIB_BITS: Final = zlib.MAX_WBITS
RAW_BITS: Final = -zlib.MAX_WBITS
"""The `wbits` argument of zlib for each format."""

ZLIB_HEADER_BYTES: Final = 2

CHUNK: Final = 64 << 10
"""Bytes decoded per step: the rest of a chunk is copied once for every member that ends in it."""

MAX_MEMBERS: Final = 20_000
"""The most members of one body: with 64 KiB blocks, the smallest in use (bgzip), 64 MiB have 1,000."""

MAX_CODINGS: Final = 5
"""The most codings of one body: more than two are useless, and each could multiply the size by a thousand."""


class Decoded(NamedTuple):
    """A decoded body.

    Attributes:
        body: the bytes that could be decoded.
        whole: the complete body could be decoded.
        too_large: the body has more bytes than allowed.
    """

    body: bytes
    whole: bool = True
    too_large: bool = False


def decode(body: bytes, coding: str, max_bytes: int) -> Decoded:
    """Decode the codings of a body.

    Args:
        body: the body as it arrived.
        coding: the value of `Content-Encoding`.
        max_bytes: the most bytes that the decoded body may have.
    """
    decoded = Decoded(body)
    names = [name.strip().lower() for name in coding.split(",")]
    for name in reversed(names[-MAX_CODINGS:]):
        if not decoded.whole or not decoded.body:
            return decoded
        if name in GZIP:
            decoded = _undo_gzip(decoded.body, max_bytes)
        elif name == DEFLATE:
            decoded = _undo_deflate(decoded.body, max_bytes)
    return decoded


def has_zlib_header(data: bytes) -> bool:
    """Whether data begins with a header in zlib format (RFC 1950, 2.2), unlike a raw deflate stream.

    Args:
        data: the beginning of the data, at least two bytes.
    """
    return data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:ZLIB_HEADER_BYTES], "big") % 31 == 0


def _undo_gzip(body: bytes, max_bytes: int) -> Decoded:
    if not body.startswith(GZIP_MAGIC):
        return Decoded(body)
    view = memoryview(body)
    pieces: list[bytes] = []
    start = 0
    left = max_bytes
    for _ in range(MAX_MEMBERS):
        inflater = zlib.decompressobj(GZIP_BITS)
        while not inflater.eof:
            fed = inflater.unconsumed_tail or view[start : start + CHUNK]
            if not fed:
                return Decoded(b"".join(pieces), whole=False)
            if not inflater.unconsumed_tail:
                start += len(fed)
            try:
                piece = inflater.decompress(fed, left + 1)
            except zlib.error:
                return Decoded(b"".join(pieces), whole=False)
            left -= len(piece)
            pieces.append(piece)
            if left < 0:
                return Decoded(b"".join(pieces)[:max_bytes], whole=False, too_large=True)
        start -= len(inflater.unused_data)
        padding = ZEROS.match(body, start)
        if padding is not None:
            start = padding.end()
        if not body.startswith(GZIP_MAGIC, start):
            return Decoded(b"".join(pieces))
    return Decoded(b"".join(pieces), whole=False)


def _undo_deflate(body: bytes, max_bytes: int) -> Decoded:
    # A raw stream may begin like the zlib format by chance, so it is tried as well.
    may_be_zlib = len(body) >= ZLIB_HEADER_BYTES and has_zlib_header(body)
    formats = (ZLIB_BITS, RAW_BITS) if may_be_zlib else (RAW_BITS,)
    for bits in formats:
        inflater = zlib.decompressobj(bits)
        try:
            text = inflater.decompress(body, max_bytes + 1)
        except zlib.error:
            continue
        if len(text) > max_bytes:
            return Decoded(text[:max_bytes], whole=False, too_large=True)
        if inflater.eof:
            return Decoded(text)
    if body[0] in TEXT_STARTS:  # it was never encoded, despite its header
        return Decoded(body)
    return Decoded(b"", whole=False)
