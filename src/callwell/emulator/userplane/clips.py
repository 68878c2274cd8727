# SPDX-License-Identifier: Apache-2.0
"""The base clips: five moving test patterns with a tone, each encoded once per process, when it is first needed.

Encoding a clip takes a tenth of a second, and a world may hold 100,000 recordings. So a recording's video is one of the
clips plus one element of its own at the end:

    EBML header | Segment (size) | Info | Tracks | Clusters … | Void: 32 bytes made of the recording's ID
                  └──────────── announces VOID_BYTES more than the clip holds ───────────┘

Every reader of WebM skips a Void element, so all videos decode, and no two have the same bytes.
"""

from __future__ import annotations

import io
import math
from array import array
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, cast

import av
from av.codec.codec import UnknownCodecError

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream

# Small and slow enough that a clip takes less than 120 kB.
WIDTH: Final = 320
HEIGHT: Final = 180
FRAMES_PER_S: Final = 10
SAMPLES_PER_S: Final = 48_000
# 20 ms: the frame that both encoders take.
SAMPLES_PER_FRAME: Final = 960
DURATIONS_S: Final = (3, 4, 5, 6, 7)
# The first that this build of FFmpeg has; without either, clips are silent.
SOUND_CODECS: Final = ("libopus", "libvorbis")
# A negative speed is fixed; a positive one follows the load of the machine, and the same picture becomes other bytes.
VIDEO_OPTIONS: Final = {"deadline": "realtime", "cpu-used": "-8"}
# The least effort: a tone needs no more.
SOUND_OPTIONS: Final = {"compression_level": "0"}
# IDs of EBML elements (RFC 8794 and 9559).
SEGMENT: Final = bytes.fromhex("18538067")
VOID: Final = 0xEC
MARK_BYTES: Final = 32
VOID_BYTES: Final = MARK_BYTES + 2
# The marker bit of a size that takes eight bytes, as FFmpeg writes the Segment's.
EIGHT_BYTE_SIZE: Final = 1 << 56


@dataclass(frozen=True, slots=True)
class Clip:
    """One base clip.

    Attributes:
        webm: a WebM file; its Segment announces `VOID_BYTES` more than follow.
        webp: its first picture, a lossy WebP bitstream without the RIFF header.
        digest: SHA-256 of `webm`; copied and continued, so that only what differs must be hashed.
    """

    webm: bytes
    webp: bytes
    digest: Any


@cache
def base_clip(number: int) -> Clip:
    """Return the base clip at a position of `DURATIONS_S`."""
    return _encode(DURATIONS_S[number], hue=40 + 36 * number)


def void_element(mark: bytes) -> bytes:
    """Return an EBML Void element that holds `mark`, which is `MARK_BYTES` long."""
    return bytes((VOID, 0x80 | len(mark))) + mark


def _encode(seconds: int, *, hue: int) -> Clip:
    out = io.BytesIO()
    with av.open(out, "w", format="webm", options={"fflags": "+bitexact"}) as container:
        video = container.add_stream("libvpx", rate=FRAMES_PER_S, options=VIDEO_OPTIONS)
        video.width = WIDTH
        video.height = HEIGHT
        video.pix_fmt = "yuv420p"
        video.bit_rate = 100_000
        # One thread: with more, the same picture becomes different bytes.
        video.codec_context.thread_count = 1
        sound = _sound_stream(container)
        for number in range(seconds * FRAMES_PER_S):
            container.mux(video.encode(_picture(number, hue)))
        container.mux(video.encode(None))
        if sound is not None:
            for number in range(seconds * SAMPLES_PER_S // SAMPLES_PER_FRAME):
                container.mux(sound.encode(_tone(number, 220 + hue)))
            container.mux(sound.encode(None))
    webm = _reserve_void(out.getvalue())
    return Clip(webm=webm, webp=_encode_still(_picture(0, hue)), digest=sha256(webm))


def _sound_stream(container: Any) -> AudioStream | None:
    for name in SOUND_CODECS:
        try:
            stream = cast("AudioStream", container.add_stream(name, rate=SAMPLES_PER_S, options=SOUND_OPTIONS))
        except UnknownCodecError:
            continue
        stream.layout = "mono"
        stream.bit_rate = 24_000
        return stream
    return None


def _picture(number: int, hue: int) -> av.VideoFrame:
    """Return a diagonal wave of grey that moves, in one tint."""
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    luma, *tints = frame.planes
    wave = bytes((x + number * 7 + hue) % 220 + 16 for x in range(WIDTH)) * 2
    luma.update(b"".join(wave[y : y + WIDTH].ljust(luma.line_size, b"\0") for y in range(HEIGHT)))
    for plane, value in zip(tints, (hue, 255 - hue), strict=True):
        plane.update(bytes((value,)) * plane.buffer_size)
    frame.pts = number
    frame.time_base = Fraction(1, FRAMES_PER_S)
    return frame


def _tone(number: int, pitch: int) -> av.AudioFrame:
    frame = av.AudioFrame("s16", "mono", SAMPLES_PER_FRAME)
    start = number * SAMPLES_PER_FRAME
    frame.sample_rate = SAMPLES_PER_S
    frame.pts = start
    frame.time_base = Fraction(1, SAMPLES_PER_S)
    within = start % SAMPLES_PER_S
    frame.planes[0].update(_second(pitch)[within : within + SAMPLES_PER_FRAME].tobytes())
    return frame


@cache
def _second(pitch: int) -> array[int]:
    """Return one second of a tone; cached, because sines are half of what a clip costs.

    The pitch is a whole number, so every second is the same.
    """
    step = 2 * math.pi * pitch / SAMPLES_PER_S
    return array("h", (int(3000 * math.sin(step * sample)) for sample in range(SAMPLES_PER_S)))


def _encode_still(frame: av.VideoFrame) -> bytes:
    encoder = cast("VideoStream", av.CodecContext.create("libwebp", "w"))
    encoder.width = WIDTH
    encoder.height = HEIGHT
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, FRAMES_PER_S)
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    # Without the RIFF header: `assets` writes its own.
    return b"".join(bytes(packet) for packet in packets)[12:]


def _reserve_void(webm: bytes) -> bytes:
    """Return the file with a Segment that announces one Void element more."""
    start = webm.index(SEGMENT) + len(SEGMENT)
    end = start + 8
    size = int.from_bytes(webm[start:end], "big") - EIGHT_BYTE_SIZE
    return webm[:start] + (EIGHT_BYTE_SIZE + size + VOID_BYTES).to_bytes(8, "big") + webm[end:]
