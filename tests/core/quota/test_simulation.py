# SPDX-License-Identifier: Apache-2.0
"""A short run of `python -m bench simulate`."""

from __future__ import annotations

from bench.simulated import Course, World

COURSE = Course(
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
    result = World(COURSE).run()
    assert result["over_window"] == 0
    assert result["calls"] > COURSE.limit
    assert result == World(COURSE).run()


def test_a_calm_fleet_on_one_machine_uses_its_quota() -> None:
    """Processes that want everything get all that others leave."""
    result = World(COURSE._replace(machines=1, faulty=False)).run()
    assert result["over_window"] == 0
    assert result["utilisation"] > 0.9
