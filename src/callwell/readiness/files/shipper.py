# SPDX-License-Identifier: Apache-2.0
"""Builds and other things that may ship files which git ignores."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_BYTES = 1 << 20
"""Bytes that are read of a file that configures a build."""


class Shipper(NamedTuple):
    """Something that ships files.

    Attributes:
        origin: the file that says so, such as `Dockerfile`, or the name of an output folder.
        ships: whether it ships a file, by its name relative to the project's root.
    """

    origin: str
    ships: Callable[[str], bool]


class ImageBuild(NamedTuple):
    """One image.

    Attributes:
        origin: the file that says how it is built: the Dockerfile, or the Compose file that has one inside.
        context: the folder of the build context, relative to the project's root; empty for the root.
        inline: the text of the Dockerfile, if it is inside; else empty.
    """

    origin: str
    context: str
    inline: str = ""


def below(folder: str, name: str) -> str | None:
    """A name relative to a folder; None if it is not below it.

    Args:
        folder: the folder's name relative to the project's root; empty for the root itself.
        name: the name relative to the root.
    """
    if not folder:
        return name
    prefix = f"{folder}/"
    return name[len(prefix) :] if name.startswith(prefix) else None


def folder_of(name: str) -> str:
    """The folder of a file; empty for the root."""
    return name.rpartition("/")[0]


def read_lines(path: Path) -> list[str] | None:
    """The lines of a file that configures a build; None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("utf-8-sig", "replace").splitlines()
    except OSError:
        return None
