# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a description, and where in its file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from callwell.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Path = tuple[str, ...]
"""The keys that lead to a place in a document; an index into a list is a key too."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST: Final = 60


class Complaint(Exception):
    """One thing that a description does not say as it must.

    Args:
        path: the keys that lead to it.
        expected: what was expected there, and what was found.
    """

    def __init__(self, path: Path, expected: str) -> None:
        super().__init__(path, expected)
        self.path = path
        self.expected = expected

    def error(self, file: str, text: str, locate: Callable[[str, Path], int | None]) -> ProfileError:
        """The error to raise for it.

        Args:
            file: the document's file.
            text: the document; empty for one that is no file and has no lines.
            locate: tells the line of a path in the text.
        """
        return ProfileError(
            file, dotted(self.path), self.expected, line=locate(text, self.path) or (1 if text else None)
        )


def dotted(path: Iterable[str]) -> str:
    """A path as it is written in TOML: `operations."recordings.list".paging`."""
    return ".".join(key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in path)


def found(value: object) -> str:
    """A value as a complaint shows it, cut where it is long."""
    text = repr(value)
    return f"found {text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}"
