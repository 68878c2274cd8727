# SPDX-License-Identifier: Apache-2.0
"""Reads a file as parts: the file itself, or the members of an archive, or the sources of a source map."""

from __future__ import annotations

import os
import stat
import tempfile
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from callwell.folders import READ_FLAGS
from callwell.readiness.contents import source_maps
from callwell.readiness.contents.archive_formats import detect_archive
from callwell.readiness.contents.archives import IN_MEMORY, Unpacking
from callwell.readiness.contents.part import CHUNK, ContentPart, UnreadablePart

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO


def read_parts(path: Path) -> Iterator[ContentPart | UnreadablePart]:
    """Read a regular file. No link is followed.

    Args:
        path: the file.

    Yields:
        its parts; each must be read before the next one is requested.

    Raises:
        OSError: the file cannot be opened or read.
    """
    with os.fdopen(os.open(path, READ_FLAGS), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "it is not a regular file")
        sources = _read_source_map(path.name, file)
        if sources:
            yield from sources
            return
        first = file.read(CHUNK)
        yield ContentPart(inside="", chunks=_read_on(first, file))
        if detect_archive(first) is not None:
            file.seek(0)
            yield from Unpacking().unpack(file, "")


def read_stream(chunks: Iterator[bytes]) -> Iterator[ContentPart | UnreadablePart]:
    """Read content that is not in a file, such as a git object.

    Args:
        chunks: the content in chunks; an archive is kept, in memory or on disk, until its members have been read.

    Yields:
        its parts; each must be read before the next one is requested.
    """
    first = next(chunks, b"")
    if detect_archive(first) is None:
        yield ContentPart(inside="", chunks=chain((first,), chunks))
        return
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        file.writelines(chain((first,), chunks))
        file.seek(0)
        yield ContentPart(inside="", chunks=iter(partial(file.read, CHUNK), b""))
        file.seek(0)
        yield from Unpacking().unpack(file, "")


def _read_source_map(name: str, file: BinaryIO) -> list[ContentPart]:
    """The parts of a source map. If it is not one, returns nothing and rewinds the file."""
    if not name.endswith(source_maps.SUFFIX):
        return []
    text = file.read(source_maps.MAX_BYTES + 1)
    file.seek(0)
    return source_maps.unpack_source_map(text) if len(text) <= source_maps.MAX_BYTES else []


def _read_on(first: bytes, file: BinaryIO) -> Iterator[bytes]:
    """The first chunk, then the rest of the file."""
    chunk = first
    while chunk:
        yield chunk
        chunk = file.read(CHUNK) if len(chunk) == CHUNK else b""
