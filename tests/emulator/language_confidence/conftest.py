# SPDX-License-Identifier: Apache-2.0
"""Emulated services for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.language_confidence.harness import NAME, AssessmentService

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.harness import Emulated


@pytest.fixture
def played(emulate: Callable[..., Emulated]) -> Callable[..., AssessmentService]:
    """Start an emulator with settings, and give one of its environments."""

    def start(environment: str = "production", clock: str | None = None, **settings: Any) -> AssessmentService:
        given = {f"{NAME}.{name}": str(value) for name, value in settings.items()}
        return AssessmentService(emulate(provider=(NAME,), settings=given, clock=clock), environment)

    return start


@pytest.fixture
def service(played: Callable[..., AssessmentService]) -> AssessmentService:
    """A production with the usual options."""
    return played()
