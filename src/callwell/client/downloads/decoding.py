# SPDX-License-Identifier: Apache-2.0
"""Decodes, chunk by chunk, a file that a storage sends compressed although the request asked for it uncompressed.

A transfer that broke off is resumed in the compressed form, so the decoder outlives a connection: it processes every
byte of that form once, in order, and skips bytes that arrive again.

Unlike `transport.codings`, which decodes whole responses, a decoder here has no size limit, since a file may have any
size, and is strict: bytes that are not coded as announced, or follow the end of a deflate stream, make the file
damaged.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from callwell.transport.codings import GZIP_BITS, RAW_BITS, ZLIB_BITS, ZLIB_HEADER_BYTES, has_zlib_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_CHUNK: Final = 1 << 20
"""The most bytes that one step decodes to: deflate compresses up to 1,032 bytes into one, so a chunk could fill
memory."""


class DamagedCoding(ValueError):
    """The file is not coded as its headers say."""


class FileDecoder:
    """Undoes the content codings of one file.

    Args:
        codings: their names, in the order they were applied.

    Attributes:
        encoded_bytes: bytes of the coded form that were decoded.
        decoded_bytes: bytes of the file after decoding.
    """

    def __init__(self, codings: Sequence[str]) -> None:
        self.encoded_bytes = 0
        self.decoded_bytes = 0
        self._layers = [_GzipLayer() if name == "gzip" else _DeflateLayer() for name in reversed(codings)]

    def decode(self, offset: int, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Decode some bytes.

        Args:
            offset: their offset in the coded form; nothing before them is missing.
            chunk: the bytes; those that were already decoded are skipped.

        Yields:
            Chunks of the file with their offsets.

        Raises:
            DamagedCoding: the bytes are not in the announced coding.
        """
        new = chunk[self.encoded_bytes - offset :]
        self.encoded_bytes += len(new)
        try:
            for decoded in _decode_through(self._layers, new):
                yield self.decoded_bytes, decoded
                self.decoded_bytes += len(decoded)
        except zlib.error as error:
            raise DamagedCoding(str(error)) from error

    def decode_next(self, chunk: bytes) -> bytes:
        """Decode bytes that directly follow the previous ones.

        Raises:
            DamagedCoding: the bytes are not in the announced coding.
        """
        return b"".join(decoded for _, decoded in self.decode(self.encoded_bytes, chunk))

    def is_complete(self, announced: int | None) -> bool:
        """Whether the file is complete: every coding has ended, and the size is as announced.

        Args:
            announced: the size in the headers, which may be that of the file or of its coded form; None if unknown.
        """
        has_ended = all(layer.has_ended for layer in self._layers)
        return has_ended and announced in (None, self.decoded_bytes, self.encoded_bytes)


def _decode_through(layers: Sequence[_GzipLayer | _DeflateLayer], data: bytes) -> Iterator[bytes]:
    if not layers:
        yield data
        return
    for decoded in layers[0].decode(data):
        yield from _decode_through(layers[1:], decoded)


def _inflate(stream: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """Decode data in steps of `MAX_CHUNK`, until the stream ends or the data is used up."""
    while not stream.eof:
        decoded = stream.decompress(data, MAX_CHUNK)
        data = stream.unconsumed_tail
        if decoded:
            yield decoded
        if not data and len(decoded) < MAX_CHUNK:
            return


class _GzipLayer:
    """One or more gzip members in a row (RFC 1952, 2.2), perhaps with zeros between or after them."""

    def __init__(self) -> None:
        self._member: zlib._Decompress | None = None

    @property
    def has_ended(self) -> bool:
        return self._member is None

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member is None:
                data = data.lstrip(b"\0")
                if not data:
                    return
                self._member = zlib.decompressobj(GZIP_BITS)
            yield from _inflate(self._member, data)
            data = self._member.unused_data
            if self._member.eof:
                self._member = None


class _DeflateLayer:
    """A stream in zlib format, or a raw deflate stream, which some servers send under the same name."""

    def __init__(self) -> None:
        self._start = b""
        self._stream: zlib._Decompress | None = None

    @property
    def has_ended(self) -> bool:
        if self._stream is None:
            return not self._start
        return self._stream.eof

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            self._start += data
            if len(self._start) < ZLIB_HEADER_BYTES:
                return
            data = self._start
            self._stream = zlib.decompressobj(ZLIB_BITS if has_zlib_header(data) else RAW_BITS)
        yield from _inflate(self._stream, data)
        if self._stream.unused_data:
            raise DamagedCoding("something follows the end")
