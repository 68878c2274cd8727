# SPDX-License-Identifier: Apache-2.0
"""The scenario for assessments keeps its promises with every seed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from callwell.clock import scaled_clock
from callwell.demo import fault_scripts
from callwell.demo.context import DemoReporter
from callwell.demo.run import run_demo
from tests.processes import program
from tests.processes.scaled_clock import scale

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("seed", "drawn"), [(1, True), (2, False)])
def test_every_promise_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, *, drawn: bool) -> None:
    """Nothing is lost, wrong, or billed again after its response has arrived; the last run has nothing to do.

    This holds with plots in the reports, and without them if the extra `plot` is not installed.
    """
    if not drawn:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    lines: list[str] = []
    reporter = DemoReporter(lambda _progress, _quota_used: None, lambda _notice: None, lines.append)
    clock = scaled_clock(scale(fault_scripts.SCALE))
    name = "language_confidence"
    results = run_demo(
        tmp_path, clock=clock, seed=seed, recordings=1, reporter=reporter, only=(name,), start=program.start
    )
    result = results[name]
    assert result.broken == {}
    figures = result.scorecard.figures
    assert (figures["items"], figures["assets"], figures["calls"], figures["billed_twice"]) == (60, 60, 60, 0)
    assert figures["amplification"] > 1
    assert lines[-1] == "0 assessed, 60 already known; nothing was left to do"
