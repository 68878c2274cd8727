# SPDX-License-Identifier: Apache-2.0
"""Query parameters as the API reads them: lists and maps use brackets, with or without an index."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from callwell.emulator.apivideo.replies import PageOutOfRange, api_error

if TYPE_CHECKING:
    from collections.abc import Collection

# Nine digits: `int` never meets a number that is too long for it.
WHOLE_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)
# `name[key]`, and after it `[]` or `[0]`.
BRACKETS: Final = re.compile(r"([^\[]+)\[([^\]]*)\](\[\d*\])?")
# Of all lists, as the description says.
DEFAULT_PAGE_SIZE: Final = 25
MAX_PAGE_SIZE: Final = 100


class ApiVideoQuery:
    """The parameters of one request.

    Args:
        text: the raw query, without `?`.
    """

    __slots__ = ("pairs",)

    def __init__(self, text: str) -> None:
        self.pairs = parse_qsl(text, keep_blank_values=True)

    def text(self, name: str) -> str | None:
        """Return the last value of a parameter, None if it is absent."""
        return next((value for key, value in reversed(self.pairs) if key == name), None)

    def values(self, name: str) -> list[str]:
        """Return the values of a list, given as `name[]`, `name[0]` … or `name`."""
        plain = [value for key, value in self.pairs if key == name]
        return plain + [value for key, _, value in self._bracketed(name) if not key or key.isdecimal()]

    def mapping(self, name: str) -> dict[str, list[str]]:
        """Return the values of a map, given as `name[key]` or `name[key][]`."""
        values: dict[str, list[str]] = {}
        for key, _, value in self._bracketed(name):
            values.setdefault(key, []).append(value)
        return values

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """Return one of `choices`."""
        text = self.text(name)
        if text is not None and text not in choices:
            words = ", ".join(f'"{choice}"' for choice in choices)
            raise api_error("request-invalid-query-parameter", name, detail=f"Use one of {words}.")
        return default if text is None else text

    def page_request(self) -> tuple[int, int]:
        """Return number and size of the page that is requested.

        Raises:
            PageOutOfRange: there can be no such page.
        """
        number = self._number("currentPage", 1)
        size = self._number("pageSize", DEFAULT_PAGE_SIZE)
        ranges = {}
        if number is None or number < 1:
            # The error calls the number `page`, not `currentPage`.
            ranges["page"] = {"min": 1}
        if size is None or not 1 <= size <= MAX_PAGE_SIZE:
            ranges["pageSize"] = {"min": 1, "max": MAX_PAGE_SIZE}
        if number is None or size is None or ranges:
            raise PageOutOfRange(ranges)
        return number, size

    def _number(self, name: str, default: int) -> int | None:
        text = self.text(name)
        if text is None:
            return default
        return int(text) if WHOLE_NUMBER.fullmatch(text) else None

    def _bracketed(self, name: str) -> list[tuple[str, str, str]]:
        found = ((BRACKETS.fullmatch(key), value) for key, value in self.pairs)
        return [(match[2], match[3] or "", value) for match, value in found if match and match[1] == name]
