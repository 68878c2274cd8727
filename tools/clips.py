# SPDX-License-Identifier: Apache-2.0
"""Small media files for tests: a video with a tone, of any size in bytes, and pictures."""

from __future__ import annotations

import io
import math
from array import array
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Final, cast

import av

if TYPE_CHECKING:
    from av.video.stream import VideoStream

FRAMES_PER_S: Final = 10
SAMPLES_PER_S: Final = 48_000
SAMPLES_PER_FRAME: Final = 1024
"""The samples in one AAC frame."""

TONE_HZ: Final = 330
AMPLITUDE: Final = 3000
"""A tenth of what 16 bits hold, so that a clip is quiet when played."""

VIDEO_OPTIONS: Final = {"x264-params": "threads=1", "preset": "ultrafast"}
SOUND_OPTIONS: Final = {"aac_coder": "fast"}
"""A fifth of the time that FFmpeg takes by default, for a picture and a tone that need no care."""

BOX_HEAD: Final = 8
"""The bytes of an MP4 box before its content: a size of four bytes and a name of four."""


def clip(
    size: int = 0, *, seconds: int = 2, width: int = 320, height: int = 180, kind: str = "mp4", sound: bool = True
) -> bytes:
    """A file that plays.

    Args:
        size: the size in bytes; an MP4 is filled up with a `free` box, which every reader skips.
        seconds: the duration.
        width: of the picture.
        height: of the picture.
        kind: FFmpeg's name of the container.
        sound: whether there is a tone.
    """
    content = film(seconds, width, height, kind, sound=sound)
    rest = size - len(content)
    return content if rest < BOX_HEAD else content + rest.to_bytes(4, "big") + b"free" + bytes(rest - BOX_HEAD)


@cache
def film(seconds: int, width: int, height: int, kind: str, *, sound: bool) -> bytes:
    """The smallest file that plays."""
    out = io.BytesIO()
    with av.open(out, "w", format=kind, options={"fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=FRAMES_PER_S, options=VIDEO_OPTIONS)
        video.width = width
        video.height = height
        video.pix_fmt = "yuv420p"
        tone = container.add_stream("aac", SAMPLES_PER_S, SOUND_OPTIONS, layout="mono") if sound else None
        for number in range(seconds * FRAMES_PER_S):
            container.mux(video.encode(frame(number, width, height)))
        container.mux(video.encode(None))
        if tone is not None:
            for number in range(seconds * SAMPLES_PER_S // SAMPLES_PER_FRAME):
                container.mux(tone.encode(_tone(number)))
            container.mux(tone.encode(None))
    return out.getvalue()


def picture(codec: str, *, width: int = 160, height: int = 90) -> bytes:
    """A picture, as `mjpeg` or `png`."""
    encoder = cast("VideoStream", av.CodecContext.create(codec, "w"))
    encoder.width = width
    encoder.height = height
    encoder.pix_fmt = "rgb24" if codec == "png" else "yuvj420p"
    encoder.time_base = Fraction(1, FRAMES_PER_S)
    shown = frame(0, width, height).reformat(format=encoder.pix_fmt)
    return b"".join(bytes(packet) for packet in (*encoder.encode(shown), *encoder.encode(None)))


def frame(number: int, width: int, height: int) -> av.VideoFrame:
    """A frame of a moving diagonal wave of grey."""
    frame = av.VideoFrame(width, height, "yuv420p")
    luma, *tints = frame.planes
    wave = bytes((x + number * 7) % 160 + 40 for x in range(width + height))
    luma.update(b"".join(wave[y : y + width].ljust(luma.line_size, b"\0") for y in range(height)))
    for plane in tints:
        plane.update(bytes((128,)) * plane.buffer_size)
    frame.pts = number
    frame.time_base = Fraction(1, FRAMES_PER_S)
    return frame


def _tone(number: int) -> av.AudioFrame:
    frame = av.AudioFrame("s16", "mono", SAMPLES_PER_FRAME)
    frame.sample_rate = SAMPLES_PER_S
    frame.pts = number * SAMPLES_PER_FRAME
    frame.time_base = Fraction(1, SAMPLES_PER_S)
    within = frame.pts % SAMPLES_PER_S
    frame.planes[0].update(_second()[within : within + SAMPLES_PER_FRAME].tobytes())
    return frame


@cache
def _second() -> array[int]:
    """A second of the tone, and what a frame that starts at its end needs; the pitch is whole, so all are the same."""
    step = 2 * math.pi * TONE_HZ / SAMPLES_PER_S
    offsets = range(SAMPLES_PER_S + SAMPLES_PER_FRAME)
    return array("h", (int(AMPLITUDE * math.sin(step * offset)) for offset in offsets))
