# SPDX-License-Identifier: Apache-2.0
"""What a media file holds, and what is none."""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING

import pytest

from callwell.errors import FileRejected, UsageError
from callwell.media.container import probe
from clips import clip

if TYPE_CHECKING:
    from pathlib import Path


def test_picture_and_sound_are_reported() -> None:
    """Format, length and codecs."""
    found = probe("a.mp4", io.BytesIO(clip(seconds=2)))
    assert "mp4" in found.format
    assert found.duration_s == pytest.approx(2.0, abs=0.1)
    assert [kind for kind, _ in found.streams] == ["video", "audio"]


@pytest.mark.parametrize(
    "content",
    [
        b"just a text that is called .mp4\n" * 100,
        bytes(4096),
        clip()[:1000],
        b"WEBVTT\n\n00:00.000 --> 00:01.000\nhi\n",
    ],
)
def test_what_is_no_media_is_refused_by_name(content: bytes) -> None:
    """Text, nothing, half a file, and a format without picture and sound."""
    with pytest.raises(FileRejected, match=r"^talk\.mp4: ") as caught:
        probe("talk.mp4", io.BytesIO(content))
    assert caught.value.target is None


def test_the_largest_file_takes_no_longer(tmp_path: Path) -> None:
    """Of 30 GiB without a byte on disk, the container is what is read."""
    path = tmp_path / "large.mp4"
    small = clip(seconds=2)
    with path.open("wb") as file:
        file.write(small + (1).to_bytes(4, "big") + b"free" + ((30 << 30) - len(small)).to_bytes(8, "big"))
        file.truncate(30 << 30)
    began = time.process_time()
    with path.open("rb") as file:
        assert probe("large.mp4", file).duration_s == pytest.approx(2.0, abs=0.1)
    assert time.process_time() - began < 1.0


def test_without_the_library_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install it, or say that the file is not to be looked at."""
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        UsageError,
        match=r"PyAV checks files before they are sent, and is missing: .* -m pip install 'av>=.*check=False",
    ):
        probe("a.webm", io.BytesIO(b"not an MP4"))
