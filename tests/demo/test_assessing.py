# SPDX-License-Identifier: Apache-2.0
"""The part of the demo about assessments keeps its promises, whatever the dice say."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from callwell.clock import scaled_clock
from callwell.demo import fault_scripts
from callwell.demo.context import DemoReporter
from callwell.demo.run import demo
from tests.processes.pace import scale

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("seed", "drawn"), [(1, True), (2, False)])
def test_every_promise_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, *, drawn: bool) -> None:
    """Nothing is lost, wrong, or billed although its answer had come; the last run has nothing to do.

    It is so with pictures in the reports, and without them, where the extra for plots is not installed.
    """
    if not drawn:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    said: list[str] = []
    stage = DemoReporter(lambda _progress, _spent: None, lambda _notice: None, said.append)
    clock = scaled_clock(scale(fault_scripts.SCALE))
    name = "language_confidence"
    outcome = demo(tmp_path, clock=clock, seed=seed, recordings=1, stage=stage, only=(name,))[name]
    assert outcome.faults == {}
    told = outcome.card.figures
    assert (told["items"], told["assets"], told["calls"], told["billed_twice"]) == (60, 60, 60, 0)
    assert told["amplification"] > 1
    assert said[-1] == "0 recordings were assessed, 60 were known; nothing was left to do"
