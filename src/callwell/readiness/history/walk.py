# SPDX-License-Identifier: Apache-2.0
"""Finds the repositories of a project, and reports which parts of their history are not on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.findings import CannotCheck, Place, Unchecked
from callwell.readiness.git import GitError
from callwell.readiness.history.repository import find_repository, find_submodules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.readiness.history.origin import Origin
    from callwell.readiness.history.repository import Repository

SHALLOW: Final = "the clone is shallow, so most of its history is not here"
PARTIAL: Final = "the clone is partial, so some files of its history are not here"
LARGE_FILES: Final = "the repository uses Git LFS, and former versions of its large files are not searched"


class Histories(NamedTuple):
    """The histories of a project.

    Attributes:
        root: the project's folder.
        since: the revision after which they begin; None for everything.
        repositories: its own, and those of its submodules.
        unchecked: the parts that are not on this machine.
    """

    root: Path
    since: str | None
    repositories: tuple[Repository, ...]
    unchecked: tuple[Unchecked, ...]

    def place(self, repository: Repository, origin: Origin | None, blob: str, line: int) -> Place:
        """Describe a place in a history.

        Args:
            repository: the repository.
            origin: the commit and the path; None if no commit has the object.
            blob: the ID of the object.
            line: the line in it.
        """
        if origin is None:
            return Place(f"git object {blob[:12]}", line)
        path = origin.path
        if repository.folder != self.root:
            path = os.path.relpath(repository.folder / path, self.root).replace(os.sep, "/")
        return Place(path, line, origin.commit)


def find_histories(root: Path, since: str | None) -> Histories:
    """Find the histories of a project.

    Args:
        root: its folder.
        since: the revision after which they begin; None for all of them.

    Raises:
        NotApplicable: there is none.
        CannotCheck: git is missing, refuses the repository, or does not know the revision.
    """
    own = find_repository(root)
    if since is not None:
        try:
            own.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{since}^{{commit}}")
        except GitError as error:
            raise CannotCheck(
                f"git does not know the revision {since!r}", "Name a commit, a tag or a branch."
            ) from error
    repositories = [own]
    unchecked = []
    for submodule in find_submodules(own):
        if isinstance(submodule, str):
            unchecked.append(
                Unchecked(
                    "the submodule is not checked out", Place(submodule), "git submodule update --init --recursive"
                )
            )
        elif since is None:  # a revision of the project says nothing about its submodules
            repositories.append(submodule)
    unchecked += [one for repository in repositories for one in find_missing_history(repository, since)]
    return Histories(root=root, since=since, repositories=tuple(repositories), unchecked=tuple(unchecked))


def find_missing_history(repository: Repository, since: str | None) -> Iterator[Unchecked]:
    """Report what a repository lacks by its own account: a shallow or partial clone, large files.

    Args:
        repository: the repository.
        since: the revision after which the history begins; None for all of it.
    """
    where = Place(str(repository.folder))
    if since is None and repository.ask("rev-parse", "--is-shallow-repository") == "true":
        yield Unchecked(SHALLOW, where, "git fetch --unshallow; in CI, check out with the full history.")
    if (repository.common / "objects" / "pack").is_dir() and any(repository.common.glob("objects/pack/*.promisor")):
        yield Unchecked(PARTIAL, where, "Clone without --filter.")
    if (repository.common / "lfs").is_dir():
        yield Unchecked(LARGE_FILES, where, "git lfs fetch --all, then search .git/lfs/objects.")
