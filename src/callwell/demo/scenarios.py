# SPDX-License-Identifier: Apache-2.0
"""Which scenario is run with which provider. A scenario is a file with `supports` and `run_scenario`, listed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.demo import assessing, exporting, uploading

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.demo.context import DemoContext
    from callwell.demo.scorecard import DemoResult
    from callwell.description.provider import Provider

SCENARIOS: Final = (uploading, exporting, assessing)
"""A provider runs the first scenario that supports it: one that takes files can be exported, too."""


def find_scenario(provider: Provider) -> Callable[[DemoContext], DemoResult] | None:
    """The scenario of a provider, if there is one."""
    return next((scenario.run_scenario for scenario in SCENARIOS if scenario.supports(provider)), None)
