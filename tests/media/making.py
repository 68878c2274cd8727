# SPDX-License-Identifier: Apache-2.0
"""Recordings made by FFmpeg's encoders: voices, tones and silence, in many containers and codecs."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import av
import numpy as np
from av.stream import Disposition

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from numpy.typing import NDArray

    Wave = NDArray[np.float64]

LAYOUTS: Final = {1: "mono", 2: "stereo", 6: "5.1"}


class File(NamedTuple):
    """How a file is made.

    Attributes:
        container: as FFmpeg calls it.
        codec: the encoder.
        rate: samples per second.
        channels: how many.
        seconds: how long.
        voice: what is in it: `one` speaker, `two` speakers with a channel each, `apart` (one speaker, two microphones a
            metre apart), `opposed` (one channel is the other upside down), `left` (nothing on the right), `silent`,
            `quiet`, `clipped`.
        form: the encoder's kind of samples, where it has several.
        options: of the encoder.
        picture: a moving picture beside the sound.
    """

    container: str = "wav"
    codec: str = "pcm_s16le"
    rate: int = 16_000
    channels: int = 1
    seconds: float = 2.0
    voice: str = "one"
    form: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    picture: bool = False

    @functools.cache  # noqa: B019 - a description of a file stays the same, and the tests make few
    def made(self) -> bytes:
        """The file."""
        return encoded(voices(self.voice, self.rate, self.channels, self.seconds), self)


def tone(frequency: float, rate: int, seconds: float, level: float = 0.5) -> Wave:
    """A sine."""
    return level * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)


@functools.cache
def speaker(rate: int, seconds: float, pitch: float, seed: int) -> Wave:
    """Syllables: harmonics of a pitch under loudness that comes and goes, and breath."""
    dice = np.random.default_rng(seed)
    count = round(rate * seconds)
    moments = np.linspace(0, seconds, max(2, round(seconds * 8)))
    loud = np.interp(np.arange(count) / rate, moments, dice.random(len(moments)) ** 2)
    voiced = sum((tone(pitch * n, rate, seconds, 0.4 / n) for n in range(1, 8)), np.zeros(count))
    return 0.8 * loud * voiced + 0.001 * dice.standard_normal(count)


def voices(kind: str, rate: int, channels: int, seconds: float) -> Wave:
    """Samples, a row for each channel."""
    api = speaker(rate, seconds, 120, 1)
    if kind == "two":
        return np.stack([api, speaker(rate, seconds, 210, 2)])
    if kind == "apart":
        return np.stack([api, 0.8 * np.roll(api, round(rate * 0.003))])
    if kind == "opposed":
        return np.stack([api, -api])
    if kind == "left":
        return np.stack([api, np.zeros_like(api)])
    scale = {"silent": 0.0, "quiet": 0.02, "clipped": 20.0}.get(kind, 1.0)
    return np.clip(np.stack([api * scale] * channels), -1.0, 1.0)


def encoded(wave: Wave, file: File) -> bytes:
    """A file with these samples."""
    out = io.BytesIO()
    layout = LAYOUTS[file.channels]
    with av.open(out, "w", format=file.container) as container:
        picture = container.add_stream("mpeg4", rate=10) if file.picture else None
        stream = cast("AudioStream", container.add_stream(file.codec, file.rate, dict(file.options), layout=layout))
        if file.form:
            stream.codec_context.format = av.AudioFormat(file.form)
        if picture is not None:
            picture.width = 64
            picture.height = 48
            picture.pix_fmt = "yuv420p"
            for _ in range(round(file.seconds * 10)):
                container.mux(picture.encode(av.VideoFrame(64, 48, "yuv420p")))
            container.mux(picture.encode(None))
        if wave.shape[1]:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave), format="dblp", layout=layout)
            frame.sample_rate = file.rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def covered() -> bytes:
    """An MP3 with a picture of its cover."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp3") as container:
        stream = container.add_stream("mp3", 44_100, layout="mono")
        cover = container.add_stream("mjpeg", 1)
        cover.width = 64
        cover.height = 48
        cover.pix_fmt = "yuvj420p"
        cover.disposition = Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(voices("one", 44_100, 1, 2.0), format="dblp", layout="mono")
        frame.sample_rate = 44_100
        for packets in (cover.encode(av.VideoFrame(64, 48, "yuvj420p")), cover.encode(None), stream.encode(frame)):
            container.mux(packets)
        container.mux(stream.encode(None))
    return out.getvalue()


def samples(wav: bytes) -> Wave:
    """The samples of a WAV of 16 bit, as whole numbers."""
    at = wav.index(b"data") + 8
    return np.frombuffer(wav[at:], "<i2").astype(np.float64)


def spectrum(wave: Wave, rate: int) -> tuple[Wave, Wave]:
    """The frequencies of some samples and their loudness in decibels, 0 being a sine at 1.0; the ends left out."""
    inner = wave[rate // 20 : -rate // 20]
    window = np.blackman(len(inner))
    loud: Wave = np.abs(np.fft.rfft(inner * window)) / window.sum() * 2
    decibels: Wave = 20 * np.log10(loud + 1e-12)
    frequencies: Wave = np.fft.rfftfreq(len(inner), 1 / rate).astype(np.float64)
    return frequencies, decibels
