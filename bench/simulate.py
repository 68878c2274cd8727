# SPDX-License-Identifier: Apache-2.0
"""Leases in virtual time: a large fleet, calm and with everything going wrong, decided by the real core."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from bench.rounds import Ratio, summarize
from bench.simulated import Scenario, World

if TYPE_CHECKING:
    from bench.rounds import Sample

CALM: Final = Scenario(
    processes=200,
    greedy=20,
    machines=20,
    limit=2_000,
    window_s=10.0,
    small_share=0.4,
    virtual_s=60.0,
    faulty=False,
    seed=1,
)
"""Twenty processes want everything; the others together want two fifths of the quota."""

QUICK: Final = CALM._replace(processes=24, greedy=3, machines=4, limit=300, virtual_s=40.0)
SEEDS: Final = (1, 2)
FIGURES: Final = ("utilisation", "over_window", "slowest_share", "small_served", "store_ops_per_call")


def run(*, quick: bool = False) -> Sample:
    """Simulate.

    Args:
        quick: a small fleet for a minute of its time.
    """
    scenario = QUICK if quick else CALM
    scenarios = [scenario._replace(faulty=faulty, seed=seed) for faulty in (False, True) for seed in SEEDS]
    begun = time.perf_counter()
    with ProcessPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(simulate, scenarios))
    real_s = time.perf_counter() - begun
    calm = results[: len(SEEDS)]
    faulty = results[len(SEEDS) :]
    figures = {name: _spread(calm, name) for name in FIGURES}
    figures |= {f"{name}_faulty": _spread(faulty, name) for name in FIGURES}
    virtual_s = sum(each.virtual_s for each in scenarios)
    return summarize(figures) | {
        "processes": scenario.processes,
        "machines": scenario.machines,
        "virtual_s": virtual_s,
        "windows": round(virtual_s / scenario.window_s),
        "real_s": round(real_s, 1),
        "calls": sum(result["calls"] for result in results),
        "exchanges": sum(result["exchanges"] for result in results),
        "lost_leases": sum(result["lost_leases"] for result in results),
        "seeds": list(SEEDS),
    }


def simulate(scenario: Scenario) -> dict[str, Any]:
    """The result of one scenario."""
    return World(scenario).run()


def _spread(results: list[dict[str, Any]], name: str) -> Ratio:
    """The worst of the seeds, and the range."""
    values = [result[name] for result in results]
    worst = max(values) if name in {"over_window", "store_ops_per_call"} else min(values)
    return Ratio(worst, min(values), max(values))
