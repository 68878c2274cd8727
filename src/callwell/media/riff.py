# SPDX-License-Identifier: Apache-2.0
"""Reads the header of a WAV, and its samples if they are 16 bit PCM.

FFmpeg reports the actual length of a WAV, which hides that a file was truncated. It also decodes in small blocks, and
its threads wait for each other at every one; most recordings are plain PCM, and are read here in a few large blocks.

A program that writes a WAV to a pipe cannot go back to fill in the length. It writes 0, or a number too large for any
file.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import numpy as np

from callwell.core.audio_types import TARGET_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CHUNK_HEADER_SIZE: Final = 8
"""Bytes before the content of a chunk: its name and its size."""

FORMAT_SIZE: Final = 16
"""Bytes of the `fmt ` chunk that every WAV has."""

CONSTANT_RATE: Final = frozenset({1, 3, 6, 7, 0xFFFE})
"""Codes of formats with a constant byte rate: PCM, float, A-law, mu-law and "extensible"."""

UNKNOWN_LENGTHS: Final = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFFFFF - 36, 0x7FFFFFFF - 36})
"""What programs write when they do not know the length: 0, the largest number, or that minus the header."""


class WavHeader(NamedTuple):
    """The header of a WAV.

    Attributes:
        duration_s: its length in seconds; None if that was left open.
        length_unknown: whether the length was left open.
        start: the position of the first sample in the file.
        size: bytes of samples that are present.
    """

    duration_s: float | None
    length_unknown: bool
    start: int
    size: int


def read_header(file: BinaryIO) -> WavHeader | None:
    """Read the header of a WAV. The file stays at its beginning.

    Args:
        file: the file, at its beginning.

    Returns:
        None for any other file.
    """
    try:
        return _read_header(file)
    finally:
        file.seek(0)


def read_pcm16(file: BinaryIO, header: WavHeader, channels: int, block: int) -> Iterator[NDArray[np.float32]]:
    """Read 16 bit samples in blocks, with a row for each channel; full scale is 1.0.

    Args:
        file: the WAV.
        header: its header.
        channels: the number of channels.
        block: samples of a channel in a block.
    """
    frame = channels * TARGET_DEPTH // 8
    file.seek(header.start)
    left = header.size - header.size % frame
    while left and (data := file.read(min(left, block * frame))):
        left -= len(data)
        samples = np.frombuffer(data[: len(data) - len(data) % frame], "<i2").reshape(-1, channels)
        yield samples.T.astype(np.float32, order="C") * np.float32(1 / (1 << (TARGET_DEPTH - 1)))


def _read_header(file: BinaryIO) -> WavHeader | None:
    riff = file.read(12)
    if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
        return None
    bytes_per_s = 0
    while len(header := file.read(CHUNK_HEADER_SIZE)) == CHUNK_HEADER_SIZE:
        name, size = struct.unpack("<4sI", header)
        if name == b"fmt ":
            audio_format = file.read(FORMAT_SIZE)
            has_constant_rate = int.from_bytes(audio_format[:2], "little") in CONSTANT_RATE
            bytes_per_s = int.from_bytes(audio_format[8:12], "little") if has_constant_rate else 0
            file.seek(size + size % 2 - FORMAT_SIZE, os.SEEK_CUR)  # chunks begin at even positions
        elif name == b"data":
            start = file.tell()
            present = file.seek(0, os.SEEK_END) - start
            length_unknown = size in UNKNOWN_LENGTHS and size != present
            return WavHeader(
                duration_s=None if length_unknown or not bytes_per_s else size / bytes_per_s,
                length_unknown=length_unknown,
                start=start,
                size=present if length_unknown else min(size, present),
            )
        else:
            file.seek(size + size % 2, os.SEEK_CUR)
    return None
