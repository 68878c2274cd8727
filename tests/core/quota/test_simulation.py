# SPDX-License-Identifier: Apache-2.0
"""A short run of `python -m bench simulate`."""

from __future__ import annotations

from bench.simulated import Scenario, World

SCENARIO = Scenario(
    processes=8,
    greedy=2,
    machines=3,
    limit=60,
    window_s=2.0,
    small_share=0.4,
    virtual_s=20.0,
    faulty=True,
    seed=7,
)


def test_a_simulated_fleet_keeps_the_quota_and_repeats_itself() -> None:
    """Dying processes and wrong clocks cost permits for a while and never exceed the quota; a seed gives one run."""
    result = World(SCENARIO).run()
    assert result["over_window"] == 0
    assert result["calls"] > SCENARIO.limit
    assert result == World(SCENARIO).run()


def test_a_calm_fleet_on_one_machine_uses_its_quota() -> None:
    """Processes that want everything get all that others leave."""
    result = World(SCENARIO._replace(machines=1, faulty=False)).run()
    assert result["over_window"] == 0
    assert result["utilisation"] > 0.9


def test_a_process_that_wants_everything_leaves_some_for_others_at_once() -> None:
    """A thousand callers of one process use what others leave; those wait for less than a second."""
    uneven = SCENARIO._replace(greedy=1, machines=1, limit=300, window_s=10.0, faulty=False, workers=1000)
    result = World(uneven._replace(virtual_s=60.0, answer_s=(0.001, 0.02))).run()
    assert result["over_window"] == 0
    assert result["utilisation"] > 0.98
    assert result["small_wait_p99_s"] < 1.0


def test_a_lone_call_costs_three_exchanges_at_most() -> None:
    """The permit, at most one renewal, and the return; what the process had left for more calls goes with it."""
    rare = SCENARIO._replace(processes=1, greedy=0, machines=1, limit=60, window_s=10.0, small_share=0.01, faulty=False)
    result = World(rare._replace(virtual_s=400.0)).run()
    assert result["calls"] > 5
    assert result["store_ops_per_call"] <= 3.0
