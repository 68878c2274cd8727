# SPDX-License-Identifier: Apache-2.0
"""The demo explains what it prints: every figure has a name, the table fits 80 columns, no share is above one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callwell.cli import demo
from callwell.demo.scorecard import ALWAYS, MEANINGS, DemoResult, Promise, Scorecard
from callwell.emulator.quota import Limit
from callwell.emulator.score import score
from tests.emulator.test_score import row

GOOD = Scorecard(20, 20, 104_857_600, 0, 0, 0, 131, 139, 1.0611, 0, 0, 0, 0, None, "complete", 5_242_880)
UPLOADS = {**ALWAYS, "resent_bytes": Promise(at_most=20_971_520)}
EXPORT = {**ALWAYS, "quota_used": Promise(at_least=0.9)}


def results(**changes: Any) -> dict[str, DemoResult]:
    """Three results, with the longest names and numbers."""
    large = Scorecard(421, 2_042, 37_845_660, 0, 0, 0, 2_637, 2_831, 1.0736, 0, 0, 0, 0, 0.989, "complete")
    return {
        "apivideo": DemoResult(GOOD, UPLOADS),
        "language_confidence": DemoResult(GOOD._replace(resent_bytes=None, billed_twice=0), ALWAYS),
        "userplane": DemoResult(large._replace(**changes), EXPORT),
    }


def test_every_figure_has_a_name() -> None:
    """Every figure of a scorecard has words, and nothing else has."""
    assert MEANINGS.keys() == set(Scorecard._fields)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int) -> None:
    """Each figure is on a line of its own, sizes are in megabytes, footnotes are below, and the verdict is last."""
    monkeypatch.setenv("COLUMNS", str(columns))
    demo._print_results(results(), seconds=95.2)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    for words in MEANINGS.values():
        assert [line for line in lines if line.startswith(f"{words}  ")], words
    [resent] = [line for line in lines if line.startswith("bytes sent twice  ")]
    assert resent.split()[3:] == ["5.2", "MB", "–", "–", "at", "most", "21.0", "MB"]
    assert "bytes sent twice: pieces that were being sent when the process was killed." in lines
    assert "share of quota used: 1 means all that the quota allowed." in lines
    assert lines[-1] == "every promise kept, in 95 s"


def test_broken_promises_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """By provider, in the same words as in the table."""
    demo._print_results(results(lost=2), seconds=95.2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["userplane: promise broken: items lost 2, promised 0", "promises were broken, in 95 s"]


def test_a_promise_about_what_was_not_counted_is_broken() -> None:
    """A missing figure does not keep its promise."""
    broken = DemoResult(GOOD, EXPORT).broken
    assert broken == {"quota_used": "not counted, promised at least 0.9"}
    assert json.loads(json.dumps(MEANINGS))["resent_bytes"] == "bytes sent twice"


def test_a_share_is_one_at_most() -> None:
    """Requests that came during a pause are too early; they do not raise the share above everything."""
    limit = Limit("minute", 2, 60.0)
    rows = [row(arrived_s=at) for at in (0.0, 1.0, 2.0, 3.0, 61.0)]
    counts = score(rows, (limit,), [(5.0, 60.0)])
    assert counts["quota_used"] == 1.0
    assert counts["over_quota"] > 0
