# SPDX-License-Identifier: Apache-2.0
"""What becomes of real files: a table across containers, codecs, rates, depths, channels and what is in them."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import pytest

from callwell.errors import AudioRefused
from callwell.media import Prepared, prepare
from tests.media.making import File

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.description.provider import Provider


class Row(NamedTuple):
    """One file and what becomes of it.

    Attributes:
        name: what it is called, with an extension that means nothing.
        file: how it is made.
        becomes: `pass FORMAT`, `convert STEP STEP…`, or `refuse CODE`.
        cautions: their codes.
        channel: the one that is wanted.
        accept_low: what is too low is accepted.
    """

    name: str
    file: File
    becomes: str
    cautions: tuple[str, ...] = ()
    channel: int | Literal["mix"] | None = None
    accept_low: bool = False


SOX: Final = shutil.which("sox")
ESPEAK: Final = shutil.which("espeak-ng")
VORBIS: Final = (("strict", "-2"),)

TABLE: Final = (
    # WAV: what needs no change passes, and everything larger is made small.
    Row("target.wav", File(), "pass wav"),
    Row("target.mp3", File(), "pass wav"),
    Row("stereo16.wav", File(channels=2), "convert mix dither write"),
    Row("22k.wav", File(rate=22_050), "convert resample dither write"),
    Row("32k.wav", File(rate=32_000), "convert resample dither write"),
    Row("44k.wav", File(rate=44_100), "convert resample dither write"),
    Row("44k-stereo.wav", File(rate=44_100, channels=2), "convert mix resample dither write"),
    Row("48k-stereo.wav", File(rate=48_000, channels=2), "convert mix resample dither write"),
    Row("96k-24.wav", File(rate=96_000, codec="pcm_s24le"), "convert resample dither write"),
    Row("24bit.wav", File(codec="pcm_s24le"), "convert dither write"),
    Row("32bit.wav", File(codec="pcm_s32le"), "convert dither write"),
    Row("float.wav", File(codec="pcm_f32le"), "convert dither write"),
    Row("double.wav", File(codec="pcm_f64le"), "convert dither write"),
    Row("8bit.wav", File(codec="pcm_u8"), "refuse too-low"),
    Row("8bit-accepted.wav", File(codec="pcm_u8"), "pass wav", ("low",), accept_low=True),
    Row("8k.wav", File(rate=8_000), "refuse too-low"),
    Row("8k-accepted.wav", File(rate=8_000), "pass wav", ("low",), accept_low=True),
    Row("11k.wav", File(rate=11_025), "refuse too-low"),
    Row("mulaw.wav", File(codec="pcm_mulaw"), "convert decode write"),
    Row("alaw-8k.wav", File(codec="pcm_alaw", rate=8_000), "refuse too-low"),
    Row("adpcm.wav", File(codec="adpcm_ima_wav"), "convert decode write"),
    Row("mp3-inside.wav", File(codec="mp3"), "convert decode dither write"),
    # Other containers without loss: never accepted, decoded once.
    Row("16k.flac", File("flac", "flac"), "convert decode write"),
    Row("flac.wav", File("flac", "flac"), "convert decode write"),
    Row("48k.flac", File("flac", "flac", rate=48_000), "convert decode resample dither write"),
    Row("24bit.flac", File("flac", "flac", rate=44_100, form="s32"), "convert decode resample dither write"),
    Row("16k.aiff", File("aiff", "pcm_s16be"), "convert write"),
    Row("44k-stereo.aiff", File("aiff", "pcm_s16be", 44_100, 2), "convert mix resample dither write"),
    Row("24bit.caf", File("caf", "pcm_s24le"), "convert dither write"),
    Row("alac.m4a", File("ipod", "alac", form="s16p"), "convert decode write"),
    Row("16k.au", File("au", "pcm_s16be"), "convert write"),
    Row("16k.w64", File("w64", "pcm_s16le"), "convert write"),
    Row("16k.tta", File("tta", "tta", form="s16"), "convert decode write"),
    Row("16k.wv", File("wv", "wavpack"), "convert decode write"),
    # With loss and accepted: byte for byte, whatever the rate.
    Row("16k.mp3", File("mp3", "mp3"), "pass mp3"),
    Row("44k-stereo.mp3", File("mp3", "mp3", 44_100, 2), "pass mp3"),
    Row("48k.mp3", File("mp3", "mp3", 48_000), "pass mp3"),
    Row("8k.mp3", File("mp3", "mp3", 8_000), "refuse too-low"),
    Row("named.wav", File("mp3", "mp3"), "pass mp3"),
    Row("opus.ogg", File("ogg", "libopus", 48_000), "pass ogg"),
    Row("opus-stereo.ogg", File("ogg", "libopus", 48_000, 2), "pass ogg"),
    Row("vorbis.ogg", File("ogg", "vorbis", 44_100, 2, options=VORBIS), "pass ogg"),
    Row("aac.m4a", File("ipod", "aac", 44_100), "pass m4a"),
    Row("aac.mp4", File("mp4", "aac", 44_100), "pass mp4"),
    Row("adts.aac", File("adts", "aac", 44_100), "pass aac"),
    Row("opus.webm", File("webm", "libopus", 48_000), "pass webm"),
    Row("clip.webm", File("webm", "libopus", 48_000, picture=False), "pass webm"),
    Row("clip.mp4", File("mp4", "aac", 44_100, picture=True), "pass mp4", ("picture",)),
    # With loss and not accepted: decoded once.
    Row("opus.mka", File("matroska", "libopus", 48_000), "convert decode resample dither write"),
    Row("opus.ts", File("mpegts", "libopus", 48_000), "convert decode resample dither write"),
    Row("aac.mov", File("mov", "aac", 44_100), "convert decode resample dither write"),
    Row("aac.ts", File("mpegts", "aac", 44_100), "convert decode resample dither write"),
    Row("wma.wma", File("asf", "wmav2", 44_100, options=(("b", "64k"),)), "convert decode resample dither write"),
    Row("narrow.amr", File("amr", "libopencore_amrnb", 8_000), "refuse too-low"),
    Row(
        "narrow-accepted.amr",
        File("amr", "libopencore_amrnb", 8_000),
        "convert decode dither write",
        ("low",),
        accept_low=True,
    ),
    Row("mp3.mka", File("matroska", "mp3", 44_100), "convert decode resample dither write"),
    Row("ac3.ac3", File("ac3", "ac3", 48_000), "convert decode resample dither write"),
    # Channels.
    Row("two.wav", File(rate=48_000, channels=2, voice="two"), "refuse which-channel"),
    Row("two-left.wav", File(rate=48_000, channels=2, voice="two"), "convert pick resample dither write", channel=1),
    Row("two-right16.wav", File(channels=2, voice="two"), "convert pick write", channel=2),
    Row("two-mixed.wav", File(channels=2, voice="two"), "convert mix dither write", channel="mix"),
    Row("two.mp3", File("mp3", "mp3", 44_100, 2, voice="two"), "refuse which-channel"),
    Row("two-mixed.mp3", File("mp3", "mp3", 44_100, 2, voice="two"), "pass mp3", channel="mix"),
    Row(
        "two-left.mp3",
        File("mp3", "mp3", 44_100, 2, voice="two"),
        "convert decode pick resample dither write",
        channel=1,
    ),
    Row("apart.wav", File(channels=2, voice="apart"), "convert mix dither write"),
    Row("opposed.wav", File(channels=2, voice="opposed"), "refuse which-channel"),
    Row("left.wav", File(channels=2, voice="left"), "convert mix dither write"),
    Row("six.wav", File(rate=48_000, channels=6), "refuse which-channel"),
    Row("six-mixed.wav", File(rate=48_000, channels=6), "convert mix resample dither write", channel="mix"),
    Row("no-third.wav", File(channels=2), "refuse no-such-channel", channel=3),
    Row("no-second.wav", File(), "refuse no-such-channel", channel=2),
    # Length and loudness.
    Row("too-long.wav", File(seconds=5.2), "refuse too-long"),
    Row("too-long.mp3", File("mp3", "mp3", seconds=5.5), "refuse too-long"),
    Row("too-long.webm", File("webm", "libopus", 48_000, seconds=5.5), "refuse too-long"),
    Row("longer.wav", File(seconds=4.5), "pass wav", ("long",)),
    Row("shorter.wav", File(seconds=0.5), "pass wav", ("short",)),
    Row("too-short.wav", File(seconds=0.05), "refuse too-short"),
    Row("empty.wav", File(seconds=0), "refuse empty"),
    Row("silent.wav", File(voice="silent"), "refuse silent"),
    Row("silent.mp3", File("mp3", "mp3", voice="silent"), "refuse silent"),
    Row("quiet.wav", File(voice="quiet"), "pass wav", ("quiet",)),
    Row("clipped.wav", File(voice="clipped"), "pass wav", ("clipped",)),
)


def outcome(source: Path | bytes, provider: Provider, row: Row) -> tuple[str, Prepared | None]:
    """What becomes of a file, as the table says it."""
    try:
        prepared = prepare(source, provider, "speech.read", channel=row.channel, accept_low=row.accept_low)
    except AudioRefused as error:
        return f"refuse {error.code}", None
    if not prepared.converted:
        return f"pass {prepared.format}", prepared
    return " ".join(["convert", *(type(step).__name__.lower() for step in prepared.steps)]), prepared


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_each_file_becomes_what_the_table_says(row: Row, tmp_path: Path, ear: Provider) -> None:
    """A file passes byte for byte, becomes a WAV of 16 bit by these steps, or is refused with the reason."""
    original = row.file.made()
    file = tmp_path / row.name
    file.write_bytes(original)
    becomes, prepared = outcome(file, ear, row)
    assert becomes == row.becomes
    if prepared is None:
        return
    assert tuple(caution.code for caution in prepared.cautions) == row.cautions
    assert prepared.duration_s == pytest.approx(row.file.seconds, abs=0.12)
    if not prepared.converted:
        assert prepared.data == original
        return
    assert prepared.format == "wav"
    again, same = outcome(prepared.data, ear, Row("", row.file, "", accept_low=row.accept_low))
    assert (again, same and same.info.rate) == ("pass wav", min(row.file.rate, 16_000))


def test_the_table_is_wide() -> None:
    """It has at least forty different files, of a dozen containers and codecs, all rates and every kind of ending."""
    assert len({row.file for row in TABLE}) >= 40
    assert len({row.file.container for row in TABLE}) >= 12
    assert len({row.file.codec for row in TABLE}) >= 12
    assert {row.becomes.split()[0] for row in TABLE} == {"pass", "convert", "refuse"}


@pytest.mark.skipif(not SOX, reason="sox is not installed")
@pytest.mark.parametrize(
    ("name", "options", "becomes"),
    [
        ("s.wav", ["-r", "16k", "-b", "16", "-c", "1"], "pass wav"),
        ("s24.wav", ["-r", "48k", "-b", "24", "-c", "2"], "convert mix resample dither write"),
        ("s.flac", ["-r", "44.1k", "-b", "16", "-c", "1"], "convert decode resample dither write"),
        ("s.aiff", ["-r", "16k", "-b", "16", "-c", "1"], "convert write"),
    ],
)
def test_files_of_sox(name: str, options: list[str], becomes: str, tmp_path: Path, ear: Provider) -> None:
    """Files that another program wrote become the same."""
    file = tmp_path / name
    subprocess.run([str(SOX), "-n", *options, str(file), "synth", "2", "sine", "440", "gain", "-9"], check=True)
    assert outcome(file, ear, Row(name, File(), becomes))[0] == becomes


@pytest.mark.skipif(not ESPEAK, reason="espeak-ng is not installed")
def test_speech_of_espeak(tmp_path: Path, ear: Provider) -> None:
    """A sentence that was really spoken, at 22.05 kHz, is brought down."""
    file = tmp_path / "spoken.wav"
    subprocess.run([str(ESPEAK), "-w", str(file), "The quick brown fox."], check=True)
    assert outcome(file, ear, Row("", File(), ""))[0] == "convert resample dither write"
