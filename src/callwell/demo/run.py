# SPDX-License-Identifier: Apache-2.0
"""The demo: real work against emulated providers that refuse, fail, lose replies, shift their pages and expire URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.demo.context import DemoContext
from callwell.demo.control_client import ControlClient
from callwell.demo.scenarios import find_scenario
from callwell.description.catalog import bundled_name, bundled_names, load
from callwell.emulator.options import EmulatorOptions
from callwell.emulator.process import start
from callwell.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from callwell.clock import ScaledClock
    from callwell.demo.context import DemoReporter
    from callwell.demo.scorecard import DemoResult


def demo(
    folder: Path, *, clock: ScaledClock, seed: int, recordings: int, stage: DemoReporter, only: Collection[str] = ()
) -> dict[str, DemoResult]:
    """Run the demo.

    Args:
        folder: an empty folder for keys, state and files.
        clock: for the client and the emulator.
        seed: of the world and of the faults.
        recordings: items to export.
        stage: where to tell what happens.
        only: names of providers; all that have a part unless given.

    Returns:
        what came of each provider's part.

    Raises:
        UnknownName: a provider without a part.
    """
    parts = {name: found for name in bundled_names() if (found := find_scenario(load(name))) is not None}
    chosen = {bundled_name(name) or name for name in only} or parts.keys()
    for name in chosen:
        if name not in parts:
            raise UnknownName("provider", name, parts, where="the demo")
    played = tuple(name for name in parts if name in chosen)
    options = EmulatorOptions(seed=seed, recordings=recordings, clock=str(clock), window="sliding", provider=played)
    outcomes = {}
    with start(options) as emulator:
        control = ControlClient(emulator.control)
        for name, environments in emulator.endpoints.providers.items():
            environment, endpoint = next(iter(environments.items()))
            (folder / name).mkdir(parents=True)
            scene = DemoContext(load(name), environment, endpoint, folder / name, clock, control, seed, stage)
            outcomes[name] = parts[name](scene)
    return outcomes
