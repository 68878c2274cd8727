# SPDX-License-Identifier: Apache-2.0
"""The scenarios of the demo: which provider has which, their promises, and their videos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell.clock import scaled_clock
from callwell.demo import assessing, exporting, uploading
from callwell.demo.context import DemoReporter
from callwell.demo.run import run_demo
from callwell.demo.scenarios import find_scenario
from callwell.demo.scorecard import ALWAYS, DemoResult, Promise, Scorecard
from callwell.demo.videos import make_videos
from callwell.errors import UnknownName
from callwell.media import container
from callwell.providers import load
from tests.processes.scaled_clock import scale

if TYPE_CHECKING:
    from pathlib import Path

GOOD = Scorecard(1, 1, 1, 0, 0, 0, 10, 11, 1.1, 0, 0, 0, 0, 0.5, "complete")


def test_a_provider_has_the_scenario_that_supports_it() -> None:
    """Files are uploaded where that is possible; everything else that can be exported is; recordings are assessed."""
    assert find_scenario(load("apivideo")) is uploading.run_scenario
    assert find_scenario(load("userplane")) is exporting.run_scenario
    assert find_scenario(load("language_confidence")) is assessing.run_scenario


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({}, set()),
        ({"lost": 1}, {"lost"}),
        ({"amplification": 1.21}, {"amplification"}),
        ({"verdict": "drifted", "failed_calls": 2}, {"verdict", "failed_calls"}),
        ({"quota_used": 0.1}, set()),
    ],
)
def test_broken_promises_are_named(changes: dict[str, Any], broken: set[str]) -> None:
    """By figure; a figure without a promise is only shown."""
    assert DemoResult(GOOD._replace(**changes), ALWAYS).broken.keys() == broken


def test_a_scenario_may_promise_more() -> None:
    """Promises are data, and are printed in words."""
    promises = {**ALWAYS, "quota_used": Promise(at_least=0.9), "resent_bytes": Promise(at_most=20_000_000)}
    broken = DemoResult(GOOD._replace(resent_bytes=30_000_000), promises).broken
    assert broken == {
        "quota_used": "0.5, promised at least 0.9",
        "resent_bytes": "30000000, promised at most 20,000,000",
    }
    assert "resent_bytes" not in GOOD.figures


def test_videos_play_and_no_two_are_alike(tmp_path: Path) -> None:
    """Every fourth has several pieces, and the same seed makes the same videos."""
    videos = make_videos(tmp_path / "a", 4, seed=1)
    contents = [video.read_bytes() for video in videos]
    assert len(set(contents)) == 4
    assert [len(content) > 2 * 5_242_880 for content in contents] == [False, False, False, True]
    for video in videos:
        with video.open("rb") as opened:
            assert container.probe(video.name, opened).duration_s == pytest.approx(1.0)
    assert [video.read_bytes() for video in make_videos(tmp_path / "b", 4, seed=1)] == contents


def test_a_provider_without_a_scenario_is_refused(tmp_path: Path) -> None:
    """Before anything is started."""
    reporter = DemoReporter(lambda _progress, _quota_used: None, lambda _notice: None, lambda _text: None)
    with pytest.raises(UnknownName, match="known: apivideo"):
        run_demo(tmp_path, clock=scaled_clock(scale(25)), seed=1, recordings=1, reporter=reporter, only=["nobody"])
