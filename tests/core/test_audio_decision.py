# SPDX-License-Identifier: Apache-2.0
"""Decisions about recordings: for any file, rule and options, nothing is lost twice, made up, or decided by chance."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.core.audio_decision import decide
from callwell.core.audio_types import (
    LOSSLESS,
    AudioInfo,
    AudioMeasurements,
    AudioOptions,
    Convert,
    Decision,
    Decode,
    Dither,
    Mix,
    Pass,
    Pick,
    Refuse,
    Resample,
    Write,
)
from callwell.core.rules.media import AudioRule, FormatRule, RecordingRule

FORMATS: Final = {
    "WAV": FormatRule(containers=("wav",), codecs=("pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_u8")),
    "MP3": FormatRule(containers=("mp3",), codecs=("mp3",)),
    "OGG": FormatRule(containers=("ogg",), codecs=("opus",)),
}
AUDIO: Final = AudioRule(formats=FORMATS, min_rate=16_000, rate=16_000)
READ: Final = RecordingRule(data="audio", format="format", max_s=30, best_min_s=5, best_max_s=15)
GOOD_LEVEL: Final = AudioMeasurements(10.0, 0.5, 0.1)
WAV: Final = AudioInfo("wav", "pcm_s16le", 16_000, 16, floating=False, channels=1, duration_s=10.0, measured=GOOD_LEVEL)

levels = st.builds(
    AudioMeasurements,
    duration_s=st.sampled_from([0.0, 0.05, 3.0, 10.0, 20.0, 31.0]),
    peak=st.sampled_from([0.0, 0.0005, 0.01, 0.5, 1.0, 3.0]),
    rms=st.sampled_from([0.0, 0.1, float("nan")]),
    clipped=st.sampled_from([0.0, 0.5]),
    damaged=st.sampled_from([0.0, 0.01, 0.5]),
    correlation=st.none() | st.floats(-1, 1),
    loudness_correlation=st.none() | st.floats(-1, 1),
)
sounds = st.builds(
    AudioInfo,
    container=st.sampled_from(["wav", "mp3", "ogg", "flac", "raw", "webm"]),
    codec=st.sampled_from(["pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_u8", "pcm_mulaw", "mp3", "opus", "flac"]),
    rate=st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]),
    depth=st.sampled_from([8, 16, 24, 32]),
    floating=st.booleans(),
    channels=st.sampled_from([1, 2, 3, 6]),
    duration_s=st.none() | st.sampled_from([0.05, 3.0, 10.0, 31.0, 7200.0]),
    length_unknown=st.booleans(),
    picture=st.booleans(),
    tracks=st.integers(1, 3),
    measured=st.none() | levels,
)
rules = st.builds(
    AudioRule,
    formats=st.just(FORMATS),
    min_rate=st.sampled_from([8_000, 16_000]),
    rate=st.sampled_from([16_000, 24_000]),
    min_depth=st.sampled_from([8, 16]),
    max_channels=st.just(2),
    channels=st.sampled_from([1, 2]),
)
wishes = st.builds(AudioOptions, channel=st.none() | st.just("mix") | st.integers(1, 7), accept_low=st.booleans())


def decide_for(sound: AudioInfo, audio: AudioRule, message: AudioOptions) -> Decision:
    """The decision about an operation of 30 seconds."""
    return decide(sound, audio, READ, message)


@given(sounds, rules, wishes)
def test_nothing_is_made_bigger(sound: AudioInfo, audio: AudioRule, message: AudioOptions) -> None:
    """A conversion lowers the rate or leaves it, and never to below what the provider recommends."""
    for step in steps(decide_for(sound, audio, message)):
        if isinstance(step, Resample):
            assert step.before == sound.rate > step.after == audio.rate


@given(sounds, rules, wishes)
def test_loss_is_never_added_to_loss(sound: AudioInfo, audio: AudioRule, message: AudioOptions) -> None:
    """What is written is always WAV, and what the provider takes with loss is changed for its channels alone."""
    decided = decide_for(sound, audio, message)
    if isinstance(decided, Convert):
        assert decided.steps[-1] == Write("wav")
        assert decided.format == "WAV"
        taken = any(sound.container in item.containers and sound.codec in item.codecs for item in FORMATS.values())
        if taken and not sound.lossless:
            assert isinstance(message.channel, int) or sound.channels > audio.max_channels


@given(sounds, rules, wishes)
def test_steps_come_in_order_and_once(sound: AudioInfo, audio: AudioRule, message: AudioOptions) -> None:
    """Decode, pick or mix, resample, dither, write: each at most once, and whatever divides is rounded with dither."""
    kinds = [type(step) for step in steps(decide_for(sound, audio, message))]
    order = [Decode, Pick, Mix, Resample, Dither, Write]
    assert kinds == [kind for kind in order if kind in kinds]
    assert not {Pick, Mix} <= set(kinds)
    assert Dither in kinds or not {Mix, Resample} & set(kinds)


@given(sounds, rules, wishes, levels)
def test_hearing_changes_no_step(
    sound: AudioInfo, audio: AudioRule, message: AudioOptions, measured: AudioMeasurements
) -> None:
    """What is decided before listening stands after it, or the recording is refused."""
    before, after = (decide_for(sound._replace(measured=item), audio, message) for item in (None, measured))
    if not isinstance(before, Refuse) and not isinstance(after, Refuse):
        assert type(before) is type(after)
        assert before.format == after.format
        assert steps(before) == steps(after)


@given(sounds, rules, wishes)
def test_what_is_sent_is_within_the_limits(sound: AudioInfo, audio: AudioRule, message: AudioOptions) -> None:
    """Whatever is not refused is no longer, no lower, no more silent than it may be, and its channel exists."""
    if isinstance(decide_for(sound, audio, message), Refuse):
        return
    assert (sound.length_s or 1) <= READ.max_s
    assert message.accept_low or sound.rate >= audio.min_rate
    assert not isinstance(message.channel, int) or message.channel <= sound.channels
    if sound.measured:
        assert sound.measured.peak >= 0.001
        assert sound.measured.damaged <= 0.05
        assert sound.measured.rms == sound.measured.rms


@given(sounds, rules, wishes)
def test_what_passes_is_taken_by_the_provider(sound: AudioInfo, audio: AudioRule, message: AudioOptions) -> None:
    """Bytes go out unchanged only under a name that the provider has for just this container and codec."""
    decided = decide_for(sound, audio, message)
    if isinstance(decided, Pass):
        assert sound.container in FORMATS[decided.format].containers
        assert sound.codec in FORMATS[decided.format].codecs
        assert not sound.lossless or sound.rate <= audio.rate


@given(sounds, rules)
def test_an_explicit_mix_is_never_asked_about(sound: AudioInfo, audio: AudioRule) -> None:
    """A caller that chooses a channel is not asked to choose one."""
    decided = decide_for(sound, audio, AudioOptions("mix"))
    assert not (isinstance(decided, Refuse) and decided.code in ("which-channel", "no-such-channel"))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"duration_s": 31.0, "measured": None}, "too-long"),
        ({"measured": GOOD_LEVEL._replace(duration_s=31.0)}, "too-long"),
        ({"measured": GOOD_LEVEL._replace(duration_s=0.0)}, "empty"),
        ({"measured": GOOD_LEVEL._replace(duration_s=9.0)}, "broken-off"),
        ({"measured": GOOD_LEVEL._replace(damaged=0.2)}, "damaged"),
        ({"measured": GOOD_LEVEL._replace(rms=float("nan"))}, "damaged"),
        ({"duration_s": None, "measured": GOOD_LEVEL._replace(duration_s=0.05)}, "too-short"),
        ({"rate": 8_000}, "too-low"),
        ({"depth": 8, "codec": "pcm_u8"}, "too-low"),
        ({"measured": GOOD_LEVEL._replace(peak=0.0)}, "silent"),
        ({"channels": 2, "measured": GOOD_LEVEL._replace(correlation=0.1, loudness_correlation=0.2)}, "which-channel"),
        ({"channels": 2, "measured": GOOD_LEVEL._replace(correlation=-0.9, loudness_correlation=0.9)}, "which-channel"),
        ({"channels": 6}, "which-channel"),
    ],
)
def test_each_refusal_has_its_code(changed: dict[str, object], code: str) -> None:
    """One thing that is wrong with a good file is reported by its code, with what to do."""
    decided = decide_for(WAV._replace(**changed), AUDIO, AudioOptions())  # type: ignore[arg-type] # a table of changes
    assert isinstance(decided, Refuse)
    assert decided.code == code
    assert decided.reason
    assert decided.remedy


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"duration_s": 3.0, "measured": GOOD_LEVEL._replace(duration_s=3.0)}, "short"),
        ({"duration_s": 20.0, "measured": GOOD_LEVEL._replace(duration_s=20.0)}, "long"),
        ({"measured": GOOD_LEVEL._replace(clipped=0.1)}, "clipped"),
        ({"measured": GOOD_LEVEL._replace(peak=0.01)}, "quiet"),
        ({"measured": GOOD_LEVEL._replace(damaged=0.01)}, "gaps"),
        ({"picture": True}, "picture"),
        ({"tracks": 2}, "tracks"),
    ],
)
def test_each_caution_has_its_code(changed: dict[str, object], code: str) -> None:
    """What is to be known about a file that is still sent is reported by its code, and alone."""
    decided = decide_for(WAV._replace(**changed), AUDIO, AudioOptions())  # type: ignore[arg-type] # a table of changes
    assert isinstance(decided, Pass)
    assert [caution.code for caution in decided.cautions] == [code]


def test_what_is_lossless() -> None:
    """PCM is lossless but for its two logarithmic kinds, and so are the codecs that say so."""
    reported = {
        codec: WAV._replace(codec=codec).lossless for codec in ("pcm_s16be", "pcm_alaw", "pcm_mulaw", "mp3", "aac")
    }
    assert reported == {"pcm_s16be": True, "pcm_alaw": False, "pcm_mulaw": False, "mp3": False, "aac": False}
    assert all(WAV._replace(codec=codec).lossless for codec in LOSSLESS)


def steps(decided: Decision) -> tuple[object, ...]:
    """The steps of a decision."""
    return decided.steps if isinstance(decided, Convert) else ()
