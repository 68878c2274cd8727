# SPDX-License-Identifier: Apache-2.0
"""What preparing gives: the bytes, what was done and saved, and the arguments of the call."""

from __future__ import annotations

import base64
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from callwell.core.audio_types import Raw
from callwell.errors import AudioRefused
from callwell.media import prepare
from tests.media.making import File, covered, samples

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.description.provider import Provider


def test_the_result_says_what_was_done(tmp_path: Path, ear: Provider) -> None:
    """A converted file lists its steps in words, its size before and after, and where it came from."""
    file = tmp_path / "a.wav"
    file.write_bytes(File(rate=48_000, channels=2).made())
    sent = prepare(str(file), ear, "speech.read")
    assert sent.converted
    assert sent.source == file
    assert (sent.size_before, sent.saved) == (file.stat().st_size, file.stat().st_size - len(sent.data))
    assert sent.done == (
        "2 channels mixed into one, 48000 Hz to 16000 Hz, rounded to 16 bit with dither, written as wav: "
        f"{sent.size_before} bytes became {len(sent.data)}"
    )
    assert (sent.duration_s, sent.info.container, sent.info.rate) == (2.0, "wav", 48_000)
    assert "data=" not in repr(sent)


def test_what_passes_says_so(ear: Provider) -> None:
    """Bytes that need no change are sent as they are: nothing done, nothing saved."""
    sent = prepare(File("mp3", "mp3").made(), ear, "speech.read")
    assert (sent.converted, sent.done, sent.saved, sent.source) == (False, "sent unchanged", 0, None)


def test_a_cover_is_no_moving_picture(ear: Provider) -> None:
    """The picture in a music file is nothing to warn of."""
    sent = prepare(covered(), ear, "speech.read")
    assert (sent.format, sent.cautions) == ("mp3", ())


def test_the_arguments_are_those_of_the_operation(ear: Provider) -> None:
    """The data in base64 and the format stand under the names that the profile gives."""
    sent = prepare(File("ogg", "libopus", 48_000).made(), ear, "speech.talk")
    assert sent.arguments["audio_format"] == "ogg"
    assert base64.b64decode(sent.arguments["audio_base64"], validate=True) == sent.data
    assert len(sent.arguments) == 2


def test_each_operation_has_its_length(ear: Provider) -> None:
    """What is too long for one operation is not for another."""
    long = File(seconds=6).made()
    with pytest.raises(AudioRefused) as caught:
        prepare(long, ear, "speech.read")
    assert caught.value.remedy.startswith("split it")
    assert prepare(long, ear, "speech.talk").duration_s == 6


def test_the_bytes_are_few(ear: Provider) -> None:
    """Of ten seconds of stereo at 48 kHz, less than 23 % goes over the wire, base64 included."""
    file = File(rate=48_000, channels=2, seconds=10).made()
    sent = prepare(file, ear, "speech.talk")
    assert len(sent.arguments["audio_base64"]) / len(file) < 0.23


@pytest.mark.parametrize(
    ("raw", "file"),
    [
        (Raw(16_000), File()),
        (Raw(48_000, 2), File(rate=48_000, channels=2)),
        (Raw(16_000, 1, "f32le"), File(codec="pcm_f32le")),
        (Raw(16_000, 1, "mulaw"), File(codec="pcm_mulaw")),
    ],
)
def test_samples_without_a_file_become_one(raw: Raw, file: File, ear: Provider) -> None:
    """Raw samples become what the same samples in a WAV become."""
    wav = file.made()
    sent = prepare(wav[wav.index(b"data") + 8 :], ear, "speech.read", raw=raw)
    same = prepare(wav, ear, "speech.read")
    assert sent.info.container == "raw"
    np.testing.assert_array_equal(samples(sent.data), samples(same.data))


def test_errors_can_be_pickled(ear: Provider) -> None:
    """A refusal keeps its parts on its way between processes, and ends a command with 10."""
    with pytest.raises(AudioRefused) as caught:
        prepare(b"", ear, "speech.read")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert (str(again), again.code, again.file, again.exit_code) == (str(caught.value), "empty", "bytes", 10)
    assert str(again) == "bytes: the file is empty: record it again"


def test_threads_do_not_disturb_each_other(ear: Provider) -> None:
    """Files prepared at once become what they become one by one."""
    files = [File(rate=rate, channels=2).made() for rate in (44_100, 48_000)] * 6
    alone = [prepare(file, ear, "speech.read").data for file in files]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda file: prepare(file, ear, "speech.read").data, files)) == alone


def test_the_extra_is_loaded_when_it_is_needed() -> None:
    """Importing the room costs nothing: FFmpeg and numpy come with the first recording."""
    code = "import callwell.media, sys; sys.exit(bool({'av', 'numpy', 'soxr'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
