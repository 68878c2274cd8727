# SPDX-License-Identifier: Apache-2.0
"""Files that are not recordings, or not whole, are refused before anything is sent, by name and with the reason."""

from __future__ import annotations

import functools
import io
import os
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import clips
from callwell.core.audio_types import Raw
from callwell.errors import AudioRefused, FileProblem, InvalidOption, UnknownName, UsageError
from callwell.media import prepare, reader
from tests.media.making import File, encoded, samples
from tests.media.provider import ear as described

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.description.provider import Provider

DICE = np.random.default_rng(7)
WAV = File().made()
OPEN_ENDS = (b"\0" * 4, b"\xff" * 4)


@functools.cache
def made(codec: tuple[str, str, int]) -> bytes:
    """A file of a container and a codec, at a rate."""
    return File(*codec).made()


def code(source: Path | bytes, ear: Provider) -> str:
    """Why a file is refused."""
    with pytest.raises(AudioRefused) as caught:
        prepare(source, ear, "speech.read")
    return caught.value.code


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("empty", b"", "empty"),
        ("text", b"It was a dark and stormy night.\n" * 99, "not-audio"),
        ("json", b'{"audio": null}', "not-audio"),
        ("noise", DICE.bytes(50_000), "not-audio"),
        ("zeros", bytes(50_000), "not-audio"),
        ("picture", clips.picture("png"), "not-audio"),
        ("playlist", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n", "not-audio"),
        ("list", b"ffconcat version 1.0\nfile 'other.wav'\n", "not-audio"),
        ("samples alone", WAV[100:], "not-audio"),
        ("no sound", clips.clip(sound=False), "no-sound"),
        ("no numbers", encoded(np.full((1, 32_000), np.nan), File(codec="pcm_f32le")), "damaged"),
        ("half a wav", WAV[: len(WAV) // 2], "broken-off"),
        ("half a webm", File("webm", "libopus", 48_000).made()[:8_000], "broken-off"),
        ("half an m4a", File("ipod", "aac", 44_100).made()[:8_000], "not-audio"),
    ],
)
def test_what_is_no_recording_is_refused(name: str, data: bytes, expected: str, ear: Provider) -> None:
    """Each kind of bad file has its code."""
    assert code(data, ear) == expected, name


@pytest.mark.parametrize("length", [1, 4, 11, 12, 20, 30, 43, 44])
@pytest.mark.parametrize(
    "file",
    [File(), File("flac", "flac"), File("mp3", "mp3"), File("ogg", "libopus", 48_000)],
    ids=lambda f: f.container,
)
def test_a_cut_header_is_refused(file: File, length: int, ear: Provider) -> None:
    """A file that ends within its header is not a recording."""
    assert code(file.made()[:length], ear) in ("not-audio", "empty")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("place", [0.1, 0.4, 0.7])
@pytest.mark.parametrize("codec", [("flac", "flac", 16_000), ("ogg", "libopus", 48_000), ("adts", "aac", 44_100)])
def test_damage_is_noticed(codec: tuple[str, str, int], place: float, seed: int, ear: Provider) -> None:
    """A stretch of noise in the middle of a file is reported, whatever the codec makes of it."""
    data = bytearray(made(codec))
    start = int(len(data) * place)
    data[start : start + len(data) // 5] = np.random.default_rng(seed).bytes(len(data) // 5)
    assert code(bytes(data), ear) in ("damaged", "broken-off")


@pytest.mark.parametrize("end", OPEN_ENDS, ids=["zero", "all"])
def test_a_wav_from_a_pipe_gets_its_length(end: bytes, ear: Provider) -> None:
    """A WAV with an open length, as a pipe leaves it, is written again, sample by sample the same."""
    at = WAV.index(b"data") + 4
    piped = WAV[:4] + end + WAV[8:at] + end + WAV[at + 4 :]
    sent = prepare(piped, ear, "speech.read")
    assert [type(step).__name__ for step in sent.steps] == ["Write"]
    np.testing.assert_array_equal(samples(sent.data), samples(WAV))


def test_two_hours_are_refused_by_their_header(tmp_path: Path, ear: Provider) -> None:
    """A file of two hours says so itself, and is not read."""
    file = tmp_path / "meeting.wav"
    header = bytearray(File(rate=48_000, channels=2, seconds=1).made())
    size = 7_200 * 48_000 * 4
    at = header.index(b"data") + 8
    header[at - 4 : at] = struct.pack("<I", size)
    file.write_bytes(header[:at])
    os.truncate(file, at + size)
    with file.open("rb", buffering=0) as opened:
        assert read_of(opened) < 1_000_000
    with pytest.raises(AudioRefused, match=r"meeting\.wav: 7200\.0 s long, but the operation takes 5 s at most"):
        prepare(file, ear, "speech.read")


def test_what_hides_its_length_is_read_no_further_than_allowed(ear: Provider) -> None:
    """An MP3 says nothing of its length: it is listened to until it is too long."""
    endless = File("mp3", "mp3", seconds=4).made() * 200
    assert code(endless, ear) == "too-long"
    file = io.BytesIO(endless)
    with reader.open_recording(file) as recording:
        heard = 0
        for block in recording:
            heard += block.shape[1]
            if heard > 5 * recording.info.rate:
                break
        assert file.tell() < len(endless) / 10


def read_of(file: Any) -> int:
    """Bytes of a file that are read to know what it is."""
    counted = 0

    class Counting:
        def read(self, size: int = -1) -> bytes:
            nonlocal counted
            data: bytes = file.read(size)
            counted += len(data)
            return data

        def seek(self, *where: int) -> int:
            return int(file.seek(*where))

        def tell(self) -> int:
            return int(file.tell())

    with reader.open_recording(Counting()) as recording:  # type: ignore[arg-type] # as much of a file as is asked of one
        assert recording.info.duration_s == pytest.approx(7_200)
    return counted


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path, ear: Provider) -> None:
    """A missing file and a folder are problems of this machine."""
    with pytest.raises(FileProblem, match=r"gone\.wav: cannot be read: No such file"):
        prepare(tmp_path / "gone.wav", ear, "speech.read")
    with pytest.raises(FileProblem, match="cannot be read"):
        prepare(tmp_path, ear, "speech.read")


@pytest.mark.parametrize("channel", [0, -1, "left", 1.0, True])
def test_a_channel_that_cannot_be_is_reported(channel: Any, ear: Provider) -> None:
    """A channel is a number from 1, or `mix`."""
    with pytest.raises(InvalidOption, match="channel cannot be"):
        prepare(WAV, ear, "speech.read", channel=channel)


@pytest.mark.parametrize("raw", [Raw(0), Raw(16_000, 0), Raw(16_000, 1, "hls")])  # type: ignore[arg-type] # on purpose
def test_samples_that_cannot_be_are_reported(raw: Raw, ear: Provider) -> None:
    """Samples have a rate, channels, and one of the known encodings."""
    with pytest.raises(InvalidOption, match="raw"):
        prepare(WAV, ear, "speech.read", raw=raw)


def test_a_provider_is_named_as_for_a_client(tmp_path: Path) -> None:
    """By its name, with underscores or with dashes, or by the folder of its description."""
    sent = [prepare(WAV, name, "assess.scripted") for name in ("language_confidence", "language-confidence")]
    assert {(item.format, item.names) for item in sent} == {("wav", ("audio_base64", "audio_format"))}
    described(tmp_path / "described")
    assert [prepare(WAV, item, "speech.read").data for item in (tmp_path / "described", str(tmp_path / "described"))]
    with pytest.raises(UnknownName, match="unknown provider 'nobody'"):
        prepare(WAV, "nobody", "speech.read")


def test_operations_without_recordings_are_reported(ear: Provider) -> None:
    """An operation that takes no recording, and one that is not there, are mistakes in the call."""
    with pytest.raises(UsageError, match=r"speech\.write of ear takes no recordings"):
        prepare(WAV, ear, "speech.write")
    with pytest.raises(UnknownName, match=r"did you mean speech\.read"):
        prepare(WAV, ear, "speech.reed")
