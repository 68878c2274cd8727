# SPDX-License-Identifier: Apache-2.0
"""The check of sample recordings and videos."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING, Final

from callwell.readiness import registry
from callwell.readiness.project import Project, Scope
from callwell.readiness.report import CheckOutcome
from callwell.readiness.run import run_check
from tests.readiness.accounts import make_account, make_project

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.readiness.report import CheckResult

SPEECH: Final = make_account("language_confidence")
VIDEO: Final = make_account("apivideo")


def run(project: Project) -> CheckResult:
    """Run the check."""
    return run_check(project, registry.load("life.media"))


def write_tone(file: Path, *, rate: int, seconds: float = 6.0, channels: int = 1) -> None:
    """Write a WAV with a square wave."""
    with wave.open(str(file), "wb") as opened:
        opened.setnchannels(channels)
        opened.setsampwidth(2)
        opened.setframerate(rate)
        opened.writeframes((b"\x00\x20" * 40 * channels + b"\x00\xe0" * 40 * channels) * int(rate * seconds / 80))


def test_samples(tmp_path: Path) -> None:
    """A recording that would be converted is found, one that cannot be sent is an error, and a good one passes."""
    samples = tmp_path / "samples"
    samples.mkdir()
    write_tone(samples / "good.wav", rate=16_000, seconds=20.0)
    (samples / "notes.txt").write_text("no media")
    scope = Scope(samples=samples)
    project = make_project(tmp_path, None, SPEECH, VIDEO, scope=scope)
    assert run(project).findings == ()
    write_tone(samples / "large.wav", rate=48_000, seconds=20.0)
    write_tone(samples / "low.wav", rate=8_000)
    (samples / "cut.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42")
    found = {str(finding.place): finding.what for finding in run(project).findings}
    assert "48000 Hz to 16000 Hz" in found["samples/large.wav"]
    assert "needs 16000 Hz" in found["samples/low.wav"]
    assert "cannot take the file" in found["samples/cut.mp4"]
    assert len(found) == 3


def test_samples_that_are_not_there(tmp_path: Path) -> None:
    """No folder, and a folder without media, are said; without --samples the check does not apply."""
    for samples, outcome in (
        (tmp_path / "none", CheckOutcome.INCOMPLETE),
        (tmp_path, CheckOutcome.INCOMPLETE),
        (None, CheckOutcome.NOT_APPLICABLE),
    ):
        project = make_project(tmp_path, None, SPEECH, scope=Scope(samples=samples))
        assert run(project).outcome is outcome
