# SPDX-License-Identifier: Apache-2.0
"""The route table: every operation once, with the fields that it takes and how long a recording may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.emulator.language_confidence.request_schema import SCRIPTED, UNSCRIPTED, WRITTEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.emulator.language_confidence.request_schema import SchemaField


class LanguageConfidenceRoute(NamedTuple):
    """One operation.

    Attributes:
        operation: the operation's name.
        path: the path, up to the accent if it has one.
        has_accent: the path ends with an accent.
        fields: the fields of the body.
        max_audio_s: the longest recording; 0 where there is none.
    """

    operation: str
    path: str
    has_accent: bool
    fields: Mapping[str, SchemaField]
    max_audio_s: float = 0.0


# The lengths are those of the page "Audio requirements".
ROUTES: Final = (
    LanguageConfidenceRoute("assess.pronunciation", "/pronunciation", has_accent=True, fields=SCRIPTED, max_audio_s=30),
    LanguageConfidenceRoute(
        "assess.scripted", "/speech-assessment/scripted", has_accent=True, fields=SCRIPTED, max_audio_s=60
    ),
    LanguageConfidenceRoute(
        "assess.unscripted", "/speech-assessment/unscripted", has_accent=True, fields=UNSCRIPTED, max_audio_s=120
    ),
    LanguageConfidenceRoute("assess.writing", "/writing-assessment-alpha", has_accent=False, fields=WRITTEN),
)
BY_NAME: Final = {route.operation: route for route in ROUTES}
_BY_PATH: Final = {(route.path, route.has_accent): route for route in ROUTES}


def match_route(path: str) -> tuple[LanguageConfidenceRoute, dict[str, str]] | None:
    """Return the route of a path and its parameters by name, None for an unknown path."""
    if (path, False) in _BY_PATH:
        return _BY_PATH[path, False], {}
    head, _, accent = path.rpartition("/")
    route = _BY_PATH.get((head, True))
    if route is None or not accent:
        return None
    return route, {"accent": accent}
