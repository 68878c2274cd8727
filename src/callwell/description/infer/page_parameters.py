# SPDX-License-Identifier: Apache-2.0
"""Reads the query parameters of a list: its position, the size of a page, and the number of the first page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from callwell.description import schemas
from callwell.description.infer.evidence import Question

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from callwell.description.model import Parameter

NUMBERS: Final = ("integer", "number", "string")
"""JSON types of numbers and counts in a response. Query parameters often describe them as strings."""

_MAXIMUM: Final = re.compile(
    r"\b(?:max(?:imum)?\.?(?: (?:is|of|value))?:? *`?|1 (?:and|to) |1-)([1-9][0-9]{0,4})\b", re.IGNORECASE
)
"""How descriptions name the largest page: `(max 100)`, `between 1 and 100`."""

_COUNTS_FROM: Final = re.compile(
    r"\b(zero|one|0|1)[- ](?:based|indexed)|\b(?:starts?|starting|beginning|begins) (?:at|from|with) `?([01])\b",
    re.IGNORECASE,
)
"""How descriptions say which page is the first: `Zero-based page index`, `starting from 1`."""

FIRST_PAGE: Final = Question(
    "is the first page number 0 or 1? 1 is assumed; if it is 0, a walk misses the first page, and nothing shows it",
    ("first = 0",),
)
"""Asked if there is no total that would show a missed page."""


def find_position(query: Mapping[str, Parameter], names: Collection[str]) -> Parameter | None:
    """The parameter with the first of some names for positions."""
    return find_parameter(query, names, NUMBERS)


def find_parameter(query: Mapping[str, Parameter], names: Collection[str], kinds: Collection[str]) -> Parameter | None:
    """The parameter with the first matching name. A time is a filter, not a position."""
    for name in names:
        parameter = query.get(name)
        if parameter is None:
            continue
        found = schemas.value_types(parameter.schema)
        is_time = str(parameter.schema.get("format", "")).startswith("date")
        if not is_time and (not found or found & set(kinds)):
            return parameter
    return None


def largest_page(size: Parameter) -> int:
    """The largest page that the provider accepts; 0 if the document does not say."""
    maximum = size.schema.get("maximum")
    if isinstance(maximum, int) and not isinstance(maximum, bool) and maximum > 0:
        return maximum
    described = _MAXIMUM.search(size.summary)
    return int(described[1]) if maximum is None and described else 0


def documented_first(position: Parameter) -> int | None:
    """The first page or offset, by the default, minimum or description; None if none of them says it."""
    for key in ("default", "minimum"):
        value = position.schema.get(key)
        if value in (0, 1) and not isinstance(value, bool):
            return int(value)
    described = _COUNTS_FROM.search(position.summary)
    if described is None:
        return None
    return 0 if (described[1] or described[2]).lower() in ("zero", "0") else 1
