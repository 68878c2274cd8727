# SPDX-License-Identifier: Apache-2.0
"""Finds the compressed streams of a PDF file: its text is in them."""

from __future__ import annotations

import io
import re
import zlib
from functools import partial
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STREAM: Final = re.compile(rb">>[ \t\r\n]*stream\r?\n")
"""The end of a stream's dictionary, and what comes before its data (ISO 32000-2, 7.3.8.1)."""

FLATE: Final = re.compile(rb"/(?:FlateDecode|Fl)\b")

MAX_DICTIONARY: Final = 4096
"""How many bytes before the data may be the dictionary."""

MAX_STREAM: Final = 64 << 20
"""How many bytes of a stream are read; page contents have some hundred kilobytes."""


def list_streams(file: IO[bytes]) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    """List the streams that are compressed with Flate, each with a function that opens it.

    Args:
        file: the PDF file, at its beginning.
    """
    data = file.read()
    for number, found in enumerate(STREAM.finditer(data), 1):
        dictionary = data[max(0, found.start() - MAX_DICTIONARY) : found.start()].rpartition(b" obj")[2]
        if FLATE.search(dictionary):
            yield f"stream {number}", partial(_inflate, data, found.end())


def _inflate(data: bytes, start: int) -> IO[bytes]:
    return io.BytesIO(zlib.decompressobj().decompress(memoryview(data)[start:], MAX_STREAM))
