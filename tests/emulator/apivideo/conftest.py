# SPDX-License-Identifier: Apache-2.0
"""Emulated environments that are in no hurry about quotas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.apivideo.harness import Site
from tests.facts.apivideo import FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import Emulated

ROOMY = {"apivideo.uploads": "10000", "apivideo.writes": "10000", "apivideo.reads": "10000"}


@pytest.fixture
def apivideo(emulate: Callable[..., Emulated]) -> Callable[..., Site]:
    """Start an emulator with settings, and give one of its environments."""

    def start(environment: str = "production", **settings: Any) -> Site:
        given = {f"apivideo.{name}": value for name, value in settings.items()}
        return Site(emulate(provider=("apivideo",), settings=ROOMY | given), environment)

    return start


@pytest.fixture
def site(apivideo: Callable[..., Site]) -> Site:
    """A production with the usual options."""
    return apivideo()


@pytest.fixture(scope="session")
def facts() -> dict[str, Any]:
    """The recovered facts."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
