# SPDX-License-Identifier: Apache-2.0
"""Which scenario is about which provider: each kind is a file with `supports` and `run_scenario`, and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.demo import assessing, exporting, uploading

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.demo.context import DemoContext
    from callwell.demo.scorecard import DemoResult
    from callwell.description.provider import Provider

PARTS: Final = (uploading, exporting, assessing)
"""The first that supports a provider's description is played."""


def find_scenario(provider: Provider) -> Callable[[DemoContext], DemoResult] | None:
    """The part about a provider, if there is one."""
    return next((one.run_scenario for one in PARTS if one.supports(provider)), None)
