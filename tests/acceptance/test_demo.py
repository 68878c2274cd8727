# SPDX-License-Identifier: Apache-2.0
"""The demo as a user starts it, over twenty seeds: every promise is kept in each of them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.conftest import ReportFigures

SEEDS = range(1, 21)
PATIENCE_S = 600.0
FEWEST = {"apivideo": 20, "language_confidence": 60, "userplane": 415}
"""Items by provider; of 420 the course deletes at most 4 while they are listed."""

LEAST_USED = {"apivideo": 0.0, "language_confidence": 0.0, "userplane": 0.9}
"""How much of the quota is used: the first has more work than quota, and the second's quota is unknown."""

OWN = {"apivideo": ("resent_bytes",), "language_confidence": ("billed_twice",), "userplane": ()}
"""What must be nothing of one provider only."""

ZERO = ("lost", "duplicated", "wrong_bytes", "early_calls", "over_quota", "failed_calls", "keys_seen_elsewhere")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_demo_keeps_every_promise(seed: int, tmp_path: Path, report_figures: ReportFigures) -> None:
    """Nothing lost, doubled or wrong, no call early or over the quota, at most 1.2 attempts per call."""
    command = [sys.executable, "-m", "callwell", "demo", "--seed", str(seed), "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    reported = json.loads(done.stdout)
    assert (reported["ok"], reported["seed"]) == (True, seed)
    assert "Traceback" not in done.stderr
    assert reported["providers"].keys() == FEWEST.keys()
    for name, card in reported["providers"].items():
        report_figures(
            f"demo, seed {seed}, {name}",
            f"{card['verdict']}, {card['items']} items, {card['attempts']} attempts for {card['calls']} calls "
            f"({card['amplification']:.3f}), {card.get('quota_used') or 0.0:.2f} of the quota; "
            f"{sum(card[zero] for zero in ZERO)} lost, doubled, wrong, early, over, failed or misplaced",
        )
        assert {zero: card[zero] for zero in ZERO} == dict.fromkeys(ZERO, 0)
        assert {zero: card[zero] for zero in OWN[name]} == dict.fromkeys(OWN[name], 0)
        assert card["items"] >= FEWEST[name]
        assert card["amplification"] <= 1.2
        assert card.get("quota_used", 0.0) >= LEAST_USED[name]
        assert card["verdict"] == "complete"
