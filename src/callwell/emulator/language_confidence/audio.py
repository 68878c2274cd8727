# SPDX-License-Identifier: Apache-2.0
"""What a sound file is, found by really decoding it, and whether it may be assessed."""

from __future__ import annotations

import binascii
from base64 import b64decode
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

import av

from callwell.emulator.language_confidence.replies import AssessmentRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_RATE: Final = 16_000
MIN_BITS: Final = 16
MAX_CHANNELS: Final = 2
TAIL_S: Final = 0.1
"""What an encoder may add to a recording of just the right length."""

CONTAINERS: Final = {
    "wav": ("wav",),
    "mp3": ("mp3",),
    "ogg": ("ogg",),
    "aac": ("aac",),
    "matroska,webm": ("webm",),
    "mov,mp4,m4a,3gp,3g2,mj2": ("m4a", "mp4"),
}
"""How FFmpeg calls a container, and how a request may."""


class AudioProperties(NamedTuple):
    """What a file is.

    Attributes:
        formats: how a request may call it; none for what is not taken.
        duration_s: how long it lasts, or as far as anybody looked.
        rate: samples a second.
        channels: how many there are.
        bits: of a sample, where samples are kept as they are; 0 elsewhere.
        silent: there is nothing but zeros.
    """

    formats: tuple[str, ...]
    duration_s: float
    rate: int
    channels: int
    bits: int
    silent: bool


def decode_base64(text: str) -> bytes:
    """The file in plain base64.

    Raises:
        AssessmentRefused: it is none.
    """
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AssessmentRefused("audio_base64 is not base64.") from error


def probe_audio(data: bytes, longest_s: float) -> AudioProperties | None:
    """What a file is, None for what holds no sound that can be read.

    Args:
        data: its bytes.
        longest_s: how far to look.
    """
    try:
        with av.open(BytesIO(data), mode="r") as container:
            if not container.streams.audio:
                return None
            stream = container.streams.audio[0]
            context = stream.codec_context
            bits = context.format.bytes * 8 if context.name.startswith("pcm_") else 0
            duration_s, silent = 0.0, True
            for frame in container.decode(stream):
                duration_s += frame.samples / frame.sample_rate
                silent = silent and all(_silent_planes(frame))
                if duration_s > longest_s + TAIL_S:
                    break
            formats = CONTAINERS.get(container.format.name, ())
            return AudioProperties(formats, duration_s, context.sample_rate, context.channels, bits, silent)
    except (av.FFmpegError, OSError, ValueError):
        return None


def check_audio(sound: AudioProperties | None, declared: str, longest_s: float) -> AudioProperties:
    """See that a file may be assessed.

    Args:
        sound: what it is.
        declared: how the request calls it.
        longest_s: how long it may be.

    Raises:
        AssessmentRefused: it may not.
    """
    if sound is None or not sound.duration_s:
        raise AssessmentRefused("The audio could not be decoded.")
    if declared not in sound.formats:
        raise AssessmentRefused(f"The audio is not {declared}.")
    if sound.duration_s > longest_s + TAIL_S:
        raise AssessmentRefused(f"The audio is longer than {longest_s:g} seconds.")
    if sound.rate < MIN_RATE:
        raise AssessmentRefused(f"The audio has fewer than {MIN_RATE} samples a second.")
    if 0 < sound.bits < MIN_BITS:
        raise AssessmentRefused(f"The audio has fewer than {MIN_BITS} bits a sample.")
    if sound.channels > MAX_CHANNELS:
        raise AssessmentRefused("The audio has more than two channels.")
    return sound


def _silent_planes(frame: av.AudioFrame) -> Iterator[bool]:
    """Whether each plane is silent."""
    for plane in frame.planes:
        samples = bytes(plane)
        yield samples.count(0) == len(samples)
