# SPDX-License-Identifier: Apache-2.0
"""The rule records of recordings: what sound a provider takes, and what an operation does with it."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FormatRule:
    """A form of sound that the provider takes as it is.

    Attributes:
        containers: kinds of file, as content tells them: `wav`, `mp3`, `ogg`, `m4a`, `mp4`, `webm`, `aac`.
        codecs: what may be in them, as FFmpeg calls it: `pcm_s16le`, `mp3`, `opus`, `vorbis`, `aac`.
    """

    containers: tuple[str, ...]
    codecs: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AudioRule:
    """What sound a provider takes.

    Attributes:
        formats: by the provider's own name of each; one of them must take `pcm_s16le` in `wav`, for what is converted.
        min_rate: samples per second, at least.
        rate: the number that it recommends; sound without loss that has more is brought down to it.
        min_depth: bits of a sample, at least.
        max_channels: at most.
        channels: the number that it recommends, to which sound without loss is mixed.
    """

    formats: dict[str, FormatRule]
    min_rate: int
    rate: int
    min_depth: int = 16
    max_channels: int = 2
    channels: int = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRule:
    """An operation that takes a recording inside its request.

    Attributes:
        data: the argument that takes the file, in base64.
        format: the argument that takes the provider's name of its format.
        max_s: seconds, at most.
        best_min_s: seconds, at least, as the provider recommends.
        best_max_s: seconds, at most, as it recommends.
    """

    data: str
    format: str
    max_s: float
    best_min_s: float | None = None
    best_max_s: float | None = None
