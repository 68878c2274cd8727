# SPDX-License-Identifier: Apache-2.0
"""The rule records of recordings: which audio a provider accepts, and which operations take it."""

from msgspec import Struct


class FormatRule(Struct, frozen=True, kw_only=True):
    """An audio format that the provider accepts directly.

    Attributes:
        containers: file types, detected by content: `wav`, `mp3`, `ogg`, `m4a`, `mp4`, `webm`, `aac`.
        codecs: codecs in them, by FFmpeg's names: `pcm_s16le`, `mp3`, `opus`, `vorbis`, `aac`.
    """

    containers: tuple[str, ...]
    codecs: tuple[str, ...]


class AudioRule(Struct, frozen=True, kw_only=True):
    """Which audio a provider accepts.

    Attributes:
        formats: the formats, by the provider's own names. One must accept `pcm_s16le` in `wav`, the target of every
            conversion.
        min_rate: the minimum samples per second.
        rate: the recommended samples per second; lossless audio with more is resampled to it.
        min_depth: the minimum bits per sample.
        max_channels: the maximum number of channels.
        channels: the recommended number; lossless audio with more is mixed down to it.
    """

    formats: dict[str, FormatRule]
    min_rate: int
    rate: int
    min_depth: int = 16
    max_channels: int = 2
    channels: int = 1


class RecordingRule(Struct, frozen=True, kw_only=True):
    """An operation that takes a recording inside its request.

    Attributes:
        data: the argument that takes the file, in base64.
        format: the argument that takes the provider's name for the format.
        max_s: the longest recording, in seconds.
        best_min_s: the shortest recording that the provider recommends, in seconds.
        best_max_s: the longest recording that it recommends, in seconds.
    """

    data: str
    format: str
    max_s: float
    best_min_s: float | None = None
    best_max_s: float | None = None
