# SPDX-License-Identifier: Apache-2.0
"""An emulated service for all tests here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.assess.emulated import NAME
from tests.emulator.harness import Emulated
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def emulated() -> Iterator[Emulated]:
    """A service with a fast clock."""
    running = Emulated(EmulatorOptions(provider=(NAME,), clock=clock(25))).start()
    yield running
    running.stop()
