# SPDX-License-Identifier: Apache-2.0
"""Reads recordings: identifies a file by its contents, and reads its samples.

FFmpeg gets only bytes, never a name, so the extension of a file does not matter. It may use only demuxers for sound: a
playlist or a list of files, which would make it open other files, is not a recording.
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

DEMUXERS: Final = (
    *("wav", "w64", "mp3", "ogg", "mov", "matroska", "aac", "flac", "aiff", "amr", "amrnb", "amrwb", "caf", "au"),
    *("asf", "mpegts", "avi", "flv", "ac3", "eac3", "ape", "tta", "wv", "dsf", "voc", "ircam", "sox", "spx"),
)
OPTIONS: Final = {"format_whitelist": ",".join(DEMUXERS), "max_probe_packets": "1"}
"""One packet shows whether a WAV contains a different codec than it declares; by default FFmpeg probes thousands."""
WITHOUT_LENGTH: Final = frozenset({"mp3", "aac", "amr", "ac3", "eac3"})
"""Containers that do not declare a length, which FFmpeg guesses from size and bit rate."""
UNFRAMED: Final = frozenset({"aac"})
"""Formats with contiguous packets: bytes that FFmpeg silently skips between them are damage."""
BRANDS: Final = (("M4A", "m4a"), ("M4B", "m4a"), ("qt", "mov"), ("3g", "3gp"))
SAMPLE_FORMATS: Final[dict[str, tuple[type[np.generic], float, float]]] = {
    "u8": (np.uint8, 128.0, 1 / 128),
    "s16": (np.int16, 0.0, 1 / (1 << 15)),
    "s32": (np.int32, 0.0, 1 / (1 << 31)),
    "s64": (np.int64, 0.0, 1 / (1 << 63)),
    "flt": (np.float32, 0.0, 1.0),
    "dbl": (np.float64, 0.0, 1.0),
}
"""FFmpeg's sample formats: the type, the value of silence, and the size of a step; 1.0 is the limit."""
HEAD_BYTES: Final = 64
"""Bytes that contain the DocType of a Matroska file, which identifies WebM."""
PCM16: Final = "pcm_s16le"
BLOCK_S: Final = 2
"""Seconds: long enough for other threads to run meanwhile, short enough to stay in a processor's cache."""
NOT_AUDIO: Final = Refuse(
    "not-audio", "it is not a recording, or its beginning is missing", "check that it is the right file and complete"
)


class Unreadable(Exception):
    """FFmpeg cannot read any sound from a file.

    Args:
        refusal: the reason and the remedy.
    """

    def __init__(self, refusal: Refuse) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class NamelessFile:
    """A file without its name, so that FFmpeg cannot guess the format from it."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


class AudioReader:
    """An open recording. Iterating gives its samples in blocks, with a row for each channel.

    Args:
        file: the file.
        container: the same file, opened by FFmpeg.
        info: what it is.
        header: its WAV header, if it has one.

    Attributes:
        info: what it is.
        read: bytes read so far.
        damaged: bytes that cannot be decoded, or do not match the rest.
    """

    def __init__(
        self, file: BinaryIO, container: InputContainer, info: AudioInfo, header: riff.WavHeader | None
    ) -> None:
        self.info = info
        self._file = file
        self._container = container
        self._header = header
        self._format = ""
        self.read = 0
        self.damaged = 0

    def __iter__(self) -> Iterator[Samples]:
        if self._header and self.info.codec == PCM16:
            self.read = self._header.size
            return riff.read_pcm16(self._file, self._header, self.info.channels, self.info.rate * BLOCK_S)
        return self._decode()

    def _decode(self) -> Iterator[Samples]:
        frames: list[AudioFrame] = []
        waiting = 0
        for frame in self._frames():
            frames.append(frame)
            waiting += frame.samples
            if waiting >= self.info.rate * BLOCK_S:
                yield _samples(frames, self.info.channels)
                frames = []
                waiting = 0
        if frames:
            yield _samples(frames, self.info.channels)

    def _frames(self) -> Iterator[AudioFrame]:
        for packet in self._packets():
            try:
                decoded = packet.decode()
            except (av.FFmpegError, ValueError):
                self.damaged += packet.size
                continue
            if all(self._fits(frame) for frame in decoded):
                yield from decoded
            else:
                self.damaged += packet.size

    def _packets(self) -> Iterator[Packet[AudioStream]]:
        try:
            for packet in self._container.demux(self._container.streams.audio[0]):
                self.read += packet.size
                yield packet
        except (av.FFmpegError, OSError, ValueError):
            self.damaged = self.read
        if self.info.container in UNFRAMED:
            skipped = max(0, self._file.seek(0, os.SEEK_END) - self.read)
            self.damaged += skipped
            self.read += skipped

    def _fits(self, frame: AudioFrame) -> bool:
        """Whether a frame has the format of the first one."""
        self._format = self._format or frame.format.name
        actual = (frame.format.name, frame.layout.nb_channels, frame.sample_rate)
        return actual == (self._format, self.info.channels, self.info.rate)


@contextlib.contextmanager
def open_recording(file: BinaryIO, raw: Raw | None = None) -> Iterator[AudioReader]:
    """Open a recording.

    Args:
        file: the file, at its beginning.
        raw: its format, if it has no header.

    Raises:
        Unreadable: it contains no sound that can be read.
    """
    header = None if raw else riff.read_header(file)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if not head:
        raise Unreadable(Refuse("empty", "the file is empty", "record it again"))
    options = OPTIONS
    if raw:
        layout = "mono" if raw.channels == 1 else f"{raw.channels}c"
        options = {"sample_rate": str(raw.rate), "ch_layout": layout}
    try:
        container = av.open(NamelessFile(file), "r", format=raw.encoding if raw else None, options=options)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise Unreadable(NOT_AUDIO) from error
    with container:
        info = _read_info(container, "raw" if raw else _container(container, head))
        if header:
            info = info._replace(duration_s=header.duration_s, length_unknown=header.length_unknown)
        yield AudioReader(file, container, info, header)


def _read_info(container: InputContainer, kind: str) -> AudioInfo:
    if not container.streams.audio:
        raise Unreadable(Refuse("no-sound", "it has a picture, but no sound", "check that the microphone was on"))
    stream = container.streams.audio[0]
    codec: Any = stream.codec_context
    if codec is None or codec.format is None or not codec.sample_rate or not codec.layout.nb_channels:
        raise Unreadable(Refuse("not-audio", "its sound cannot be decoded", NOT_AUDIO.remedy))
    return AudioInfo(
        container=kind,
        codec=_codec(codec.name),
        rate=codec.sample_rate,
        depth=_depth(codec),
        floating=codec.format.name.removesuffix("p") in ("flt", "dbl"),
        channels=codec.layout.nb_channels,
        duration_s=_duration(container, stream),
        picture=any(not _is_cover(stream) for stream in container.streams.video),
        tracks=len(container.streams.audio),
    )


def _depth(codec: Any) -> int:
    """Bits per sample. FFmpeg decodes 24 bit to 32 and `pcm_s8` to 16, so the decoded format does not show it."""
    if "24" in codec.name:
        return 24
    if codec.name == "pcm_s8":
        return 8
    return int(codec.format.bits)


def _container(container: InputContainer, head: bytes) -> str:
    name = container.format.name.split(",")[0]
    if name == "matroska":
        return "webm" if b"webm" in head else "matroska"
    if name == "mov":
        brand = str(container.metadata.get("major_brand", ""))
        return next((kind for start, kind in BRANDS if brand.startswith(start)), "mp4")
    return name


def _codec(name: str) -> str:
    """The name of the codec, not of one of its decoders: `mp3float` and `libopus` are `mp3` and `opus`."""
    return str(av.Codec(name, "r").canonical_name)


def _duration(container: InputContainer, stream: AudioStream) -> float | None:
    if container.format.name in WITHOUT_LENGTH:
        return None
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration and not container.streams.video else None


def _is_cover(stream: VideoStream) -> bool:
    """Whether a picture is the still cover of a recording."""
    return Disposition.attached_pic in stream.disposition


def _samples(frames: list[AudioFrame], channels: int) -> Samples:
    """The samples of some frames, with a row for each channel; 1.0 is the limit."""
    # A planar format has a plane for each channel; any other has one plane in which the channels alternate.
    sample_format = frames[0].format
    type_, silence, step = SAMPLE_FORMATS[sample_format.name.removesuffix("p")]
    planes = range(channels if sample_format.is_planar else 1)
    size = sample_format.bytes * (1 if sample_format.is_planar else channels)
    rows = [b"".join(memoryview(frame.planes[plane])[: frame.samples * size] for frame in frames) for plane in planes]
    arrays = [np.frombuffer(row, type_) for row in rows]
    table = np.stack(arrays) if sample_format.is_planar else arrays[0].reshape(-1, channels).T
    samples = table.astype(np.float32, order="C")
    return samples if step == 1.0 else (samples - np.float32(silence)) * np.float32(step)
