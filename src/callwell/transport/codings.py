# SPDX-License-Identifier: Apache-2.0
"""Content codings of whole bodies (RFC 9110, 8.4), undone within a bound: 1.5 MiB of gzip can become 1.5 GiB.

The names are read whatever their case, `x-gzip` is gzip, and codings that were applied one after another are undone
from the last. `deflate` is meant to be the zlib format and often comes bare. A gzip body may have several members; what
stands behind the last is ignored, as gunzip does. A coding that is not known, and a body that is plainly not coded as
its header says, stay as they are: whoever reads the body finds out.

brotli and zstd are undone by the HTTP library, whose pieces are bounded by the reader.
"""

from __future__ import annotations

import re
import zlib
from typing import Final, NamedTuple

ACCEPTED: Final = "gzip, deflate, br, zstd"
"""What requests ask for, in this order."""

GZIP: Final = frozenset({"gzip", "x-gzip"})
DEFLATE: Final = "deflate"

MAGIC: Final = b"\x1f\x8b"
"""How every gzip member begins (RFC 1952)."""

ZEROS: Final = re.compile(rb"\0+")
"""What archives put between members."""

TEXTS: Final = b"{[<"
"""How JSON, HTML and XML begin."""

GZIP_BITS: Final = 31
ZLIB_BITS: Final = 15
BARE_BITS: Final = -15
"""How zlib is told the format."""

PIECE: Final = 64 << 10
"""Bytes that are decoded at once: what stands behind a member is copied once for each member."""

MOST_MEMBERS: Final = 20_000
"""Members of one body: blocks of 64 KiB, the smallest that are used, make 1,000 of them in 64 MiB."""

MOST_CODINGS: Final = 5
"""Codings of one body; nobody means more than two."""


class Decoded(NamedTuple):
    """A body without its codings.

    Attributes:
        body: its bytes, as far as they could be had.
        whole: all of it could be decoded.
        too_large: there is more than was allowed.
    """

    body: bytes
    whole: bool = True
    too_large: bool = False


def decode(body: bytes, coding: str, most: int) -> Decoded:
    """A body without its codings.

    Args:
        body: as it arrived.
        coding: the header `Content-Encoding`.
        most: bytes that it may have.
    """
    found = Decoded(body)
    names = [name.strip().lower() for name in coding.split(",")]
    for name in reversed(names[-MOST_CODINGS:]):
        if not found.whole or not found.body:
            return found
        if name in GZIP:
            found = _gunzip(found.body, most)
        elif name == DEFLATE:
            found = _undo_deflate(found.body, most)
    return found


def _gunzip(body: bytes, most: int) -> Decoded:
    if not body.startswith(MAGIC):
        return Decoded(body)
    view = memoryview(body)
    pieces: list[bytes] = []
    start = 0
    left = most
    for _ in range(MOST_MEMBERS):
        inflater = zlib.decompressobj(GZIP_BITS)
        while not inflater.eof:
            fed = inflater.unconsumed_tail or view[start : start + PIECE]
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
                return Decoded(b"".join(pieces)[:most], whole=False, too_large=True)
        start -= len(inflater.unused_data)
        padded = ZEROS.match(body, start)
        if padded is not None:
            start = padded.end()
        if not body.startswith(MAGIC, start):
            return Decoded(b"".join(pieces))
    return Decoded(b"".join(pieces), whole=False)


def _undo_deflate(body: bytes, most: int) -> Decoded:
    usual = body[0] & 0x0F == zlib.DEFLATED and len(body) > 1 and int.from_bytes(body[:2]) % 31 == 0  # RFC 1950, 2.2
    order = (ZLIB_BITS, BARE_BITS) if usual else (BARE_BITS,)
    for bits in order:
        inflater = zlib.decompressobj(bits)
        try:
            text = inflater.decompress(body, most + 1)
        except zlib.error:
            continue
        if len(text) > most:
            return Decoded(text[:most], whole=False, too_large=True)
        if inflater.eof:
            return Decoded(text)
    if body[0] in TEXTS:  # it was never coded
        return Decoded(body)
    return Decoded(b"", whole=False)
