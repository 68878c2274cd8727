# SPDX-License-Identifier: Apache-2.0
"""Errors in a description: what is wrong, where, and what was probably meant.

All messages have the form "expected …, found …". A check yields `DescriptionError`s, a reader raises one; this package
turns both into the public `ProfileError`, which names file, line and key.
"""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Final

from callwell.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from callwell.description.model import Api

KeyPath = tuple[str, ...]
"""The path of a place in a document; list indexes are keys too."""

BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
"""A key that TOML allows without quotes."""

MAX_SHOWN: Final = 60
"""The most characters of a value in a message, so that a message fits on one or two lines of a terminal."""

_NOT_GIVEN: Final = object()


class DescriptionError(Exception):
    """One error in a description.

    This package raises it, and its checks yield it; users get a `ProfileError` made from it, which adds file and line.

    Args:
        path: the path of the place.
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
        """Convert it to the public error.

        Args:
            file: the file of the document.
            text: the document; empty if it was not read from a file, and so has no lines.
            locate: finds the line of a path in the text.
        """
        line = locate(text, self.path)
        if line is None and text:
            line = 1
        return ProfileError(file, format_path(self.path), self.expected, line=line)


class UnknownOperation(DescriptionError):
    """A profile names an operation that the OpenAPI document does not have, or that was left out.

    Args:
        path: the path of the name.
        name: the name.
        expected: what was expected there, and what was found.
    """

    def __init__(self, path: KeyPath, name: str, expected: str) -> None:
        super().__init__(path, expected)
        self.name = name


def format_path(path: Iterable[str]) -> str:
    """Format a path as in TOML: `operations."recordings.list".paging`."""
    return ".".join(key if BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in path)


def found_value(value: object) -> str:
    """The end of a message, "found …"; a long value is shortened."""
    text = repr(value)
    if len(text) > MAX_SHOWN:
        text = text[: MAX_SHOWN - 1] + "…"
    return f"found {text}"


def unknown_operation(path: KeyPath, name: str, api: Api) -> UnknownOperation:
    """Make the error about an operation that the OpenAPI document does not have, or that was left out."""
    for left_out in api.left_out:
        if left_out.operation == name:
            expected = f"expected an operation that can be called, found {name!r}, left out: {left_out.reason}"
            return UnknownOperation(path, name, expected)
    meant = closest_names(name, api.operations)
    expected = f"expected the name of an operation, perhaps {meant}, {found_value(name)}"
    return UnknownOperation(path, name, expected)


def closest_names(name: str, known: Iterable[str]) -> str:
    """The known names closest to a wrong one, for a message; all of them if none is close."""
    known = sorted(known)
    # Python's own cutoff of 0.6 misses short names with one wrong letter.
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return " or ".join(close or known) or "nothing: there is none"
