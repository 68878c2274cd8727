# SPDX-License-Identifier: Apache-2.0
"""Finds the commit that added an object, and its path there."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
import threading
from contextlib import closing
from typing import IO, TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    StartGit = Callable[..., subprocess.Popen[bytes]]
    """The same as `Repository.start`."""

MAX_REMEMBERED: Final = 200_000
"""How many contents are remembered with their commits: about 60 MB, enough for a history of 50,000 commits."""


class Origin(NamedTuple):
    """Where a file's content came from.

    Attributes:
        commit: the ID of the first commit that has it.
        path: its path there.
        number: the position of the change in the history, the oldest first.
    """

    commit: str
    path: str
    number: int


class OriginFinder:
    """Finds the first commit of each file's content.

    It walks all branches, tags, stashes and reflogs, from the oldest commit on, and remembers what it passes, because
    two checks ask: one for the keys in use, one for shapes. It does not run unless asked.

    Args:
        start_git: starts a command of git in the repository.
        limit: how many contents to remember.
    """

    def __init__(self, start_git: StartGit, limit: int = MAX_REMEMBERED) -> None:
        self._start_git = start_git
        self._limit = limit
        self._known: dict[str, Origin] = {}
        self._complete = False
        self._lock = threading.Lock()

    def find(self, blobs: set[str]) -> dict[str, Origin]:
        """Find the origins of contents; those that no commit has are left out.

        Args:
            blobs: the IDs of the contents.
        """
        with self._lock:
            found = {blob: self._known[blob] for blob in blobs if blob in self._known}
            if len(found) < len(blobs) and not self._complete:
                self._walk(blobs, found)
            return found

    def _walk(self, blobs: set[str], found: dict[str, Origin]) -> None:
        """Walk the history until all are found, or to the end of what can be remembered."""
        known = self._known
        with closing(_list_changes(self._start_git)) as changes:
            for blob, origin in changes:
                if blob in blobs:
                    found.setdefault(blob, origin)
                if len(known) < self._limit:
                    known.setdefault(blob, origin)
                elif len(found) == len(blobs):
                    return
        self._complete = len(known) < self._limit


def _list_changes(start_git: StartGit) -> Generator[tuple[str, Origin]]:
    """List the changes of all commits: the new content of each path, oldest first."""
    with tempfile.TemporaryFile() as commits:
        walk = ["rev-list", "--all", "--reflog", "--reverse", "--topo-order"]
        with start_git(walk, stdout=commits, stderr=subprocess.DEVNULL):
            pass
        commits.seek(0)
        compare = ["diff-tree", "--stdin", "-r", "-m", "--root", "--no-renames", "-z"]
        pipes = {"stdin": commits, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with start_git(compare, **pipes) as process:
            assert process.stdout is not None  # noqa: S101 - it was asked for
            try:
                yield from _changes(process.stdout)
            finally:
                process.kill()


def _changes(out: IO[bytes]) -> Iterator[tuple[str, Origin]]:
    """Parse the changes of commits: the new content of each path, oldest first.

    Git writes the ID of a commit, then for each path `:modes old new status` and the path, each followed by a NUL.
    """
    commit = ""
    new = ""
    numbers = itertools.count()
    for word in _words(out):
        if new:
            yield new, Origin(commit=commit, path=word.decode("utf-8", "replace"), number=next(numbers))
            new = ""
        elif word.startswith(b":"):
            new = word.split()[3].decode()
        else:
            commit = word.strip().decode()


def _words(out: IO[bytes]) -> Iterator[bytes]:
    """The words of an output, separated by NULs."""
    rest = b""
    while chunk := out.read(1 << 16):
        *words, rest = (rest + chunk).split(b"\0")
        yield from words
