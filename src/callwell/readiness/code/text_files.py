# SPDX-License-Identifier: Apache-2.0
"""Reads the text files of a project for a check, without third-party code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.check import Unchecked
from callwell.readiness.code.python_code import LIBRARY_FOLDERS
from callwell.readiness.texts import read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from callwell.readiness.files import ProjectFile

MAX_BYTES: Final = 32 << 20
"""The largest file that is read. Bundles of large applications have some MiB, their source maps ten and more."""


class TextFile(NamedTuple):
    """One file.

    Attributes:
        name: relative to the project's root.
        text: what is in it; bytes that are not UTF-8 stand as U+FFFD.
    """

    name: str
    text: str


def read_texts(files: Iterable[ProjectFile], wanted: Callable[[str], bool]) -> Iterator[TextFile | Unchecked]:
    """Read files.

    Args:
        files: the files of a project.
        wanted: decides by its name whether a file is read.

    Yields:
        The files; `Unchecked` for those that cannot be read.
    """
    for file in files:
        if wanted(file.name) and LIBRARY_FOLDERS.isdisjoint(file.name.split("/")):
            text = read_text(file, MAX_BYTES)
            yield text if isinstance(text, Unchecked) else TextFile(name=file.name, text=text)
