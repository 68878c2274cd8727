# SPDX-License-Identifier: Apache-2.0
"""Files that a storage sends compressed although it was asked for the plain ones: undone as they come, in pieces.

A broken transfer goes on in the compressed form, so the decoder outlives it: it takes every byte of that form once, in
order, and skips what comes again.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHUNK: Final = 1 << 20
"""Bytes that are decoded at once: a compressed piece may hold a thousand times as many as it has."""

GZIP: Final = 16 + zlib.MAX_WBITS
ZLIB_METHOD: Final = 8


class DamagedCoding(ValueError):
    """A body that is not in the coding that it was said to be in."""


class Decoding:
    """A file that comes in some codings.

    Args:
        coding: their names, in the order in which they were applied.

    Attributes:
        taken: bytes of the coded form that were decoded.
        size: bytes of the file that came of them.
    """

    def __init__(self, coding: Sequence[str]) -> None:
        self.taken = 0
        self.size = 0
        self._layers = [_Gzip() if name == "gzip" else _Deflate() for name in reversed(coding)]

    def take(self, offset: int, piece: bytes) -> Iterator[tuple[int, bytes]]:
        """Decode some bytes.

        Args:
            offset: their place in the coded form; nothing before them is missing.
            piece: the bytes.

        Yields:
            Pieces of the file with their places.

        Raises:
            DamagedCoding: they are in another coding.
        """
        fresh = piece[self.taken - offset :]
        self.taken += len(fresh)
        try:
            for found in _through(self._layers, fresh):
                yield self.size, found
                self.size += len(found)
        except zlib.error as error:
            raise DamagedCoding(str(error)) from error

    def whole(self, announced: int | None) -> bool:
        """Whether every byte of the file has come, by the coding's own end and the announced size.

        Args:
            announced: its size as the provider says, or that of its coded form: both are met with.
        """
        return all(layer.finished for layer in self._layers) and announced in (None, self.size, self.taken)


def _through(layers: Sequence[_Gzip | _Deflate], data: bytes) -> Iterator[bytes]:
    if not layers:
        yield data
        return
    for found in layers[0].feed(data):
        yield from _through(layers[1:], found)


def _inflated(inflate: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What comes of some bytes, until the stream ends or they are used up."""
    while not inflate.eof:
        found = inflate.decompress(data, CHUNK)
        data = inflate.unconsumed_tail
        if found:
            yield found
        if not data and len(found) < CHUNK:
            return


class _Gzip:
    """One or more gzip members, one after the other (RFC 1952, 2.2), perhaps with zeros behind them."""

    def __init__(self) -> None:
        self._member: zlib._Decompress | None = None

    @property
    def finished(self) -> bool:
        return self._member is None

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member is None:
                data = data.lstrip(b"\0")
                if not data:
                    return
                self._member = zlib.decompressobj(GZIP)
            yield from _inflated(self._member, data)
            data = self._member.unused_data
            if self._member.eof:
                self._member = None


class _Deflate:
    """A zlib stream, or a bare deflate stream, which some servers send under the same name."""

    def __init__(self) -> None:
        self._begin = b""
        self._stream: zlib._Decompress | None = None

    @property
    def finished(self) -> bool:
        return not self._begin if self._stream is None else self._stream.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            self._begin += data
            if len(self._begin) < 2:  # noqa: PLR2004 - the length of zlib's header (RFC 1950)
                return
            data = self._begin
            wrapped = data[0] & 0x0F == ZLIB_METHOD and int.from_bytes(data[:2], "big") % 31 == 0
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        yield from _inflated(self._stream, data)
        if self._stream.unused_data:
            raise DamagedCoding("something follows the end")
