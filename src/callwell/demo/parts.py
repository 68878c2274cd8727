# SPDX-License-Identifier: Apache-2.0
"""Which part of the demo is about which provider: a kind of part has a file with `fits` and `play`, and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.demo import assessing, exporting, uploading

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.demo.card import Outcome
    from callwell.demo.stage import Scene
    from callwell.description.provider import Provider

PARTS: Final = (uploading, exporting, assessing)
"""The first that fits a provider's description is played."""


def part(provider: Provider) -> Callable[[Scene], Outcome] | None:
    """The part about a provider, if there is one."""
    return next((one.play for one in PARTS if one.fits(provider)), None)
