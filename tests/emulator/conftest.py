# SPDX-License-Identifier: Apache-2.0
"""Emulators for tests, stopped at the end of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.emulator.harness import Emulated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def emulate() -> Iterator[Callable[..., Emulated]]:
    """Start emulators with options; of one provider, unless others are named."""
    running: list[Emulated] = []

    def start(**options: Any) -> Emulated:
        running.append(Emulated(EmulatorOptions(**{"provider": ("userplane",), **options})).start())
        return running[-1]

    yield start
    for emulated in running:
        emulated.stop()


@pytest.fixture
def emulated(emulate: Callable[..., Emulated]) -> Emulated:
    """An emulator with the usual options."""
    return emulate()
