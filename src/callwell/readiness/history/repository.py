# SPDX-License-Identifier: Apache-2.0
"""One repository: the folder of its objects, and its submodules."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callwell.readiness.findings import CannotCheck, NotApplicable
from callwell.readiness.git import GitError, run_git, start_git
from callwell.readiness.history.origin import OriginFinder

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence


class Repository:
    """A repository on this machine.

    Args:
        folder: its top level, or the repository itself if it has no working tree.
        common: the folder with its objects and references, which all its working trees share.

    Attributes:
        origins: finds the commits that added its objects.
    """

    def __init__(self, folder: Path, common: Path) -> None:
        self.folder = folder
        self.common = common
        self.origins = OriginFinder(self.start)

    def ask(self, *words: str) -> str:
        """Run a git command, and return its output.

        Args:
            words: the command.

        Raises:
            GitError: it failed.
        """
        return run_git(self.folder, *words)

    def start(self, words: Sequence[str], **pipes: Any) -> subprocess.Popen[bytes]:
        """Start a command of git.

        Args:
            words: the command.
            pipes: as for `Popen`.
        """
        return start_git(self.folder, words, **pipes)


def find_repository(folder: Path) -> Repository:
    """The repository that a folder is in.

    Args:
        folder: of the project.

    Raises:
        NotApplicable: it is not in a repository.
        CannotCheck: git is missing, or refuses the repository.
    """
    inside = any((parent / ".git").exists() for parent in (folder, *folder.parents))
    if shutil.which("git") is None and inside:
        raise CannotCheck("git is not installed, so the history cannot be read", "Install git.")
    try:
        common = run_git(folder, "rev-parse", "--path-format=absolute", "--git-common-dir")
        bare = run_git(folder, "rev-parse", "--is-bare-repository") == "true"
        top = common if bare else run_git(folder, "rev-parse", "--path-format=absolute", "--show-toplevel")
    except GitError as error:
        if inside:
            raise CannotCheck(f"git refuses the repository: {error}", "Run `git status` there.") from error
        raise NotApplicable("the project is not in a git repository") from error
    return Repository(Path(top), Path(common))


def find_submodules(repository: Repository) -> Iterator[Repository | str]:
    """The repositories of the submodules that are checked out, and the paths of those that are not."""
    if repository.folder == repository.common:
        return  # without a working tree nothing is checked out
    listed = repository.ask("ls-files", "--stage", "-z").split("\0")
    for path in (entry.partition("\t")[2] for entry in listed if entry.startswith("160000 ")):
        folder = repository.folder / path
        if not (folder / ".git").exists():
            yield path
            continue
        common = run_git(folder, "rev-parse", "--path-format=absolute", "--git-common-dir")
        yield Repository(folder, Path(common))
