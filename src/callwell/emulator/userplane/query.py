# SPDX-License-Identifier: Apache-2.0
"""Query parameters as the provider's framework reads them: indexed brackets for lists, `true` and `false` for flags.

A value that does not fit is refused with 400 `BAD_REQUEST`; parameters that no operation knows are ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from callwell.emulator.userplane.replies import UserplaneError

if TYPE_CHECKING:
    from collections.abc import Iterable

BRACKETS: Final = re.compile(r"(\w+)\[(\d*)\]", re.ASCII)
# Nine digits: `int` never meets a number that is too long for it.
WHOLE_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)


class UserplaneQuery:
    """The parameters of one request.

    Args:
        text: the raw query, without `?`.
    """

    __slots__ = ("_pairs",)

    def __init__(self, text: str) -> None:
        self._pairs = parse_qsl(text, keep_blank_values=True)

    def text(self, name: str) -> str | None:
        """Return the value of a parameter, None if it is absent; refuse one that is given twice or as a list."""
        if any(key.startswith(f"{name}[") for key, _ in self._pairs):
            raise UserplaneError("BAD_REQUEST")
        values = [value for key, value in self._pairs if key == name]
        if len(values) > 1:
            raise UserplaneError("BAD_REQUEST")
        return values[0] if values else None

    def number(self, name: str, default: int, *, maximum: int | None = None) -> int:
        """Return a whole number from 1 to `maximum`."""
        text = self.text(name)
        if text is None:
            return default
        if not WHOLE_NUMBER.fullmatch(text) or int(text) < 1 or (maximum is not None and int(text) > maximum):
            raise UserplaneError("BAD_REQUEST")
        return int(text)

    def flag(self, name: str) -> bool:
        """Return whether `name` is `true`; it may only be `true` or `false`."""
        return self.choice(name, ("false", "true")) == "true"

    def choice(self, name: str, choices: Iterable[str]) -> str:
        """Return one of `choices`, the first by default."""
        choices = tuple(choices)
        text = self.text(name)
        if text is not None and text not in choices:
            raise UserplaneError("BAD_REQUEST")
        return text or choices[0]

    def values(self, name: str) -> frozenset[str]:
        """Return the values of `name[0]`, `name[1]` … or of `name[]`; a plain `name` is refused: it is not a list."""
        values = set()
        for key, value in self._pairs:
            match = BRACKETS.fullmatch(key)
            if key == name or (match and match[1] == name and not value):
                raise UserplaneError("BAD_REQUEST")
            if match and match[1] == name:
                values.add(value)
        return frozenset(values)
