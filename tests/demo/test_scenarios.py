# SPDX-License-Identifier: Apache-2.0
"""Parts of the demo: which provider has which, what they promise, and what they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell.clock import scaled_clock
from callwell.demo import assessing, exporting, uploading
from callwell.demo.context import DemoReporter
from callwell.demo.run import demo
from callwell.demo.scenarios import find_scenario
from callwell.demo.scorecard import ALWAYS, DemoResult, Promise, Scorecard
from callwell.demo.videos import make_videos
from callwell.errors import UnknownName
from callwell.media import container
from callwell.providers import load
from tests.processes.pace import scale

if TYPE_CHECKING:
    from pathlib import Path

GOOD = Scorecard(1, 1, 1, 0, 0, 0, 10, 11, 1.1, 0, 0, 0, 0, 0.5, "complete")


def test_a_description_has_the_part_that_fits_it() -> None:
    """Who takes files is sent some; from whoever else gives some they are fetched; who listens is spoken to."""
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
def test_what_is_not_as_promised_is_told(changes: dict[str, Any], broken: set[str]) -> None:
    """By name, with the bound; what a part does not promise is only shown."""
    assert DemoResult(GOOD._replace(**changes), ALWAYS).faults.keys() == broken


def test_a_part_may_promise_more() -> None:
    """Its promises are data, and are told in words."""
    promises = {**ALWAYS, "quota_used": Promise(least=0.9), "resent_bytes": Promise(most=20_000_000)}
    faults = DemoResult(GOOD._replace(resent_bytes=30_000_000), promises).faults
    assert faults == {
        "quota_used": "0.5, promised at least 0.9",
        "resent_bytes": "30000000, promised at most 20,000,000",
    }
    assert "resent_bytes" not in GOOD.figures


def test_films_play_and_no_two_are_alike(tmp_path: Path) -> None:
    """Every fourth has several pieces, and the same seed makes the same films."""
    films = make_videos(tmp_path / "a", 4, seed=1)
    contents = [film.read_bytes() for film in films]
    assert len(set(contents)) == 4
    assert [len(content) > 2 * 5_242_880 for content in contents] == [False, False, False, True]
    for film in films:
        with film.open("rb") as opened:
            assert container.probe(film.name, opened).duration_s == pytest.approx(1.0)
    assert [film.read_bytes() for film in make_videos(tmp_path / "b", 4, seed=1)] == contents


def test_a_provider_without_a_part_is_refused(tmp_path: Path) -> None:
    """Before anything is started."""
    stage = DemoReporter(lambda _progress, _spent: None, lambda _notice: None, lambda _text: None)
    with pytest.raises(UnknownName, match="known: apivideo"):
        demo(tmp_path, clock=scaled_clock(scale(25)), seed=1, recordings=1, stage=stage, only=["nobody"])
