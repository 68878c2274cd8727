# SPDX-License-Identifier: Apache-2.0
"""The records of a recording: what it is, what is wanted, what is done with it, and how that was decided."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, get_args

Encoding = Literal["s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "u8", "mulaw", "alaw"]
ENCODINGS: Final[tuple[str, ...]] = get_args(Encoding)
"""How samples without a file around them may be written."""

DEPTH: Final = 16
"""Bits of a sample in what is sent."""

LOSSLESS: Final = frozenset({"alac", "ape", "flac", "mlp", "shorten", "tak", "truehd", "tta", "wavpack", "wmalossless"})
"""Codecs that lose nothing, beside PCM."""


class Level(NamedTuple):
    """What was heard.

    Attributes:
        duration_s: how much of it, in seconds.
        peak: the highest sample, 1.0 being the limit.
        rms: the loudness, 1.0 being a square wave at the limit.
        clipped: the share of samples that stand at the limit in a row.
        damaged: the share of the file's bytes that could not be read as sound.
        alike: the correlation of two channels; None without two channels that both have sound.
        together: the correlation of their loudness over time, likewise.
    """

    duration_s: float
    peak: float
    rms: float
    clipped: float = 0.0
    damaged: float = 0.0
    alike: float | None = None
    together: float | None = None


class AudioInfo(NamedTuple):
    """What a file is, by its content.

    Attributes:
        container: the kind of file: `wav`, `mp3`, `ogg`, `m4a`, `mp4`, `webm`, `aac`, `flac`, `raw`, …
        codec: what is in it, as FFmpeg calls it.
        rate: samples per second.
        depth: bits of a sample once it is decoded.
        floating: samples are numbers with a point.
        channels: how many.
        duration_s: how long the file says that it is; None where it says nothing, or only lets one guess.
        left_open: whoever wrote it into a pipe did not fill in its length.
        picture: there is a moving picture beside the sound.
        tracks: how many sounds there are; the first is meant.
        level: what was heard; None until it was listened to.
    """

    container: str
    codec: str
    rate: int
    depth: int
    floating: bool
    channels: int
    duration_s: float | None = None
    left_open: bool = False
    picture: bool = False
    tracks: int = 1
    level: Level | None = None

    @property
    def lossless(self) -> bool:
        """Whether nothing was lost when it was encoded."""
        return self.codec in LOSSLESS or (self.codec.startswith("pcm_") and not self.codec.endswith("law"))

    @property
    def length_s(self) -> float | None:
        """How long it is, as heard, or else as announced."""
        return self.level.duration_s if self.level else self.duration_s


class AudioOptions(NamedTuple):
    """What the caller says.

    Attributes:
        channel: the one that is meant, counted from 1 (1 is left), or `mix` for all of them; None to find out.
        accept_low: what is below the provider's smallest rate or depth is sent as it is, rather than refused.
    """

    channel: int | Literal["mix"] | None = None
    accept_low: bool = False


class Raw(NamedTuple):
    """Sound without a file around it, which says nothing of itself.

    Attributes:
        rate: samples per second.
        channels: how many.
        encoding: how a sample is written, as FFmpeg calls it.
    """

    rate: int
    channels: int = 1
    encoding: Encoding = "s16le"


class Decode(NamedTuple):
    """The sound is decoded, once."""

    codec: str

    def __str__(self) -> str:
        return f"{self.codec} decoded"


class Pick(NamedTuple):
    """One channel is taken, counted from 1."""

    channel: int

    def __str__(self) -> str:
        return f"channel {self.channel} taken"


class Mix(NamedTuple):
    """All channels become one, by their mean."""

    channels: int

    def __str__(self) -> str:
        return f"{self.channels} channels mixed into one"


class Resample(NamedTuple):
    """The rate is brought down, behind a low-pass filter."""

    before: int
    after: int

    def __str__(self) -> str:
        return f"{self.before} Hz to {self.after} Hz"


class Dither(NamedTuple):
    """Samples are rounded to 16 bit with noise of the size of a bit (TPDF), so that rounding leaves no pattern."""

    before: int

    def __str__(self) -> str:
        return f"rounded to {DEPTH} bit with dither"


class Write(NamedTuple):
    """The samples become a file."""

    container: str

    def __str__(self) -> str:
        return f"written as {self.container}"


Step = Decode | Pick | Mix | Resample | Dither | Write


class Caution(NamedTuple):
    """Something to know about a recording that is sent all the same.

    Attributes:
        code: to match on.
        message: in words.
    """

    code: str
    message: str

    def __str__(self) -> str:
        return self.message


class Pass(NamedTuple):
    """The file is sent byte for byte, under the provider's name of its format."""

    format: str
    cautions: tuple[Caution, ...] = ()


class Convert(NamedTuple):
    """The sound is sent as a new file, made by these steps, under the provider's name of its format."""

    format: str
    steps: tuple[Step, ...]
    cautions: tuple[Caution, ...] = ()


class Refuse(NamedTuple):
    """Nothing is sent.

    Attributes:
        code: to match on.
        reason: why.
        remedy: what to do.
    """

    code: str
    reason: str
    remedy: str


Decision = Pass | Convert | Refuse
