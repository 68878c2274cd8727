# SPDX-License-Identifier: Apache-2.0
"""A listener's check by numbers: tones keep their pitch and loudness, nothing folds back, rounding leaves no bias."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from callwell.media import prepare
from tests.media.making import File, encoded, samples, spectrum, tone

if TYPE_CHECKING:
    from callwell.description.provider import Provider
    from tests.media.making import Wave

RATE = 16_000
RATES = (22_050, 44_100, 48_000, 96_000)


def heard(wave: Wave, file: File, ear: Provider) -> Wave:
    """The samples of what is sent, 1.0 being the limit."""
    sent = prepare(encoded(wave, file), ear, "speech.talk", channel="mix")
    assert sent.info.rate == file.rate
    return samples(sent.data) / 32_768


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_stays_what_it_is(rate: int, ear: Provider) -> None:
    """A tone of 1 kHz is one of 1 kHz within a tenth of a percent, as loud as it was, and the rest is 75 dB below."""
    wave = heard(tone(1_000, rate, 2)[None], File(rate=rate), ear)
    frequencies, loud = spectrum(wave, RATE)
    at = int(loud.argmax())
    assert frequencies[at] == pytest.approx(1_000, rel=0.001)
    assert loud[at] == pytest.approx(-6.02, abs=0.1)
    assert loud[np.abs(frequencies - 1_000) > 20].max() < -75
    assert len(wave) == pytest.approx(2 * RATE, abs=2)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("frequency", [8_200, 9_000, 11_000, 15_000])
def test_nothing_folds_back(rate: int, frequency: int, ear: Provider) -> None:
    """A tone above half of the new rate is gone, and not heard below it: less than -60 dB of what it was."""
    both = tone(frequency, rate, 2) + tone(500, rate, 2, 0.1)
    frequencies, loud = spectrum(heard(both[None], File(rate=rate), ear), RATE)
    folded = loud[np.abs(frequencies - 500) > 20].max()
    assert folded - 20 * np.log10(0.5) < -60


@pytest.mark.parametrize("frequency", [50, 200, 3_000, 6_000, 7_000])
def test_speech_passes_whole(frequency: int, ear: Provider) -> None:
    """Tones up to 7 kHz are as loud as they were, within a quarter of a decibel."""
    _, loud = spectrum(heard(tone(frequency, 48_000, 2)[None], File(rate=48_000), ear), RATE)
    assert loud.max() == pytest.approx(-6.02, abs=0.25)


def test_stereo_is_averaged(ear: Provider) -> None:
    """Of two channels the mean is kept: neither is lost, and the sum is not too loud."""
    two = np.stack([tone(500, RATE, 2, 0.4), tone(500, RATE, 2, 0.2)])
    _, loud = spectrum(heard(two, File(channels=2), ear), RATE)
    assert loud.max() == pytest.approx(20 * np.log10(0.3), abs=0.05)


@pytest.mark.parametrize("channel", [1, 2])
def test_the_named_channel_is_kept_bit_by_bit(channel: int, ear: Provider) -> None:
    """At the same rate and depth, one of two channels is what it was, sample by sample."""
    two = np.stack([tone(500, RATE, 2, 0.4), tone(900, RATE, 2, 0.2)])
    file = encoded(two, File(channels=2))
    sent = prepare(file, ear, "speech.talk", channel=channel)
    np.testing.assert_array_equal(samples(sent.data), samples(file)[channel - 1 :: 2])


@pytest.mark.parametrize("file", [File("flac", "flac"), File("aiff", "pcm_s16be"), File("au", "pcm_s16be")])
def test_only_the_container_changes(file: File, ear: Provider) -> None:
    """What is lossless, 16 bit, 16 kHz and mono already keeps every sample."""
    sent = prepare(file.made(), ear, "speech.talk")
    np.testing.assert_array_equal(samples(sent.data), samples(File().made()))


def test_rounding_leaves_no_bias(ear: Provider) -> None:
    """A tone of 24 bit far below one step of 16 bit is still there, and the mean of its noise is nothing."""
    step = 1 / 32_768
    low = tone(440, RATE, 4, 0.4 * step) + 0.3 * step
    burst = np.zeros_like(low)
    burst[: RATE // 10] = tone(440, RATE, 0.1)
    wave = samples(prepare(encoded((low + burst)[None], File(codec="pcm_s24le")), ear, "speech.talk").data)
    rest = wave[RATE // 5 :]
    assert rest.mean() == pytest.approx(0.3, abs=0.02)
    _, loud = spectrum(rest / 32_768, RATE)
    assert loud[np.abs(np.fft.rfftfreq(len(rest) - 2 * (RATE // 20), 1 / RATE) - 440) < 2].max() == pytest.approx(
        20 * np.log10(0.4 * step), abs=2
    )
    assert rest.std() == pytest.approx(np.sqrt(0.25 + 0.08), abs=0.15)


def test_the_same_file_becomes_the_same_bytes(ear: Provider) -> None:
    """Dither is not chance: what was prepared twice can be compared."""
    file = File(rate=44_100, channels=2).made()
    assert prepare(file, ear, "speech.talk").data == prepare(file, ear, "speech.talk").data
