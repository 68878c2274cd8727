# SPDX-License-Identifier: Apache-2.0
"""Which repositories belong to a project, and what of their history is not on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.findings import CouldNotLook, Place, Unseen
from callwell.readiness.git import GitError
from callwell.readiness.history.repository import find_repository, submodules_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.readiness.history.origin import Origin
    from callwell.readiness.history.repository import Repository

SHALLOW: Final = "the clone is shallow, so most of its history is not here"
PARTIAL: Final = "the clone is partial, so some files of its history are not here"
LARGE_FILES: Final = "the repository uses Git LFS, and the former versions of its large files are not looked at"


class Histories(NamedTuple):
    """The histories of a project.

    Attributes:
        root: the project's folder.
        since: they begin after this revision; None for all of it.
        repositories: its own, and those of its submodules.
        unseen: what is not on this machine.
    """

    root: Path
    since: str | None
    repositories: tuple[Repository, ...]
    unseen: tuple[Unseen, ...]

    def place(self, repository: Repository, origin: Origin | None, blob: str, line: int) -> Place:
        """Where something is in a history.

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
        CouldNotLook: git is missing, refuses the repository, or does not know the revision.
    """
    own = find_repository(root)
    if since is not None:
        try:
            own.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{since}^{{commit}}")
        except GitError as error:
            raise CouldNotLook(
                f"git does not know the revision {since!r}", "Name a commit, a tag or a branch."
            ) from error
    repositories = [own]
    unseen = []
    for submodule in submodules_of(own):
        if isinstance(submodule, str):
            unseen.append(
                Unseen("the submodule is not checked out", Place(submodule), "git submodule update --init --recursive")
            )
        elif since is None:  # a revision of the project says nothing about its submodules
            repositories.append(submodule)
    unseen += [one for repository in repositories for one in lacking(repository, since)]
    return Histories(root=root, since=since, repositories=tuple(repositories), unseen=tuple(unseen))


def lacking(repository: Repository, since: str | None) -> Iterator[Unseen]:
    """What a repository says that it lacks.

    Args:
        repository: the repository.
        since: the revision after which the history begins; None for all of it.
    """
    where = Place(str(repository.folder))
    if since is None and repository.ask("rev-parse", "--is-shallow-repository") == "true":
        yield Unseen(SHALLOW, where, "git fetch --unshallow; in CI, check out with the full history.")
    if (repository.common / "objects" / "pack").is_dir() and any(repository.common.glob("objects/pack/*.promisor")):
        yield Unseen(PARTIAL, where, "Clone without --filter.")
    if (repository.common / "lfs").is_dir():
        yield Unseen(LARGE_FILES, where, "git lfs fetch --all, then search .git/lfs/objects.")
