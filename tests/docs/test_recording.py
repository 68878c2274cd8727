# SPDX-License-Identifier: Apache-2.0
"""The recording of the demo: a terminal's text becomes a picture, and the published one is complete and harmless."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from recording import Piece, Screen, frames, picture
from tests.docs import pages

if TYPE_CHECKING:
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
ERASE = "\r\x1b[2K\x1b[1A\x1b[2K"


def words(picture: str, frame: str) -> list[str]:
    """The lines of a frame."""
    (found,) = (group for group in ET.fromstring(picture).iter(f"{SVG}g") if group.get("id") == frame)  # noqa: S314 - ours
    return ["".join(line.itertext()) for line in found.iter(f"{SVG}text")]


def test_lines_are_written_again() -> None:
    """Lines that a program erases and writes again are there once, and what is above them stays."""
    screen = Screen()
    screen.write(f"above\r\none \x1b[1mbold\x1b[0m\r\ntwo{ERASE}1\r\n\x1b[?25l2\r\n")
    assert screen.lines() == ("above", "1", "2")


def test_frames_are_spread_over_the_run() -> None:
    """The frames are states at regular times, without repetitions, and the last one is the end."""
    run = [Piece(at, f"\r\x1b[2K{at}") for at in (0.0, 4.0, 11.0, 14.0, 100.0)]
    assert frames(run) == [("4.0",), ("14.0",), ("100.0",)]


def test_a_picture_of_states() -> None:
    """Each state is a frame with its text and colours, and the last frame is shown where animation is off."""
    result = picture([("a <b>",), ("\x1b[38;2;1;2;3mred\x1b[0m  \x1b[1mend\x1b[0m", "x")])
    assert (words(result, "f0"), words(result, "f1")) == (["a <b>"], ["redend", "x"])
    assert 'fill="#010203"' in result
    assert ".frame { visibility: hidden } #f1 { visibility: visible }" in result


@pytest.mark.parametrize("page", [pages.ROOT / "README.md", pages.DOCS / "index.md"], ids=lambda page: page.name)
def test_the_recording_is_shown(page: Path) -> None:
    """The first pages of the project show it."""
    assert "demo.svg)" in pages.read(page)


def test_the_recording_is_small_and_harmless() -> None:
    """It shows a demo that kept its promises, and has neither a script nor an address."""
    text = (pages.DOCS / "demo.svg").read_text(encoding="utf-8")
    frames = re.findall(r'<g id="(f\d+)"', text)
    assert len(frames) >= 10
    assert words(text, frames[-1])[-1].endswith("s")
    assert "every promise kept" in words(text, frames[-1])[-1]
    assert len(text) < 150_000
    assert re.findall(r"https?://[^\"']+|<script|url\(|@import|href", text) == ["http://www.w3.org/2000/svg"]
