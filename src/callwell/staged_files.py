# SPDX-License-Identifier: Apache-2.0
"""Files that are renamed together: a full disk or an error leaves all the old ones, and no new ones.

All are first written under temporary names, where a full disk shows. Then each is renamed, which needs no space.
Temporary files of a killed process are removed by the next one. The folder is locked meanwhile, so that no process
removes another's files.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from callwell.errors import FileProblem
from callwell.folders import DEFAULT_MODE, Folder
from callwell.temporary_names import PART_SUFFIX, temporary_stem

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

_TEMPORARY: Final = re.compile(rf"\.(?P<name>.+)\.[0-9a-f]{{16}}{re.escape(PART_SUFFIX)}")
"""The names that `Folder.create` gives."""


class StagedFiles:
    """Written files without their final names. Use it as a context manager: uncommitted files are removed.

    Args:
        path: the folder above them, which is created if it does not exist.

    Raises:
        FileProblem: another process writes there.
        OSError: the folder cannot be opened.

    Attributes:
        root: the folder, open.
    """

    def __init__(self, path: Path) -> None:
        self.root = Folder.at(path, make=True, for_listing=True)
        self._folders: dict[tuple[str, ...], Folder] = {(): self.root}
        self._leftovers: dict[tuple[str, ...], list[str]] = {}
        self._staged: list[tuple[Folder, str, str]] = []
        if not self.root.lock():
            self.root.close()
            raise FileProblem(f"{path}: another process writes to it; wait until it has ended")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for folder, hidden, _ in self._staged:
            with suppress(OSError):
                folder.remove(hidden)
        for folder in self._folders.values():
            folder.close()

    def write(self, path: str, content: bytes, *, mode: int = DEFAULT_MODE) -> None:
        """Write a file that gets its final name later.

        Args:
            path: its path components, with its name last.
            content: its whole content.
            mode: its permissions, which the umask restricts.

        Raises:
            FileProblem: the name of a folder is a link.
            OSError: the file cannot be written.
        """
        *above, name = path.split("/")
        folder = self._open(tuple(above))
        for leftover in self._leftovers[tuple(above)]:
            found = _TEMPORARY.fullmatch(leftover)
            if found and found["name"] == temporary_stem(name):
                folder.remove(leftover)
        self._staged.append((folder, folder.stage(name, [content], mode=mode), name))

    def commit(self) -> None:
        """Give all files their final names, in the order they were written.

        Raises:
            OSError: a name is a folder.
        """
        while self._staged:
            folder, hidden, name = self._staged[0]
            folder.rename(hidden, name)
            del self._staged[0]

    def _open(self, names: tuple[str, ...]) -> Folder:
        if names not in self._folders:
            self._folders[names] = self.root.subfolder(*names, make=True)
        if names not in self._leftovers:
            self._leftovers[names] = [name for name in self._folders[names].list_names() if name.endswith(PART_SUFFIX)]
        return self._folders[names]
