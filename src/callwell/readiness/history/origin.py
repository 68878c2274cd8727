# SPDX-License-Identifier: Apache-2.0
"""Finds the commit that brought an object, and the path it had there."""

from __future__ import annotations

import subprocess
import tempfile
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.history.repository import Repository


class Origin(NamedTuple):
    """Where a file's content came from.

    Attributes:
        commit: the ID of the first commit that has it.
        path: its path there.
    """

    commit: str
    path: str


def find_origins(repository: Repository, blobs: set[str]) -> dict[str, Origin]:
    """The first commit of each file's content; contents that no commit has are left out.

    All branches, tags, stashes and logs of references are followed, from the oldest commit on, until every content is
    found. Nothing runs if there is nothing to find.

    Args:
        repository: the repository.
        blobs: the IDs of the contents.
    """
    found: dict[str, Origin] = {}
    if not blobs:
        return found
    with tempfile.TemporaryFile() as commits:
        walk = ["rev-list", "--all", "--reflog", "--reverse", "--topo-order"]
        with repository.start(walk, stdout=commits, stderr=subprocess.DEVNULL):
            pass
        commits.seek(0)
        compare = ["diff-tree", "--stdin", "-r", "-m", "--root", "--no-renames", "-z"]
        pipes = {"stdin": commits, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with repository.start(compare, **pipes) as process:
            assert process.stdout is not None  # noqa: S101 - it was asked for
            for blob, origin in _changes(process.stdout):
                if blob in blobs:
                    found.setdefault(blob, origin)
                if len(found) == len(blobs):
                    process.kill()
                    break
    return found


def _changes(out: IO[bytes]) -> Iterator[tuple[str, Origin]]:
    """What commits have changed: the new content of each path, oldest first.

    Git writes the ID of a commit, then for each path `:modes old new status` and the path, each with a NUL behind it.
    """
    commit = ""
    new = ""
    for word in _words(out):
        if new:
            yield new, Origin(commit, word.decode("utf-8", "replace"))
            new = ""
        elif word.startswith(b":"):
            new = word.split()[3].decode()
        else:
            commit = word.strip().decode()


def _words(out: IO[bytes]) -> Iterator[bytes]:
    """What stands between NULs."""
    rest = b""
    while chunk := out.read(1 << 16):
        *words, rest = (rest + chunk).split(b"\0")
        yield from words
