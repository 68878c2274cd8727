# SPDX-License-Identifier: Apache-2.0
"""The files of a project: what its authors wrote, and what a build of it would ship."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class ProjectFile(NamedTuple):
    """One file.

    Attributes:
        path: where it is.
        name: relative to the project's root, with `/`.
        shipped_by: for a file that git ignores: what would ship it all the same, such as `Dockerfile`; else empty.
    """

    path: Path
    name: str
    shipped_by: str = ""


class ProjectFiles:
    """The files of a project.

    Args:
        root: the project's folder.
        staged: only the files with staged changes, as they are staged.
    """

    def __init__(self, root: Path, *, staged: bool = False) -> None:
        self.root = root
        self.staged = staged

    def __iter__(self) -> Iterator[ProjectFile]:
        """All files to look at, in the order of their names."""
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if name != ".git")
            for name in sorted(names):
                path = self.root / folder / name
                yield ProjectFile(path=path, name=path.relative_to(self.root).as_posix())

    def with_suffix(self, *suffixes: str) -> Iterator[ProjectFile]:
        """The files with one of these suffixes, such as `.py`."""
        return (file for file in self if file.name.endswith(suffixes))
