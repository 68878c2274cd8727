# SPDX-License-Identifier: Apache-2.0
"""Decides about a recording before it is sent: pass it on, convert it, or refuse it with a reason.

::

    REFUSALS, top to bottom ──► the first that applies refuses the recording
    CAUTIONS                ──► all that apply are reported
    what is left            ──► passes if the provider takes it as it is, else it is converted

Rules of conversion:

- The target is WAV with 16 bit, with the channels that the provider recommends, at its rate or the file's own.
- A lossy file that the provider takes is sent byte for byte: another loss is never added.
- Nothing is made larger than it was: rate, depth and channels never grow.
- Channels with different contents are not mixed, and nothing is cut, unless the caller asks for it.

The decision is made twice: first by what the file declares, before its sound is decoded, and then by the sound. The
second adds refusals and cautions, but never changes a conversion.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core.audio_types import DEPTH, Caution, Convert, Decode, Dither, Mix, Pass, Pick, Refuse, Resample, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.core.audio_types import AudioInfo, AudioOptions, Decision, Step
    from callwell.core.rules.media import AudioRule, RecordingRule

SHORTEST_S: Final = 0.1
"""Seconds: no spoken word is shorter."""
SILENT: Final = 0.001
"""The peak of a recording without sound: -60 dB, the noise of an open input."""
QUIET: Final = 0.03
"""The peak below which speech is near the noise of the room: -30 dB."""
CLIPPED: Final = 0.001
"""The share of samples at the limit from which clipping is audible."""
SAME_SOURCE: Final = 0.5
"""The lowest correlation of two channels that record one speaker near the middle."""
SAME_LOUDNESS: Final = 0.7
"""The lowest correlation of loudness over time of two channels that record one speaker, however far apart they are."""
TOLERANCE_S: Final = 0.1
TOLERANCE: Final = 0.02
"""How much shorter than declared a file may be, in seconds and as a share: codecs cut that much off at its ends."""
MAX_DAMAGED: Final = 0.05
"""The share of a file's bytes that may be unreadable: players skip that much silently."""


class Case(NamedTuple):
    """The input of a rule."""

    sound: AudioInfo
    audio: AudioRule
    recording: RecordingRule
    options: AudioOptions


def decide(sound: AudioInfo, audio: AudioRule, recording: RecordingRule, options: AudioOptions) -> Decision:
    """Decide about a recording.

    Args:
        sound: what the recording is.
        audio: what the provider takes.
        recording: what the operation takes.
        options: what the caller chooses.
    """
    case = Case(sound, audio, recording, options)
    for refusal in REFUSALS:
        if refused := refusal(case):
            return refused
    cautions = tuple(found for caution in CAUTIONS if (found := caution(case)))
    accepted = format_name(audio, sound.container, sound.codec)
    if accepted and not _should_convert(case):
        return Pass(accepted, cautions)
    target = format_name(audio, "wav", "pcm_s16le") or "wav"
    return Convert(format=target, steps=tuple(_steps(case)), cautions=cautions)


def format_name(audio: AudioRule, container: str, codec: str) -> str | None:
    """The provider's name of a format; None if it does not take the format."""
    for name, rule in audio.formats.items():
        if container in rule.containers and codec in rule.codecs:
            return name
    return None


def _should_convert(case: Case) -> bool:
    """Whether a file that the provider takes must, or had better, be converted."""
    sound = case.sound
    audio = case.audio
    if _picks_channel(case) or sound.channels > audio.max_channels:
        return True
    larger = sound.rate > audio.rate or sound.depth > DEPTH or sound.channels > audio.channels
    return sound.lossless and (larger or sound.left_open)


def _picks_channel(case: Case) -> bool:
    return isinstance(case.options.channel, int) and case.sound.channels > 1


def _steps(case: Case) -> Iterator[Step]:
    sound = case.sound
    audio = case.audio
    mixed = not _picks_channel(case) and sound.channels > audio.channels
    if not (sound.lossless and sound.codec.startswith("pcm_")):
        yield Decode(sound.codec)
    if isinstance(case.options.channel, int) and sound.channels > 1:
        yield Pick(case.options.channel)
    if mixed:
        yield Mix(sound.channels)
    if sound.rate > audio.rate:
        yield Resample(sound.rate, audio.rate)
    if sound.floating or sound.depth > DEPTH or mixed or sound.rate > audio.rate:
        yield Dither(sound.depth)
    yield Write("wav")


def _missing_channel(case: Case) -> Refuse | None:
    channel = case.options.channel
    channels = case.sound.channels
    if isinstance(channel, int) and not 1 <= channel <= channels:
        available = "one channel" if channels == 1 else f"{channels} channels"
        return Refuse("no-such-channel", f"it has {available}, and no channel {channel}", "choose another channel")
    return None


def _too_long(case: Case) -> Refuse | None:
    length_s = case.sound.length_s
    max_s = case.recording.max_s
    if length_s is None or length_s <= max_s:
        return None
    # Decoding stops at the limit, so only a declared length is the whole one.
    declared_s = case.sound.duration_s
    if declared_s is not None and declared_s > max_s:
        reason = f"{declared_s:.1f} s long, but the operation takes {max_s:g} s at most"
    else:
        reason = f"longer than the {max_s:g} s that the operation takes"
    return Refuse("too-long", reason, "split it between two sentences of its text, or record less")


def _empty(case: Case) -> Refuse | None:
    if case.sound.level and case.sound.level.duration_s == 0:
        return Refuse("empty", "it contains no sound", "record it again")
    return None


def _broken_off(case: Case) -> Refuse | None:
    declared_s = case.sound.duration_s
    level = case.sound.level
    if declared_s and level and level.duration_s < declared_s - max(TOLERANCE_S, declared_s * TOLERANCE):
        reason = f"broken off: it declares {declared_s:.1f} s, but has {level.duration_s:.1f} s"
        return Refuse("broken-off", reason, "copy it again from its source")
    return None


def _damaged(case: Case) -> Refuse | None:
    level = case.sound.level
    if level and (level.damaged > MAX_DAMAGED or not math.isfinite(level.rms)):
        return Refuse("damaged", "parts of it cannot be decoded", "copy it again from its source")
    return None


def _too_short(case: Case) -> Refuse | None:
    length_s = case.sound.length_s
    if length_s is not None and length_s < SHORTEST_S:
        return Refuse("too-short", f"{length_s:.2f} s long, too short for a word", "record it again")
    return None


def _low_quality(case: Case) -> str | None:
    sound = case.sound
    audio = case.audio
    if sound.rate < audio.min_rate:
        return f"sampled at {sound.rate} Hz, but the provider needs {audio.min_rate} Hz"
    if sound.lossless and sound.depth < audio.min_depth:
        return f"sampled with {sound.depth} bit, but the provider needs {audio.min_depth} bit"
    return None


def _too_low(case: Case) -> Refuse | None:
    reason = None if case.options.accept_low else _low_quality(case)
    if reason is None:
        return None
    return Refuse("too-low", reason, "record it again: conversion cannot add what was not recorded")


def _silent(case: Case) -> Refuse | None:
    level = case.sound.level
    if level and level.peak < SILENT:
        return Refuse(
            "silent", f"nothing in it is louder than {_decibels(SILENT):.0f} dB", "check that the microphone was on"
        )
    return None


def _ambiguous_channels(case: Case) -> Refuse | None:
    sound = case.sound
    level = sound.level
    if case.options.channel is not None or sound.channels == 1:
        return None
    remedy = "choose a channel (1 is left), or `mix` to use all of them"
    if sound.channels > max(case.audio.max_channels, 2):
        return Refuse("which-channel", f"it has {sound.channels} channels", remedy)
    if level is None or level.correlation is None:
        return None
    if level.correlation < -SAME_SOURCE:
        return Refuse("which-channel", "its two channels cancel each other out when mixed", remedy)
    if level.correlation < SAME_SOURCE and (level.loudness_correlation or 0.0) < SAME_LOUDNESS:
        return Refuse("which-channel", "its two channels hold different sounds, such as two speakers", remedy)
    return None


REFUSALS: Final[tuple[Callable[[Case], Refuse | None], ...]] = (
    _missing_channel,
    _too_long,
    _empty,
    _damaged,
    _broken_off,
    _too_short,
    _too_low,
    _silent,
    _ambiguous_channels,
)
"""The rules that refuse a recording, in order: first the caller's options, then the sound."""


def _accepted_low(case: Case) -> Caution | None:
    message = _low_quality(case)
    return Caution("low", message) if message else None


def _length(case: Case) -> Caution | None:
    length_s = case.sound.length_s
    rule = case.recording
    if length_s is not None and rule.best_min_s and length_s < rule.best_min_s:
        return Caution("short", f"{length_s:.2f} s long; {rule.best_min_s:g} s or more are recommended")
    if length_s is not None and rule.best_max_s and length_s > rule.best_max_s:
        return Caution("long", f"{length_s:.1f} s long; {rule.best_max_s:g} s at most are recommended")
    return None


def _clipped(case: Case) -> Caution | None:
    level = case.sound.level
    if level and (level.clipped > CLIPPED or level.peak > 1):
        return Caution("clipped", f"recorded too loud: {level.clipped:.1%} of it is clipped")
    return None


def _quiet(case: Case) -> Caution | None:
    level = case.sound.level
    if level and level.peak < QUIET:
        return Caution("quiet", f"nothing in it is louder than {_decibels(level.peak):.0f} dB")
    return None


def _gaps(case: Case) -> Caution | None:
    level = case.sound.level
    return Caution("gaps", f"{level.damaged:.1%} of it cannot be decoded") if level and level.damaged else None


def _picture(case: Case) -> Caution | None:
    return Caution("picture", "it contains a moving picture, too") if case.sound.picture else None


def _tracks(case: Case) -> Caution | None:
    count = case.sound.tracks
    return Caution("tracks", f"it contains {count} audio tracks; the first is used") if count > 1 else None


CAUTIONS: Final[tuple[Callable[[Case], Caution | None], ...]] = (
    _accepted_low,
    _length,
    _clipped,
    _quiet,
    _gaps,
    _picture,
    _tracks,
)
"""The rules that report something about a recording that is sent."""


def _decibels(value: float) -> float:
    return 20 * math.log10(max(value, 1e-9))
