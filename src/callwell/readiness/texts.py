# SPDX-License-Identifier: Apache-2.0
"""Reads text files of a project, and reports those that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Place, Unchecked

if TYPE_CHECKING:
    from callwell.readiness.files import ProjectFile

MAX_BYTES: Final = 8 << 20
"""The largest source or configuration file that is read, in bytes; larger ones are data."""


def read_text(file: ProjectFile, max_bytes: int = MAX_BYTES) -> str | Unchecked:
    """The text of a file. Bytes that are not UTF-8 are replaced: names and numbers are ASCII.

    Args:
        file: the file.
        max_bytes: the largest file that is read.
    """
    try:
        with file.path.open("rb") as opened:
            data = opened.read(max_bytes + 1)
    except OSError as error:
        what = f"the file cannot be read: {error.strerror}"
        return Unchecked(what=what, place=Place(file.name), fix="Make it readable for the user that runs the check.")
    if len(data) > max_bytes:
        what = f"the file is larger than the {max_bytes >> 20} MiB that are read of a configuration or a source"
        return Unchecked(what=what, place=Place(file.name), fix="Leave it out of the project, or split it.")
    return data.decode("utf-8-sig", errors="replace")
