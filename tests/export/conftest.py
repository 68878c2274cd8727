# SPDX-License-Identifier: Apache-2.0
"""One emulator for all tests of a process, a new world for each."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.export.emulated import ITEMS, Site, contents
from tests.processes.program import start
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.emulator.process import Running

UNHURRIED = {"per_minute": 1_000_000, "per_day": 1_000_000, "seed": 7, "recordings": ITEMS, "url_life_s": 900}


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """The emulator, on a clock that runs ten times as fast so that waits between attempts are short."""
    with start(EmulatorOptions(provider=("userplane",), clock=clock(10), window="sliding")) as emulator:
        yield emulator


@pytest.fixture
def site(running: Running, tmp_path: Path) -> Site:
    """A small world, without faults."""
    result = Site(running, tmp_path)
    result.reset(**UNHURRIED)
    return result


@pytest.fixture(scope="session")
def pristine(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """An export of that world, never touched again: the same seed is the same world, to the byte."""
    result = Site(running, tmp_path_factory.mktemp("pristine"))
    result.reset(**UNHURRIED)
    assert result.export().verdict == "complete"
    return result


@pytest.fixture(scope="session")
def calm(pristine: Site) -> dict[str, str]:
    """What an export without faults has in its tree."""
    return contents(pristine.tree)


@pytest.fixture
def exported(pristine: Site, site: Site) -> Site:
    """The same world and its export, tree and state, as the last run left them."""
    shutil.copytree(pristine.tree, site.tree)
    shutil.copyfile(pristine.state, site.state)
    return site
