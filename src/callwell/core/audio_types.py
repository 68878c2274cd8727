# SPDX-License-Identifier: Apache-2.0
"""Records about a recording: what it is, what the caller wants, and what is decided about it."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

Encoding = Literal["s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "u8", "mulaw", "alaw"]
ENCODINGS: Final[tuple[str, ...]] = get_args(Encoding)
"""Encodings of raw samples, by FFmpeg's names."""

TARGET_DEPTH: Final = 16
"""Bits of a sample in converted files. Providers of speech assessment take 16 bit PCM; more adds nothing to speech."""

LOSSLESS: Final = frozenset({"alac", "ape", "flac", "mlp", "shorten", "tak", "truehd", "tta", "wavpack", "wmalossless"})
"""Lossless codecs besides PCM, by FFmpeg's names."""


class AudioMeasurements(NamedTuple):
    """Measurements of the decoded sound.

    Attributes:
        duration_s: its length in seconds.
        peak: the highest sample; 1.0 is the limit.
        rms: the loudness; 1.0 is a square wave at the limit.
        clipped: the share of samples in a run at the limit.
        damaged: the share of the file's bytes that could not be decoded.
        correlation: the correlation of two channels; None unless both of two channels have sound.
        loudness_correlation: the correlation of their loudness over time; None in the same cases.
    """

    duration_s: float
    peak: float
    rms: float
    clipped: float = 0.0
    damaged: float = 0.0
    correlation: float | None = None
    loudness_correlation: float | None = None


class AudioInfo(NamedTuple):
    """What a file is, by its contents.

    Attributes:
        container: the container: `wav`, `mp3`, `ogg`, `m4a`, `mp4`, `webm`, `aac`, `flac`, `raw`, …
        codec: the codec, by FFmpeg's name.
        rate: samples per second.
        depth: bits of a decoded sample.
        floating: whether samples are floating-point numbers.
        channels: the number of channels.
        duration_s: the length that the file declares; None if it declares none, or it could only be guessed.
        length_unknown: whether the length was left open, because the file was written into a pipe.
        picture: whether it also has a moving picture.
        tracks: the number of audio tracks; the first is used.
        measured: measurements of the sound; None until it is decoded.
    """

    container: str
    codec: str
    rate: int
    depth: int
    floating: bool
    channels: int
    duration_s: float | None = None
    length_unknown: bool = False
    picture: bool = False
    tracks: int = 1
    measured: AudioMeasurements | None = None

    @property
    def lossless(self) -> bool:
        """Whether encoding lost nothing."""
        return self.codec in LOSSLESS or (self.codec.startswith("pcm_") and not self.codec.endswith("law"))

    @property
    def length_s(self) -> float | None:
        """Its length in seconds: as measured, otherwise as declared."""
        return self.measured.duration_s if self.measured else self.duration_s


class AudioOptions(NamedTuple):
    """What the caller chooses.

    Attributes:
        channel: the channel to use, from 1 (1 is left), or `mix` for all of them; None to decide by the sound.
        accept_low: send a recording below the provider's lowest rate or depth unchanged, instead of refusing it.
    """

    channel: int | Literal["mix"] | None = None
    accept_low: bool = False


class Raw(NamedTuple):
    """The format of raw samples, which have no header to declare it.

    Attributes:
        rate: samples per second.
        channels: the number of channels.
        encoding: the encoding of a sample, by FFmpeg's name.
    """

    rate: int
    channels: int = 1
    encoding: Encoding = "s16le"


class Decode(NamedTuple):
    """Decode the sound."""

    codec: str

    def __str__(self) -> str:
        return f"{self.codec} decoded"


class Pick(NamedTuple):
    """Use one channel, counted from 1."""

    channel: int

    def __str__(self) -> str:
        return f"channel {self.channel} used"


class Mix(NamedTuple):
    """Mix all channels into one, by their mean."""

    channels: int

    def __str__(self) -> str:
        return f"{self.channels} channels mixed into one"


class Resample(NamedTuple):
    """Lower the rate, after a low-pass filter."""

    before: int
    after: int

    def __str__(self) -> str:
        return f"{self.before} Hz to {self.after} Hz"


class Dither(NamedTuple):
    """Round samples to 16 bit, with triangular noise of one bit (TPDF dither) so that rounding leaves no pattern."""

    before: int

    def __str__(self) -> str:
        return f"rounded to {TARGET_DEPTH} bit with dither"


class Write(NamedTuple):
    """Write the samples to a file."""

    container: str

    def __str__(self) -> str:
        return f"written as {self.container}"


Step = Decode | Pick | Mix | Resample | Dither | Write


class Caution(NamedTuple):
    """Something to know about a recording that is sent anyway.

    Attributes:
        code: a fixed code for programs.
        message: the same in words.
    """

    code: str
    message: str

    def __str__(self) -> str:
        return self.message


class Pass(NamedTuple):
    """Send the file byte for byte, under the provider's name of its format."""

    format: str
    cautions: tuple[Caution, ...] = ()


class Convert(NamedTuple):
    """Send a new file made by these steps, under the provider's name of its format."""

    format: str
    steps: tuple[Step, ...]
    cautions: tuple[Caution, ...] = ()


class Refuse(NamedTuple):
    """Send nothing.

    Attributes:
        code: a fixed code for programs.
        reason: why it cannot be sent.
        remedy: what to do.
    """

    code: str
    reason: str
    remedy: str


Decision = Pass | Convert | Refuse
