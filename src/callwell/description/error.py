# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a description, and where in its file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from callwell.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KeyPath = tuple[str, ...]
"""The keys that lead to a place in a document; an index into a list is a key too."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
MAX_SHOWN: Final = 60
"""Characters of a value in a message: a message stays on one or two lines of a terminal."""

_NOT_GIVEN: Final = object()


class DescriptionError(Exception):
    """One thing that is wrong with a description.

    Inside this package it is raised, or yielded by a check; users get the `ProfileError` made of it, which also has the
    file and the line.

    Args:
        path: the keys that lead to the place.
        expected: what was expected there, and what was found unless `found` is given.
        found: the value that was found.
    """

    def __init__(self, path: KeyPath, expected: str, *, found: object = _NOT_GIVEN) -> None:
        if found is not _NOT_GIVEN:
            expected = f"{expected}, {found_value(found)}"
        super().__init__(path, expected)
        self.path = path
        self.expected = expected

    def to_profile_error(self, file: str, text: str, locate: Callable[[str, KeyPath], int | None]) -> ProfileError:
        """The public error for it.

        Args:
            file: the file of the document.
            text: the document; empty for one that is no file and so has no lines.
            locate: finds the line of a path in the text.
        """
        line = locate(text, self.path)
        if line is None and text:
            line = 1
        return ProfileError(file, format_path(self.path), self.expected, line=line)


def format_path(path: Iterable[str]) -> str:
    """A path as TOML writes it: `operations."recordings.list".paging`."""
    return ".".join(key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in path)


def found_value(value: object) -> str:
    """The end of a message, "found …", with the value shortened where it is long."""
    text = repr(value)
    if len(text) > MAX_SHOWN:
        text = text[: MAX_SHOWN - 1] + "…"
    return f"found {text}"
