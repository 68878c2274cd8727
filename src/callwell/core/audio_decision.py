# SPDX-License-Identifier: Apache-2.0
"""Decides about a recording before it is sent: pass it on, convert it, or refuse it with a reason.

::

    REFUSALS, top to bottom ──► the first that applies refuses the recording
    CAUTIONS                ──► all that apply are reported
    what is left            ──► passes if the provider accepts it unchanged, else it is converted

Rules of conversion:

- The target is WAV with 16 bit, with the channels that the provider recommends, at its rate or the file's own.
- A lossy file that the provider takes is sent byte for byte: another loss is never added.
- Nothing is made larger than it was: rate, depth and channels never grow.
- Channels with different contents are not mixed, and nothing is cut, unless the caller asks for that.

The decision is made twice: first by what the file declares, before its sound is decoded, and then by the sound. The
second adds refusals and cautions, but never changes a conversion.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.core.audio_types import (
    TARGET_DEPTH,
    Caution,
    Convert,
    Decode,
    Dither,
    Mix,
    Pass,
    Pick,
    Refuse,
    Resample,
    Write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.core.audio_types import AudioInfo, AudioOptions, Decision, Step
    from callwell.core.rules.media import AudioRule, RecordingRule

MIN_LENGTH_S: Final = 0.1
"""Seconds: no spoken word is shorter."""
SILENCE_PEAK: Final = 0.001
"""The peak of a recording without sound: -60 dB, the noise of an open input."""
QUIET_PEAK: Final = 0.03
"""The peak below which speech is near the noise of the room: -30 dB."""
AUDIBLE_CLIPPING: Final = 0.001
"""The share of samples at the limit from which clipping is audible."""
MIN_CORRELATION: Final = 0.5
"""The lowest correlation of two channels that record one speaker near the middle."""
MIN_LOUDNESS_CORRELATION: Final = 0.7
"""The lowest correlation of loudness over time of two channels that record one speaker, however far apart they are."""
TOLERANCE_S: Final = 0.1
TOLERANCE: Final = 0.02
"""How much shorter than declared a file may be, in seconds and as a share: codecs trim that much at its ends."""
MAX_DAMAGED: Final = 0.05
"""The share of a file's bytes that may be unreadable: players skip that much silently."""


class RuleInput(NamedTuple):
    """The input of a rule."""

    info: AudioInfo
    audio_rule: AudioRule
    recording_rule: RecordingRule
    options: AudioOptions


def decide(info: AudioInfo, audio_rule: AudioRule, recording_rule: RecordingRule, options: AudioOptions) -> Decision:
    """Decide about a recording.

    Args:
        info: what the recording is.
        audio_rule: what the provider takes.
        recording_rule: what the operation takes.
        options: what the caller chooses.
    """
    case = RuleInput(info, audio_rule, recording_rule, options)
    for refusal in REFUSALS:
        if refused := refusal(case):
            return refused
    cautions = tuple(found for caution in CAUTIONS if (found := caution(case)))
    accepted = format_name(audio_rule, info.container, info.codec)
    if accepted and not _should_convert(case):
        return Pass(accepted, cautions)
    target = format_name(audio_rule, "wav", "pcm_s16le") or "wav"
    return Convert(format=target, steps=tuple(_steps(case)), cautions=cautions)


def format_name(audio_rule: AudioRule, container: str, codec: str) -> str | None:
    """The provider's name of a format; None if it does not take the format."""
    for name, rule in audio_rule.formats.items():
        if container in rule.containers and codec in rule.codecs:
            return name
    return None


def _should_convert(case: RuleInput) -> bool:
    """Whether a file that the provider accepts must, or should, be converted."""
    info = case.info
    audio_rule = case.audio_rule
    if _chooses_channel(case) or info.channels > audio_rule.max_channels:
        return True
    larger = info.rate > audio_rule.rate or info.depth > TARGET_DEPTH or info.channels > audio_rule.channels
    return info.lossless and (larger or info.length_unknown)


def _chooses_channel(case: RuleInput) -> bool:
    return isinstance(case.options.channel, int) and case.info.channels > 1


def _steps(case: RuleInput) -> Iterator[Step]:
    info = case.info
    audio_rule = case.audio_rule
    mixed = not _chooses_channel(case) and info.channels > audio_rule.channels
    if not (info.lossless and info.codec.startswith("pcm_")):
        yield Decode(info.codec)
    if isinstance(case.options.channel, int) and info.channels > 1:
        yield Pick(case.options.channel)
    if mixed:
        yield Mix(info.channels)
    if info.rate > audio_rule.rate:
        yield Resample(info.rate, audio_rule.rate)
    if info.floating or info.depth > TARGET_DEPTH or mixed or info.rate > audio_rule.rate:
        yield Dither(info.depth)
    yield Write("wav")


def _missing_channel(case: RuleInput) -> Refuse | None:
    channel = case.options.channel
    channels = case.info.channels
    if isinstance(channel, int) and not 1 <= channel <= channels:
        available = "one channel" if channels == 1 else f"{channels} channels"
        return Refuse("no-such-channel", f"it has {available}, and no channel {channel}", "choose another channel")
    return None


def _too_long(case: RuleInput) -> Refuse | None:
    length_s = case.info.length_s
    max_s = case.recording_rule.max_s
    if length_s is None or length_s <= max_s:
        return None
    # Decoding stops at the limit, so only a declared length is the whole one.
    declared_s = case.info.duration_s
    if declared_s is not None and declared_s > max_s:
        reason = f"{declared_s:.1f} s long, but the operation takes {max_s:g} s at most"
    else:
        reason = f"longer than the {max_s:g} s that the operation takes"
    return Refuse("too-long", reason, "split it between two sentences of its text, or record less")


def _empty(case: RuleInput) -> Refuse | None:
    if case.info.measured and case.info.measured.duration_s == 0:
        return Refuse("empty", "it contains no sound", "record it again")
    return None


def _cut_short(case: RuleInput) -> Refuse | None:
    declared_s = case.info.duration_s
    measured = case.info.measured
    if declared_s and measured and measured.duration_s < declared_s - max(TOLERANCE_S, declared_s * TOLERANCE):
        reason = f"cut short: it declares {declared_s:.1f} s, but has {measured.duration_s:.1f} s"
        return Refuse("broken-off", reason, "copy it again from its source")
    return None


def _damaged(case: RuleInput) -> Refuse | None:
    measured = case.info.measured
    if measured and (measured.damaged > MAX_DAMAGED or not math.isfinite(measured.rms)):
        return Refuse("damaged", "parts of it cannot be decoded", "copy it again from its source")
    return None


def _too_short(case: RuleInput) -> Refuse | None:
    length_s = case.info.length_s
    if length_s is not None and length_s < MIN_LENGTH_S:
        return Refuse("too-short", f"{length_s:.2f} s long, too short for a word", "record it again")
    return None


def _low_quality(case: RuleInput) -> str | None:
    info = case.info
    audio_rule = case.audio_rule
    if info.rate < audio_rule.min_rate:
        return f"sampled at {info.rate} Hz, but the provider needs {audio_rule.min_rate} Hz"
    if info.lossless and info.depth < audio_rule.min_depth:
        return f"sampled with {info.depth} bit, but the provider needs {audio_rule.min_depth} bit"
    return None


def _too_low(case: RuleInput) -> Refuse | None:
    reason = None if case.options.accept_low else _low_quality(case)
    if reason is None:
        return None
    return Refuse("too-low", reason, "record it again: conversion cannot add what was not recorded")


def _silent(case: RuleInput) -> Refuse | None:
    measured = case.info.measured
    if measured and measured.peak < SILENCE_PEAK:
        return Refuse(
            "silent",
            f"nothing in it is louder than {_decibels(SILENCE_PEAK):.0f} dB",
            "check that the microphone was on",
        )
    return None


def _ambiguous_channels(case: RuleInput) -> Refuse | None:
    info = case.info
    measured = info.measured
    if case.options.channel is not None or info.channels == 1:
        return None
    remedy = "choose a channel (1 is left), or `mix` to use all of them"
    if info.channels > max(case.audio_rule.max_channels, 2):
        return Refuse("which-channel", f"it has {info.channels} channels", remedy)
    if measured is None or measured.correlation is None:
        return None
    if measured.correlation < -MIN_CORRELATION:
        return Refuse("which-channel", "its two channels cancel each other out when mixed", remedy)
    if measured.correlation < MIN_CORRELATION and (measured.loudness_correlation or 0.0) < MIN_LOUDNESS_CORRELATION:
        return Refuse("which-channel", "its two channels hold different sounds, such as two speakers", remedy)
    return None


REFUSALS: Final[tuple[Callable[[RuleInput], Refuse | None], ...]] = (
    _missing_channel,
    _too_long,
    _empty,
    _damaged,
    _cut_short,
    _too_short,
    _too_low,
    _silent,
    _ambiguous_channels,
)
"""The rules that refuse a recording, in order: first the caller's options, then the sound."""


def _accepted_low(case: RuleInput) -> Caution | None:
    message = _low_quality(case)
    return Caution("low", message) if message else None


def _unusual_length(case: RuleInput) -> Caution | None:
    length_s = case.info.length_s
    rule = case.recording_rule
    if length_s is not None and rule.best_min_s and length_s < rule.best_min_s:
        return Caution("short", f"{length_s:.2f} s long; {rule.best_min_s:g} s or more are recommended")
    if length_s is not None and rule.best_max_s and length_s > rule.best_max_s:
        return Caution("long", f"{length_s:.1f} s long; {rule.best_max_s:g} s at most are recommended")
    return None


def _clipped(case: RuleInput) -> Caution | None:
    measured = case.info.measured
    if measured and (measured.clipped > AUDIBLE_CLIPPING or measured.peak > 1):
        return Caution("clipped", f"recorded too loud: {measured.clipped:.1%} of it is clipped")
    return None


def _quiet(case: RuleInput) -> Caution | None:
    measured = case.info.measured
    if measured and measured.peak < QUIET_PEAK:
        return Caution("quiet", f"nothing in it is louder than {_decibels(measured.peak):.0f} dB")
    return None


def _undecodable_parts(case: RuleInput) -> Caution | None:
    measured = case.info.measured
    return Caution("gaps", f"{measured.damaged:.1%} of it cannot be decoded") if measured and measured.damaged else None


def _moving_picture(case: RuleInput) -> Caution | None:
    return Caution("picture", "it also contains a moving picture") if case.info.picture else None


def _several_tracks(case: RuleInput) -> Caution | None:
    count = case.info.tracks
    return Caution("tracks", f"it contains {count} audio tracks; the first is used") if count > 1 else None


CAUTIONS: Final[tuple[Callable[[RuleInput], Caution | None], ...]] = (
    _accepted_low,
    _unusual_length,
    _clipped,
    _quiet,
    _undecodable_parts,
    _moving_picture,
    _several_tracks,
)
"""The rules that report something about a recording that is sent."""


def _decibels(value: float) -> float:
    return 20 * math.log10(max(value, 1e-9))
