# SPDX-License-Identifier: Apache-2.0
"""What an audio file is, found by decoding it, and whether it may be assessed.

The limits are those of the provider's page "Audio requirements", next to "Before going to production" in the Speech
Assessment API's guides (docs.languageconfidence.ai).
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

import av

from callwell.emulator.language_confidence.replies import AssessmentRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

# The page says a minimum of "16Hz"; its recommendation of 16 kHz shows what is meant.
MIN_RATE: Final = 16_000
MIN_BITS: Final = 16
MAX_CHANNELS: Final = 2
# What an encoder may add to a recording of exactly the longest length.
TAIL_S: Final = 0.1
# FFmpeg's name of a container → the formats under which a request may send it.
CONTAINERS: Final = {
    "wav": ("wav",),
    "mp3": ("mp3",),
    "ogg": ("ogg",),
    "aac": ("aac",),
    "matroska,webm": ("webm",),
    "mov,mp4,m4a,3gp,3g2,mj2": ("m4a", "mp4"),
}


class AudioProperties(NamedTuple):
    """What an audio file is.

    Attributes:
        formats: the formats under which a request may send it; none for a container that is not accepted.
        duration_s: how long it lasts, as far as it was decoded.
        rate: samples a second.
        channels: how many channels there are.
        bits: bits of a sample, where samples are stored uncompressed; 0 elsewhere.
        silent: all samples are zero.
    """

    formats: tuple[str, ...]
    duration_s: float
    rate: int
    channels: int
    bits: int
    silent: bool


def decode_base64(text: str) -> bytes:
    """Return the file in plain base64.

    Raises:
        AssessmentRefused: the text is not base64.
    """
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AssessmentRefused("audio_base64 is not base64.") from error


def probe_audio(data: bytes, longest_s: float) -> AudioProperties | None:
    """Return what a file is, None if it holds no audio that can be decoded.

    Args:
        data: the file.
        longest_s: decoding stops soon after this many seconds: a longer file is refused anyway.
    """
    try:
        with av.open(BytesIO(data), mode="r") as container:
            if not container.streams.audio:
                return None
            stream = container.streams.audio[0]
            context = stream.codec_context
            duration_s = 0.0
            silent = True
            for frame in container.decode(stream):
                duration_s += frame.samples / frame.sample_rate
                silent = silent and all(_silent_planes(frame))
                if duration_s > longest_s + TAIL_S:
                    break
            return AudioProperties(
                formats=CONTAINERS.get(container.format.name, ()),
                duration_s=duration_s,
                rate=context.sample_rate,
                channels=context.channels,
                bits=context.format.bytes * 8 if context.name.startswith("pcm_") else 0,
                silent=silent,
            )
    except (av.FFmpegError, OSError, ValueError):
        return None


def check_audio(audio: AudioProperties | None, declared: str, longest_s: float) -> AudioProperties:
    """Check that a file may be assessed, and return its properties.

    Args:
        audio: the file's properties.
        declared: its format according to the request.
        longest_s: how long it may be.

    Raises:
        AssessmentRefused: the file must not be assessed.
    """
    if audio is None or not audio.duration_s:
        raise AssessmentRefused("The audio could not be decoded.")
    if declared not in audio.formats:
        raise AssessmentRefused(f"The audio is not {declared}.")
    if audio.duration_s > longest_s + TAIL_S:
        raise AssessmentRefused(f"The audio is longer than {longest_s:g} seconds.")
    if audio.rate < MIN_RATE:
        raise AssessmentRefused(f"The audio has fewer than {MIN_RATE} samples a second.")
    if 0 < audio.bits < MIN_BITS:
        raise AssessmentRefused(f"The audio has fewer than {MIN_BITS} bits a sample.")
    if audio.channels > MAX_CHANNELS:
        raise AssessmentRefused("The audio has more than two channels.")
    return audio


def _silent_planes(frame: av.AudioFrame) -> Iterator[bool]:
    """Yield for each plane whether all its bytes are zero."""
    for plane in frame.planes:
        samples = bytes(plane)
        yield samples.count(0) == len(samples)
