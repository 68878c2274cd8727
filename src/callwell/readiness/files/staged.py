# SPDX-License-Identifier: Apache-2.0
"""The files with staged changes, as they are staged: what the next commit will have."""

from __future__ import annotations

import subprocess
import tempfile
from typing import IO, TYPE_CHECKING, Final

from callwell.readiness.files.listing import REPAIR, is_in_work_tree
from callwell.readiness.findings import CannotCheck
from callwell.readiness.git import GitError, list_by_git, start_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FILE_MODES: Final = ("100644", "100755")
"""Modes of regular files in an index; the others are links and submodules."""

CHUNK: Final = 1 << 20
"""Bytes that are copied at once."""


def copy_staged(root: Path, target: Path) -> list[str]:
    """Copy the files with staged changes, without filters, which could start programs.

    Args:
        root: the project's folder.
        target: the folder to copy them into, under their names.

    Returns:
        their names, relative to the project's folder.

    Raises:
        CannotCheck: there is no repository with an index, or git cannot read it.
    """
    try:
        if not is_in_work_tree(root):
            raise CannotCheck("the folder is not in a git repository, so there are no staged changes")
        blobs = _list_staged(root)
        for name, chunks in zip(blobs, _read_blobs(root, blobs.values()), strict=True):
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.writelines(chunks)
    except GitError as error:
        raise CannotCheck(f"the staged files cannot be read: {error}", REPAIR) from error
    return sorted(blobs)


def _list_staged(root: Path) -> dict[str, str]:
    """The staged files by name, each with the object that has its content."""
    diff = ("diff", "--cached", "--name-only", "--diff-filter=d", "--no-renames", "--relative", "--no-ext-diff")
    changed = set(list_by_git(root, *diff, index=True).names)
    blobs = {}
    for entry in list_by_git(root, "ls-files", "--stage", index=True).names:
        fields, _, name = entry.partition("\t")
        mode, blob, _ = fields.split()
        if name in changed and mode in FILE_MODES:
            blobs[name] = blob
    return blobs


def _read_blobs(root: Path, blobs: Iterable[str]) -> Iterator[Iterator[bytes]]:
    """The content of objects, each to be read before the next one."""
    with tempfile.TemporaryFile() as wanted:
        wanted.writelines(f"{blob}\n".encode() for blob in blobs)
        wanted.seek(0)
        words = ("cat-file", "--batch", "--buffer")
        with start_git(root, words, stdin=wanted, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None  # noqa: S101 - it was asked for
            while header := process.stdout.readline().split():
                if not header[-1].isdigit():
                    raise GitError(f"the object {header[0].decode()} is missing")
                yield _read_blob(process.stdout, int(header[-1]))
                process.stdout.read(1)


def _read_blob(out: IO[bytes], size: int) -> Iterator[bytes]:
    while size:
        chunk = out.read(min(size, CHUNK))
        if not chunk:
            raise GitError("git ended before it had written a file")
        size -= len(chunk)
        yield chunk
