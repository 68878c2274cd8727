# SPDX-License-Identifier: Apache-2.0
"""What becomes of a recording before it is sent: it passes, is converted, or is refused with the reason.

Two tables are read from top to bottom: the first row of `REFUSALS` that speaks decides, every row of `CAUTIONS` that
speaks is told. What is left passes if the provider takes it as it is, and is converted if not, by these rules:

- The target is WAV, 16 bit, in the channels that the provider recommends, at its rate or the file's own.
- What the provider takes and has already lost something stays as it is, byte for byte: another loss is never added.
- Nothing is made bigger than it was: no rate, no depth, no channel.
- Two channels that hold different things are not mixed, and nothing is cut, unless somebody says so.

A decision is made twice: by what the file says of itself, before its sound is read, and by what was heard. Hearing adds
refusals and cautions; it never changes what a conversion does.
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
"""No word is shorter."""
SILENT: Final = 0.001
"""The highest sample of a recording in which there is nothing: -60 dB, the noise of an open input."""
QUIET: Final = 0.03
"""Below -30 dB, speech is near the noise of its room."""
CLIPPED: Final = 0.001
"""The share of samples at the limit from which on one hears it."""
ALIKE: Final = 0.5
"""Correlation of two channels with one speaker who stands at most a little beside the middle."""
TOGETHER: Final = 0.7
"""Correlation of the loudness of two channels over time, if one speaker is in both, however far the microphones are."""
LOST_S: Final = 0.1
LOST: Final = 0.02
"""How much shorter than announced a file may be: what codecs cut off at its ends."""
DAMAGED: Final = 0.05
"""The share of a file's bytes that may be unreadable: what players skip without a word."""


class Case(NamedTuple):
    """All that a row of the tables looks at."""

    sound: AudioInfo
    audio: AudioRule
    recording: RecordingRule
    wish: AudioOptions


def decide(sound: AudioInfo, audio: AudioRule, recording: RecordingRule, wish: AudioOptions) -> Decision:
    """What becomes of a recording.

    Args:
        sound: what it is.
        audio: what the provider takes.
        recording: what the operation takes.
        wish: what the caller says.
    """
    case = Case(sound, audio, recording, wish)
    for row in REFUSALS:
        if refused := row(case):
            return refused
    cautions = tuple(caution for row in CAUTIONS if (caution := row(case)))
    accepted = format_name(audio, sound.container, sound.codec)
    if accepted and not _changes(case):
        return Pass(accepted, cautions)
    return Convert(format_name(audio, "wav", "pcm_s16le") or "wav", tuple(_steps(case)), cautions)


def format_name(audio: AudioRule, container: str, codec: str) -> str | None:
    """The provider's name of a format that it takes, None for any other."""
    for name, rule in audio.formats.items():
        if container in rule.containers and codec in rule.codecs:
            return name
    return None


def _changes(case: Case) -> bool:
    """Whether a file that the provider takes must, or is better to, become another."""
    sound, audio = case.sound, case.audio
    larger = sound.rate > audio.rate or sound.depth > DEPTH or sound.channels > audio.channels
    return (sound.lossless and (larger or sound.left_open)) or _picks(case) or sound.channels > audio.max_channels


def _picks(case: Case) -> bool:
    return isinstance(case.wish.channel, int) and case.sound.channels > 1


def _steps(case: Case) -> Iterator[Step]:
    sound, audio = case.sound, case.audio
    mixed = not _picks(case) and sound.channels > audio.channels
    if not (sound.lossless and sound.codec.startswith("pcm_")):
        yield Decode(sound.codec)
    if isinstance(case.wish.channel, int) and sound.channels > 1:
        yield Pick(case.wish.channel)
    if mixed:
        yield Mix(sound.channels)
    if sound.rate > audio.rate:
        yield Resample(sound.rate, audio.rate)
    if sound.floating or sound.depth > DEPTH or mixed or sound.rate > audio.rate:
        yield Dither(sound.depth)
    yield Write("wav")


def _channel(case: Case) -> Refuse | None:
    wanted, channels = case.wish.channel, case.sound.channels
    if isinstance(wanted, int) and not 1 <= wanted <= channels:
        there = "one channel" if channels == 1 else f"{channels} channels"
        return Refuse("no-such-channel", f"channel {wanted} is wanted, and there is {there}", "name another channel")
    return None


def _too_long(case: Case) -> Refuse | None:
    length, most = case.sound.length_s, case.recording.max_s
    if length is None or length <= most:
        return None
    said = case.sound.duration_s
    reason = f"longer than the {most:g} s that the operation takes"
    if said is not None and said > most:
        reason = f"{said:.1f} s long, and the operation takes {most:g} s"
    return Refuse("too-long", reason, "divide it where its text can be divided too, or record less")


def _empty(case: Case) -> Refuse | None:
    if case.sound.level and case.sound.level.duration_s == 0:
        return Refuse("empty", "there is no sound in it", "record it anew")
    return None


def _broken_off(case: Case) -> Refuse | None:
    said, level = case.sound.duration_s, case.sound.level
    if said and level and level.duration_s < said - max(LOST_S, said * LOST):
        reason = f"broken off: {said:.1f} s are announced, and {level.duration_s:.1f} s are there"
        return Refuse("broken-off", reason, "copy it again from where it came")
    return None


def _damaged(case: Case) -> Refuse | None:
    level = case.sound.level
    if level and (level.damaged > DAMAGED or not math.isfinite(level.rms)):
        return Refuse("damaged", "parts of it cannot be read as sound", "copy it again from where it came")
    return None


def _too_short(case: Case) -> Refuse | None:
    length = case.sound.length_s
    if length is not None and length < SHORTEST_S:
        return Refuse("too-short", f"{length:.2f} s long, and no word is as short", "record it anew")
    return None


def _low(case: Case) -> str | None:
    sound, audio = case.sound, case.audio
    if sound.rate < audio.min_rate:
        return f"sampled at {sound.rate} Hz, and {audio.min_rate} Hz is the least"
    if sound.lossless and sound.depth < audio.min_depth:
        return f"sampled with {sound.depth} bit, and {audio.min_depth} bit is the least"
    return None


def _refused_low(case: Case) -> Refuse | None:
    low = None if case.wish.accept_low else _low(case)
    return Refuse("too-low", low, "record it anew: what was not recorded cannot be added") if low else None


def _silent(case: Case) -> Refuse | None:
    level = case.sound.level
    if level and level.peak < SILENT:
        return Refuse("silent", f"nothing is louder than {_decibels(SILENT):.0f} dB", "look whether the input was on")
    return None


def _channels(case: Case) -> Refuse | None:
    sound, level = case.sound, case.sound.level
    if case.wish.channel is not None or sound.channels == 1:
        return None
    remedy = "name the channel that is meant (1 is left), or say that they are to be mixed"
    if sound.channels > max(case.audio.max_channels, 2):
        return Refuse("which-channel", f"there are {sound.channels} channels", remedy)
    if level and level.alike is not None and level.alike < -ALIKE:
        return Refuse("which-channel", "the two channels cancel each other out when they are mixed", remedy)
    if level and level.alike is not None and level.alike < ALIKE and (level.together or 0.0) < TOGETHER:
        return Refuse("which-channel", "the two channels hold different things, as of two speakers", remedy)
    return None


REFUSALS: Final[tuple[Callable[[Case], Refuse | None], ...]] = (
    _channel,
    _too_long,
    _empty,
    _damaged,
    _broken_off,
    _too_short,
    _refused_low,
    _silent,
    _channels,
)
"""Why a recording is refused, the first that applies."""


def _accepted_low(case: Case) -> Caution | None:
    low = _low(case)
    return Caution("low", low) if low else None


def _length(case: Case) -> Caution | None:
    length, rule = case.sound.length_s, case.recording
    if length is not None and rule.best_min_s and length < rule.best_min_s:
        return Caution("short", f"{length:.2f} s long; {rule.best_min_s:g} s or more are recommended")
    if length is not None and rule.best_max_s and length > rule.best_max_s:
        return Caution("long", f"{length:.1f} s long; {rule.best_max_s:g} s at most are recommended")
    return None


def _clipped(case: Case) -> Caution | None:
    level = case.sound.level
    if level and (level.clipped > CLIPPED or level.peak > 1):
        return Caution("clipped", f"recorded too loud: {level.clipped:.1%} of it is cut off at the limit")
    return None


def _quiet(case: Case) -> Caution | None:
    level = case.sound.level
    if level and level.peak < QUIET:
        return Caution("quiet", f"nothing is louder than {_decibels(level.peak):.0f} dB")
    return None


def _gaps(case: Case) -> Caution | None:
    level = case.sound.level
    return Caution("gaps", f"{level.damaged:.1%} of it cannot be read") if level and level.damaged else None


def _picture(case: Case) -> Caution | None:
    return Caution("picture", "there is a moving picture in it as well") if case.sound.picture else None


def _tracks(case: Case) -> Caution | None:
    count = case.sound.tracks
    return Caution("tracks", f"there are {count} sounds in it; the first was listened to") if count > 1 else None


CAUTIONS: Final[tuple[Callable[[Case], Caution | None], ...]] = (
    _accepted_low,
    _length,
    _clipped,
    _quiet,
    _gaps,
    _picture,
    _tracks,
)
"""What is told about a recording that is sent, all that applies."""


def _decibels(value: float) -> float:
    return 20 * math.log10(max(value, 1e-9))
