# SPDX-License-Identifier: Apache-2.0
"""Writes a generated package into a folder that may hold files of the user.

A file was generated if its first lines contain `package_code.MARK`. No other file is replaced or removed: all are
checked, and the new ones are written under temporary names, before the first one is replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.codegen.package_code import GROUP_FOLDERS, MARK
from callwell.errors import DirectoryNotOurs
from callwell.staged_files import StagedFiles

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callwell.folders import Folder

HEAD_BYTES: Final = 1000
"""The mark must be within the first bytes of a file: this many."""


def write_package(target: Path, files: Mapping[str, str]) -> None:
    """Write the files of a package, and remove the modules of groups that no longer exist.

    A file that is up to date is not touched.

    Args:
        target: the folder of the package; it is created if it does not exist.
        files: the content of each file, by its path in the package.

    Raises:
        DirectoryNotOurs: a file that was not generated has one of the names.
        FileProblem: one of the names is a link, or another process writes to the package.
        OSError: a file cannot be read or written.
    """
    with StagedFiles(target) as staged:
        for path, text in files.items():
            if _read_ours(staged.root, path) != text.encode():
                staged.write(path, text.encode())
        staged.commit()
        for group_folder in GROUP_FOLDERS:
            with staged.root.subfolder(group_folder) as folder:
                for name in folder.list_names():
                    is_stale = name.endswith(".py") and f"{group_folder}/{name}" not in files
                    if is_stale and MARK.encode() in folder.read(name)[:HEAD_BYTES]:
                        folder.remove(name)


def _read_ours(root: Folder, path: str) -> bytes:
    """Read a file that an earlier run generated; empty if it does not exist or has no content.

    Raises:
        DirectoryNotOurs: the file was not generated.
    """
    *folders, name = path.split("/")
    try:
        with root.subfolder(*folders) as folder:
            content = folder.read(name)
    except FileNotFoundError:
        return b""
    if content.strip() and MARK.encode() not in content[:HEAD_BYTES]:
        raise DirectoryNotOurs(f"{root.path / path} was not written by `callwell generate`; move it away or rename it")
    return content
