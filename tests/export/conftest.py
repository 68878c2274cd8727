# SPDX-License-Identifier: Apache-2.0
"""One emulator for all tests of a process, a new world for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.export.playing import Site
from tests.processes.pace import clock
from tests.processes.program import start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.emulator.process import Running

UNHURRIED = {"per_minute": 1_000_000, "per_day": 1_000_000, "seed": 7, "recordings": 60, "url_life_s": 900}


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """The emulator, on a clock that runs ten times as fast so that waits between attempts are short."""
    with start(EmulatorOptions(provider=("userplane",), clock=clock(10), window="sliding")) as emulator:
        yield emulator


@pytest.fixture
def site(running: Running, tmp_path: Path) -> Site:
    """A world of 60 recordings, without faults."""
    made = Site(running, tmp_path)
    made.reset(**UNHURRIED)
    return made
