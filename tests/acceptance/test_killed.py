# SPDX-License-Identifier: Apache-2.0
"""An export that is killed twenty times by SIGKILL, while its provider is out to spoil it as well."""

from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING

from callwell.demo import fault_scripts
from callwell.emulator.options import EmulatorOptions
from callwell.emulator.process import start
from tests.acceptance.running import card, check_clean, check_names, ended, exporting
from tests.export.emulated import Site, check_manifest, check_truth

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.conftest import ReportFigures

KILLS = 20
SEED = 5
RECORDINGS = 200


def killed(process: subprocess.Popen[str], after_s: float) -> None:
    """Kill it after so many real seconds of work."""
    try:
        _, complaints = process.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return
    raise AssertionError(f"it ended by itself, with {process.returncode}: {complaints}")


def test_an_export_that_is_killed_twenty_times(tmp_path: Path, report_figures: ReportFigures) -> None:
    """Nothing is lost, requested early or over the quota, and at no time is a file under its name that is not whole."""
    options = EmulatorOptions(
        provider=("userplane",), clock=f"{fault_scripts.SCALE:g}", window="sliding", recordings=RECORDINGS, seed=SEED
    )
    with start(options) as running:
        site = Site(running, tmp_path)
        dice = random.Random(SEED)
        site.faults(*fault_scripts.export_faults(SEED, ("recordings.list",)))
        seen = []
        for _ in range(KILLS):
            killed(exporting(site), dice.uniform(0.5, 3.5))
            seen.append(check_names(site.tree, site.truth()))
        end = ended(exporting(site))
        result = card(site, end.report)
        report_figures(
            f"{KILLS} kills",
            f"{result.verdict}, {result.items} items, {result.assets} files ({seen[-1]} whole at the last kill), "
            f"{result.attempts} arrivals; {result.lost} lost, {result.duplicated} doubled, {result.wrong_bytes} wrong, "
            f"{result.early_calls} early, {result.over_quota} over the quota",
        )
        check_clean(result)
        check_truth(site.tree, site.truth())
        check_manifest(site.tree)
        assert result.items >= RECORDINGS - 4
        assert 0 < seen[KILLS // 2] < seen[-1] < result.assets
        assert end.report["fetched"] < result.items
