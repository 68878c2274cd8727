# SPDX-License-Identifier: Apache-2.0
"""Runs git commands that write nothing, use no network, and start no programs from a repository's configuration."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

OPTIONS: Final = (
    "--no-replace-objects",  # the original commits
    "--no-optional-locks",
    *("-c", "protocol.allow=never"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.quotePath=false"),
)

INHERITED_VARIABLES: Final = (
    "HOME",
    "PATH",
    "SYSTEMROOT",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CEILING_DIRECTORIES",
)
"""The environment variables that git inherits. A hook has more, which point to the hook's repository."""

ENVIRONMENT: Final = {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
"""`GIT_NO_LAZY_FETCH`: a partial clone does not fetch missing objects. It needs git 2.44; protocols are off too."""

INDEX: Final = "GIT_INDEX_FILE"
"""In a hook, the index of the commit: it differs from the repository's own in `git commit --only`."""


class GitError(Exception):
    """Git is not installed or has failed. The text says why, in one line without a full stop."""


class FileNames(NamedTuple):
    """A list of files.

    Attributes:
        names: the files.
        warnings: what git could not read, a line each.
    """

    names: list[str]
    warnings: list[str]


def run_git(folder: Path, *words: str, index: bool = False) -> str:
    """Run a git command, and return its output without the final line break.

    Args:
        folder: where it runs.
        words: the command.
        index: use the index that the environment names.

    Raises:
        GitError: git is not installed or has failed.
    """
    return os.fsdecode(_finish(folder, words, index=index)[0]).removesuffix("\n")


def list_by_git(folder: Path, *words: str, index: bool = False) -> FileNames:
    """Run a git command that lists files with `-z`.

    Args:
        folder: where it runs; names are relative to it.
        words: the command.
        index: use the index that the environment names.

    Raises:
        GitError: git is not installed or has failed.
    """
    out, errors = _finish(folder, (*words, "-z"), index=index)
    names = [os.fsdecode(name) for name in out.split(b"\0") if name]
    return FileNames(names=names, warnings=errors.decode("utf-8", "replace").splitlines())


def _finish(folder: Path, words: Sequence[str], *, index: bool) -> tuple[bytes, bytes]:
    """Run a command to its end."""
    with start_git(folder, words, index=index, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, errors = process.communicate()
    if process.returncode:
        raise GitError(last_line(errors) or f"git {words[0]} ended with {process.returncode}")
    return out, errors


def start_git(folder: Path, words: Sequence[str], *, index: bool = False, **pipes: Any) -> subprocess.Popen[bytes]:
    """Start a git command, which the caller must end.

    Args:
        folder: where it runs.
        words: the command.
        index: use the index that the environment names.
        pipes: as for `Popen`.

    Raises:
        GitError: git is not installed.
    """
    environment = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ} | ENVIRONMENT
    if index and INDEX in os.environ:
        environment[INDEX] = str(Path(os.environ[INDEX]).absolute())
    command = ["git", "-C", str(folder), *OPTIONS, *words]
    try:
        return subprocess.Popen(command, env=environment, **{"stdin": subprocess.DEVNULL, **pipes})  # noqa: S603 - no shell
    except FileNotFoundError as error:
        raise GitError("git is not installed") from error


def last_line(text: bytes) -> str:
    """The last line of git's error output, without the prefix `fatal:`.

    Args:
        text: the standard error of git.
    """
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("fatal: ").removeprefix("error: ")[:200] if lines else ""
