# SPDX-License-Identifier: Apache-2.0
"""Reads recordings: what a file is by its content, and its sound as numbers.

FFmpeg is given bytes and never a name, so that an extension decides nothing, and only those of its readers that read
sound: a playlist or a list of files, which would make it open other things, is not a recording.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import av
import numpy as np
from av.stream import Disposition

from callwell.core.audio_types import AudioInfo, Refuse
from callwell.media import riff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from callwell.core.audio_types import Raw

    Samples = NDArray[np.float32]

READERS: Final = (
    *("wav", "w64", "mp3", "ogg", "mov", "matroska", "aac", "flac", "aiff", "amr", "amrnb", "amrwb", "caf", "au"),
    *("asf", "mpegts", "avi", "flv", "ac3", "eac3", "ape", "tta", "wv", "dsf", "voc", "ircam", "sox", "spx"),
)
OPTIONS: Final = {"format_whitelist": ",".join(READERS), "max_probe_packets": "1"}
"""One packet tells whether a WAV holds something other than it says; by default FFmpeg tries thousands of them."""
GUESSED: Final = frozenset({"mp3", "aac", "amr", "ac3", "eac3"})
"""Containers without a length: FFmpeg guesses it from size and bit rate."""
BARE: Final = frozenset({"aac"})
"""Containers in which one packet follows the other: what FFmpeg passes over without a word is no sound."""
BRANDS: Final = (("M4A", "m4a"), ("M4B", "m4a"), ("qt", "mov"), ("3g", "3gp"))
NUMBERS: Final[dict[str, tuple[type[np.generic], float, float]]] = {
    "u8": (np.uint8, 128.0, 1 / 128),
    "s16": (np.int16, 0.0, 1 / (1 << 15)),
    "s32": (np.int32, 0.0, 1 / (1 << 31)),
    "s64": (np.int64, 0.0, 1 / (1 << 63)),
    "flt": (np.float32, 0.0, 1.0),
    "dbl": (np.float64, 0.0, 1.0),
}
"""FFmpeg's kinds of samples: the type, what stands for silence, and what a step is worth."""
HEAD: Final = 64
PLAIN: Final = "pcm_s16le"
BLOCK_S: Final = 2
"""Long enough for other threads to run meanwhile, short enough to stay in a processor's cache."""
NOT_AUDIO: Final = Refuse(
    "not-audio", "is no recording, or its beginning is missing", "look whether it is the right file, and whole"
)


class Unreadable(Exception):
    """A file that FFmpeg cannot read as sound.

    Args:
        refusal: what to say about it.
    """

    def __init__(self, refusal: Refuse) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class NamelessFile:
    """A file that shows its bytes only: FFmpeg would guess from its name."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


class AudioReader:
    """A file that is open; to go through it gives its samples, a row for each channel, in blocks.

    Args:
        file: it.
        container: the same, as FFmpeg sees it.
        sound: what it is.
        claim: what it says of itself, if it is a WAV.

    Attributes:
        sound: what it is.
        read: bytes of it.
        damaged: how many of them hold no sound, or none that fits the rest.
    """

    def __init__(
        self, file: BinaryIO, container: InputContainer, sound: AudioInfo, claim: riff.WavHeader | None
    ) -> None:
        self.sound = sound
        self._file = file
        self._container = container
        self._claim = claim
        self._kind = ""
        self.read = 0
        self.damaged = 0

    def __iter__(self) -> Iterator[Samples]:
        if self._claim and self.sound.codec == PLAIN:
            self.read = self._claim.size
            return riff.read_pcm16(self._file, self._claim, self.sound.channels, self.sound.rate * BLOCK_S)
        return self._decoded()

    def _decoded(self) -> Iterator[Samples]:
        frames: list[AudioFrame] = []
        waiting = 0
        for frame in self._frames():
            frames.append(frame)
            waiting += frame.samples
            if waiting >= self.sound.rate * BLOCK_S:
                yield _numbers(frames, self.sound.channels)
                frames, waiting = [], 0
        if frames:
            yield _numbers(frames, self.sound.channels)

    def _frames(self) -> Iterator[AudioFrame]:
        for packet in self._packets():
            try:
                found = packet.decode()
            except (av.FFmpegError, ValueError):
                self.damaged += packet.size
                continue
            if all(self._fits(frame) for frame in found):
                yield from found
            else:
                self.damaged += packet.size

    def _packets(self) -> Iterator[Packet[AudioStream]]:
        try:
            for packet in self._container.demux(self._container.streams.audio[0]):
                self.read += packet.size
                yield packet
        except (av.FFmpegError, OSError, ValueError):
            self.damaged = self.read
        if self.sound.container in BARE:
            skipped = max(0, self._file.seek(0, os.SEEK_END) - self.read)
            self.damaged += skipped
            self.read += skipped

    def _fits(self, frame: AudioFrame) -> bool:
        """Whether a frame is of the kind that the file began with."""
        self._kind = self._kind or frame.format.name
        here = (frame.format.name, frame.layout.nb_channels, frame.sample_rate)
        return here == (self._kind, self.sound.channels, self.sound.rate)


@contextlib.contextmanager
def open_recording(file: BinaryIO, raw: Raw | None = None) -> Iterator[AudioReader]:
    """Open a recording.

    Args:
        file: it, from its beginning.
        raw: what it holds, if it says nothing of itself.

    Raises:
        Unreadable: there is no sound in it that could be read.
    """
    claim = None if raw else riff.read_header(file)
    head = file.read(HEAD)
    file.seek(0)
    if not head:
        raise Unreadable(Refuse("empty", "has no bytes", "record it anew"))
    options = OPTIONS
    if raw:
        layout = "mono" if raw.channels == 1 else f"{raw.channels}c"
        options = {"sample_rate": str(raw.rate), "ch_layout": layout}
    try:
        container = av.open(NamelessFile(file), "r", format=raw.encoding if raw else None, options=options)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise Unreadable(NOT_AUDIO) from error
    with container:
        sound = _sound(container, "raw" if raw else _container(container, head))
        if claim:
            sound = sound._replace(duration_s=claim.seconds, left_open=claim.left_open)
        yield AudioReader(file, container, sound, claim)


def _sound(container: InputContainer, kind: str) -> AudioInfo:
    if not container.streams.audio:
        raise Unreadable(Refuse("no-sound", "has a picture and no sound", "look whether the microphone was on"))
    stream = container.streams.audio[0]
    codec: Any = stream.codec_context
    if codec is None or codec.format is None or not codec.sample_rate or not codec.layout.nb_channels:
        raise Unreadable(Refuse("not-audio", "holds a sound that cannot be decoded", NOT_AUDIO.remedy))
    return AudioInfo(
        container=kind,
        codec=_codec(codec.name),
        rate=codec.sample_rate,
        depth=24 if "24" in codec.name else 8 if codec.name == "pcm_s8" else codec.format.bits,
        floating=codec.format.name.removesuffix("p") in ("flt", "dbl"),
        channels=codec.layout.nb_channels,
        duration_s=_duration(container, stream),
        picture=any(not _cover(one) for one in container.streams.video),
        tracks=len(container.streams.audio),
    )


def _container(container: InputContainer, head: bytes) -> str:
    name = container.format.name.split(",")[0]
    if name == "matroska":
        return "webm" if b"webm" in head else "matroska"
    if name == "mov":
        brand = str(container.metadata.get("major_brand", ""))
        return next((kind for start, kind in BRANDS if brand.startswith(start)), "mp4")
    return name


def _codec(name: str) -> str:
    """The codec, not the one of its decoders that is used: `mp3float` and `libopus` are `mp3` and `opus`."""
    found = av.Codec(name, "r").canonical_name
    return str(found)


def _duration(container: InputContainer, stream: AudioStream) -> float | None:
    if container.format.name in GUESSED:
        return None
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration and not container.streams.video else None


def _cover(stream: VideoStream) -> bool:
    """Whether a picture is the cover of a recording, and does not move."""
    return Disposition.attached_pic in stream.disposition


def _numbers(frames: list[AudioFrame], channels: int) -> Samples:
    """The samples of some frames, a row for each channel, 1.0 being the limit."""
    kind = frames[0].format
    type_, silence, step = NUMBERS[kind.name.removesuffix("p")]
    planes = range(channels if kind.is_planar else 1)
    size = kind.bytes * (1 if kind.is_planar else channels)
    rows = [b"".join(memoryview(one.planes[plane])[: one.samples * size] for one in frames) for plane in planes]
    found = [np.frombuffer(row, type_) for row in rows]
    table = np.stack(found) if kind.is_planar else found[0].reshape(-1, channels).T
    samples = table.astype(np.float32, order="C")
    return samples if step == 1.0 else (samples - np.float32(silence)) * np.float32(step)
