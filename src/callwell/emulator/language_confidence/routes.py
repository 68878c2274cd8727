# SPDX-License-Identifier: Apache-2.0
"""The route table: every operation once, with what it takes and how long a recording may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.emulator.language_confidence.request_schema import FREE, SCRIPT, WRITTEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.emulator.language_confidence.request_schema import Field


class Route(NamedTuple):
    """One operation.

    Attributes:
        operation: its name.
        path: up to the accent, if it has one.
        accented: the path ends with an accent.
        fields: what the body may hold.
        longest_s: of a recording; 0 where there is none.
    """

    operation: str
    path: str
    accented: bool
    fields: Mapping[str, Field]
    longest_s: float = 0.0


ROUTES: Final = (
    Route("assess.pronunciation", "/pronunciation", accented=True, fields=SCRIPT, longest_s=30),
    Route("assess.scripted", "/speech-assessment/scripted", accented=True, fields=SCRIPT, longest_s=60),
    Route("assess.unscripted", "/speech-assessment/unscripted", accented=True, fields=FREE, longest_s=120),
    Route("assess.writing", "/writing-assessment-alpha", accented=False, fields=WRITTEN),
)
BY_NAME: Final = {route.operation: route for route in ROUTES}
_BY_PATH: Final = {(route.path, route.accented): route for route in ROUTES}


def match(path: str) -> tuple[Route, dict[str, str]] | None:
    """The operation at a path and what the path says, None if nothing is there."""
    if (path, False) in _BY_PATH:
        return _BY_PATH[path, False], {}
    head, _, accent = path.rpartition("/")
    route = _BY_PATH.get((head, True))
    return None if route is None or not accent else (route, {"accent": accent})
