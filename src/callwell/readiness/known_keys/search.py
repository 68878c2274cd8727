# SPDX-License-Identifier: Apache-2.0
"""Searches streams of any length in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.readiness.known_keys.known_key import KeyHit, KeyMatcher, KnownKey

BLOCK: Final = 1 << 20
"""How many bytes are searched at a time: large enough that the overlap costs little."""

OVERLAP_PER_BYTE: Final = 16
"""Bytes of overlap per byte of the longest key: base64 takes 4/3, escapes like \\u0041 six times as much; the rest
is for line breaks and indentation."""

LEAST_OVERLAP: Final = 4096


class Match(NamedTuple):
    """A key in a stream.

    Attributes:
        key: the key.
        line: the line where it begins, from 1.
        encoding: its encoding, as the end of a sentence.
    """

    key: KnownKey
    line: int
    encoding: str


def search(matcher: KeyMatcher, chunks: Iterable[bytes], block_bytes: int = BLOCK) -> Iterator[Match]:
    """Find every key in a stream, block by block. Memory is bounded by a few blocks.

    Args:
        matcher: finds the keys.
        chunks: the stream, in chunks of any size.
        block_bytes: how many bytes are searched at a time.
    """
    overlap = max(LEAST_OVERLAP, matcher.longest * OVERLAP_PER_BYTE)
    data = b""
    line = 1
    reported: set[tuple[KnownKey, int]] = set()
    for block in _gather(chunks, block_bytes):
        cut = max(0, len(data) - overlap)
        line += data.count(b"\n", 0, cut)
        reported = {(key, offset - cut) for key, offset in reported if offset >= cut}
        data = data[cut:] + block
        hits = [hit for hit in matcher.find(data) if (hit.key, hit.offset) not in reported]
        yield from _number(hits, data, line)
        reported |= {(hit.key, hit.offset) for hit in hits}


def _number(hits: list[KeyHit], data: bytes, line: int) -> Iterator[Match]:
    """Turn hits into matches, with their lines."""
    counted = 0
    for hit in sorted(hits, key=lambda hit: hit.offset):
        line += data.count(b"\n", counted, hit.offset)
        counted = hit.offset
        yield Match(key=hit.key, line=line, encoding=hit.encoding)


def _gather(chunks: Iterable[bytes], block_bytes: int) -> Iterator[bytes]:
    """Join small chunks into blocks of at least `block_bytes`."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size >= block_bytes:
            yield b"".join(parts)
            parts.clear()
            size = 0
    if parts:
        yield b"".join(parts)
