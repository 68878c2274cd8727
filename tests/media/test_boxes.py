# SPDX-License-Identifier: Apache-2.0
"""The most usual files are recognised by their boxes alone, as FFmpeg recognises them; all others are left to it."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.media import boxes
from callwell.media.container import probe
from clips import clip

CLIP = clip(seconds=3)


def test_it_agrees_with_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """Length and streams are the same, and FFmpeg is not needed."""
    monkeypatch.setattr(boxes, "read_container", lambda _: None)
    asked = probe("a.mp4", io.BytesIO(CLIP))
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "av", None)
    reported = probe("a.mp4", io.BytesIO(CLIP))
    assert reported.duration_s == pytest.approx(asked.duration_s, abs=0.01)
    assert (reported.format, [kind for kind, _ in reported.streams]) == (
        asked.format,
        [kind for kind, _ in asked.streams],
    )
    assert reported.streams == (("video", "avc1"), ("audio", "mp4a"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        CLIP[:-1],
        CLIP + b"1",
        CLIP[8:],
        CLIP.replace(b"moov", b"moof"),
        CLIP.replace(b"mdat", b"free"),
        CLIP.replace(b"mvhd", b"free"),
        CLIP.replace(b"hdlr", b"free"),
        CLIP.replace(b"stsd", b"free"),
        clip(kind="matroska"),
        b"RIFF" + bytes(100),
    ],
)
def test_what_is_not_in_its_place_is_left_to_ffmpeg(content: bytes) -> None:
    """Cut, longer than its boxes, or without what every such file has."""
    assert boxes.read_container(io.BytesIO(content)) is None


@given(st.lists(st.tuples(st.integers(0, len(CLIP) - 1), st.integers(0, 255)), max_size=8))
def test_no_file_is_too_strange(changes: list[tuple[int, int]]) -> None:
    """Whatever the bytes are, it ends, and without an error."""
    content = bytearray(CLIP)
    for place, value in changes:
        content[place] = value
    facts = boxes.read_container(io.BytesIO(bytes(content)))
    if facts is None:
        return
    seconds, streams = facts
    assert seconds > 0
    assert {kind for kind, _ in streams} <= {"audio", "video"}
