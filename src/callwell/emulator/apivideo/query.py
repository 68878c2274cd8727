# SPDX-License-Identifier: Apache-2.0
"""Query parameters as the API reads them: lists and maps in brackets, with or without an index."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from callwell.emulator.apivideo.replies import PageOutOfRange, api_error

if TYPE_CHECKING:
    from collections.abc import Collection

WHOLE: Final = re.compile(r"\d{1,9}", re.ASCII)
BRACKETS: Final = re.compile(r"([^\[]+)\[([^\]]*)\](\[\d*\])?")


class ApiVideoQuery:
    """The parameters of one request.

    Args:
        text: the raw query, without `?`.
    """

    __slots__ = ("pairs",)

    def __init__(self, text: str) -> None:
        self.pairs = parse_qsl(text, keep_blank_values=True)

    def text(self, name: str) -> str | None:
        """The last value of a parameter, None without one."""
        return next((value for key, value in reversed(self.pairs) if key == name), None)

    def values(self, name: str) -> list[str]:
        """The values of a list, given as `name[]`, `name[0]` … or `name`."""
        plain = [value for key, value in self.pairs if key == name]
        return plain + [value for key, _, value in self._bracketed(name) if not key or key.isdecimal()]

    def mapping(self, name: str) -> dict[str, list[str]]:
        """The values of a map, given as `name[key]` or `name[key][]`."""
        values: dict[str, list[str]] = {}
        for key, _, value in self._bracketed(name):
            values.setdefault(key, []).append(value)
        return values

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """One of `choices`."""
        text = self.text(name)
        if text is not None and text not in choices:
            words = ", ".join(f'"{choice}"' for choice in choices)
            raise api_error("request-invalid-query-parameter", name, detail=f"Use one of {words}.")
        return default if text is None else text

    def page_request(self) -> tuple[int, int]:
        """Number and size of the page that is asked for."""
        wanted = {"currentPage": self._number("currentPage", 1), "pageSize": self._number("pageSize", 25)}
        most = {"currentPage": 10**9, "pageSize": 100}
        wrong = {name for name, value in wanted.items() if value is None or not 1 <= value <= most[name]}
        if wrong:
            bounds = {"currentPage": {"min": 1}, "pageSize": {"min": 1, "max": 100}}
            told = {"currentPage": "page", "pageSize": "pageSize"}
            raise PageOutOfRange({told[name]: bounds[name] for name in bounds if name in wrong})
        return wanted["currentPage"] or 1, wanted["pageSize"] or 25

    def _number(self, name: str, default: int) -> int | None:
        text = self.text(name)
        if text is None:
            return default
        return int(text) if WHOLE.fullmatch(text) else None

    def _bracketed(self, name: str) -> list[tuple[str, str, str]]:
        found = ((BRACKETS.fullmatch(key), value) for key, value in self.pairs)
        return [(match[2], match[3] or "", value) for match, value in found if match and match[1] == name]
