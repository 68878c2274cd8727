# SPDX-License-Identifier: Apache-2.0
"""What a WAV says of itself, and its sound where that is plain 16 bit.

FFmpeg tells how long a WAV is in fact, and so hides that one is broken off. It hands sound out in small pieces, at each
of which threads wait for each other; most recordings are plain, and are read here in a few large ones.

A program that writes into a pipe cannot go back to fill in the length. It leaves 0 or a number that no file has.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import numpy as np

from callwell.core.audio_types import DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CHUNK: Final = 8
FORM: Final = 16
EVEN: Final = frozenset({1, 3, 6, 7, 0xFFFE})
"""Codings in which every second has as many bytes: PCM, floating, A-law, mu-law, and what says more further on."""
OPEN: Final = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFFFFF - 36, 0x7FFFFFFF - 36})
"""What is found in place of a length: nothing, the largest number, or that less the header."""


class WavHeader(NamedTuple):
    """What a WAV says of its sound.

    Attributes:
        seconds: how long it is; None where that was left open.
        left_open: the length was left open.
        start: the place in the file of the first sample.
        size: bytes of samples that are there.
    """

    seconds: float | None
    left_open: bool
    start: int
    size: int


def read_header(file: BinaryIO) -> WavHeader | None:
    """What a WAV says of its sound; None for any other file. The file is left where it was.

    Args:
        file: it, from its beginning.
    """
    try:
        return _read_header(file)
    finally:
        file.seek(0)


def read_pcm16(file: BinaryIO, told: WavHeader, channels: int, most: int) -> Iterator[NDArray[np.float32]]:
    """Samples of 16 bit, a row for each channel, 1.0 being the limit.

    Args:
        file: the WAV.
        told: what it says.
        channels: how many there are.
        most: samples of a channel at once.
    """
    frame = channels * DEPTH // 8
    file.seek(told.start)
    left = told.size - told.size % frame
    while left and (data := file.read(min(left, most * frame))):
        left -= len(data)
        found = np.frombuffer(data[: len(data) - len(data) % frame], "<i2").reshape(-1, channels)
        yield found.T.astype(np.float32, order="C") * np.float32(1 / (1 << (DEPTH - 1)))


def _read_header(file: BinaryIO) -> WavHeader | None:
    riff = file.read(12)
    if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
        return None
    per_second = 0
    while len(head := file.read(CHUNK)) == CHUNK:
        name, size = struct.unpack("<4sI", head)
        if name == b"fmt ":
            form = file.read(FORM)
            even = int.from_bytes(form[:2], "little") in EVEN
            per_second = int.from_bytes(form[8:12], "little") if even else 0
            file.seek(size + size % 2 - FORM, os.SEEK_CUR)
        elif name == b"data":
            here = file.tell()
            there = file.seek(0, os.SEEK_END) - here
            left_open = size in OPEN and size != there
            seconds = None if left_open or not per_second else size / per_second
            return WavHeader(seconds, left_open, here, there if left_open else min(size, there))
        else:
            file.seek(size + size % 2, os.SEEK_CUR)
    return None
