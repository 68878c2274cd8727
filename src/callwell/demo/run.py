# SPDX-License-Identifier: Apache-2.0
"""The demo: real work with emulated providers that refuse, fail, lose replies, shift pages and expire URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.demo.context import DemoContext
from callwell.demo.scenarios import find_scenario
from callwell.description.catalog import bundled_name, bundled_names, load
from callwell.emulator import process
from callwell.emulator.control_client import ControlClient
from callwell.emulator.options import EmulatorOptions
from callwell.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from callwell.clock import ScaledClock
    from callwell.demo.context import DemoReporter
    from callwell.demo.scorecard import DemoResult
    from callwell.emulator.process import Running


def run_demo(
    folder: Path,
    *,
    clock: ScaledClock,
    seed: int,
    recordings: int,
    reporter: DemoReporter,
    only: Collection[str] = (),
    start: Callable[[EmulatorOptions], Running] = process.start,
) -> dict[str, DemoResult]:
    """Run the demo.

    Args:
        folder: an empty folder for keys, state and files.
        clock: the clock of client and emulator.
        seed: the seed of the emulated data and faults.
        recordings: the number of items to export.
        reporter: shows what happens.
        only: names of providers; by default all that have a scenario.
        start: starts the emulator.

    Returns:
        the result of each provider's scenario.

    Raises:
        UnknownName: a provider has no scenario.
    """
    found = {name: find_scenario(load(name)) for name in bundled_names()}
    scenarios = {name: scenario for name, scenario in found.items() if scenario is not None}
    selected = {bundled_name(name) or name for name in only} or scenarios.keys()
    for name in selected:
        if name not in scenarios:
            raise UnknownName("provider", name, scenarios, owner="the demo")
    emulated = tuple(name for name in scenarios if name in selected)
    options = EmulatorOptions(seed=seed, recordings=recordings, clock=str(clock), window="sliding", provider=emulated)
    results = {}
    with start(options) as emulator:
        control = ControlClient(emulator.control)
        for name, environments in emulator.endpoints.providers.items():
            environment, endpoint = next(iter(environments.items()))
            (folder / name).mkdir(parents=True)
            context = DemoContext(
                provider=load(name),
                environment=environment,
                endpoint=endpoint,
                folder=folder / name,
                clock=clock,
                control=control,
                seed=seed,
                reporter=reporter,
            )
            results[name] = scenarios[name](context)
    return results
