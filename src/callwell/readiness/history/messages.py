# SPDX-License-Identifier: Apache-2.0
"""The texts of a history outside its files: messages of commits and tags, and names of branches and tags."""

from __future__ import annotations

import bisect
import subprocess
from typing import IO, TYPE_CHECKING, Final

from callwell.readiness.findings import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.history.repository import Repository

REFERENCES: Final = "%(refname)%0a%(if:equals=tag)%(objecttype)%(then)%(contents)%(end)%00"
"""Lists each branch and tag with its name, and with its message if it has its own."""

COMMIT_MESSAGE: Final = "commit message"
REFERENCE: Final = "name or message of a branch or tag"


class MessagesFile:
    """A file with the texts of a history, one after the other, and the line at which each begins.

    Args:
        file: the file that the texts are written to.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._starts: list[int] = []
        self._commits: list[str] = []
        self._lines = 0

    def add(self, text: bytes, commit: str = "") -> None:
        """Add a text.

        Args:
            text: a commit message, or the name of a branch or tag and its message.
            commit: the commit with this message.
        """
        self._starts.append(self._lines)
        self._commits.append(commit)
        self._file.write(text + b"\n")
        self._lines += text.count(b"\n") + 1

    def place(self, line: int) -> Place:
        """Where a line of the file comes from. Branches and tags are not named, because the key may be in the name.

        Args:
            line: from 1.
        """
        number = bisect.bisect_right(self._starts, line - 1) - 1
        commit = self._commits[number]
        if not commit:
            return Place(REFERENCE)
        return Place(COMMIT_MESSAGE, line - self._starts[number], commit)


def write_messages(repository: Repository, since: str | None, file: IO[bytes]) -> MessagesFile:
    """Write all texts of a history to a file.

    Args:
        repository: the repository.
        since: only the messages of commits after this revision.
        file: the file to write to.
    """
    messages = MessagesFile(file)
    words = ["log", "--all", "-z", "--format=%H%n%B", *(["--not", since] if since else [])]
    for record in _records(repository, words):
        commit, _, text = record.partition(b"\n")
        messages.add(text, commit.decode())
    for record in _records(repository, ["for-each-ref", f"--format={REFERENCES}"]):
        messages.add(record.strip())
    file.flush()
    return messages


def _records(repository: Repository, words: list[str]) -> Iterator[bytes]:
    """The records of a command's output, separated by NULs."""
    with repository.start(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        rest = b""
        while chunk := process.stdout.read(1 << 16):
            *records, rest = (rest + chunk).split(b"\0")
            yield from records
        if rest.strip():
            yield rest
