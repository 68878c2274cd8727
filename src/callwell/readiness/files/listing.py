# SPDX-License-Identifier: Apache-2.0
"""Lists the files of a project: with git those that it tracks and ignores, otherwise by a walk."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.findings import CannotCheck, Place, Unchecked
from callwell.readiness.git import GitError, list_by_git, run_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

VENDORED: Final = frozenset(
    {".git", ".hg", ".svn", ".bzr", "CVS", "node_modules", "bower_components", "site-packages", ".venv", "venv"}
    | {"__pycache__", "__pypackages__", ".tox", ".nox", ".eggs", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
    | {".hypothesis", ".cache", ".parcel-cache", ".turbo", ".yarn", ".pnpm-store", ".gradle", ".terraform", "target"}
    | {".idea", ".vscode-test", "Pods", "DerivedData", ".ipynb_checkpoints"}
)
"""Folders of third-party code and caches, which are only searched if git tracks them."""

LOCKED: Final = re.compile("could not open directory")
"""A warning of git that files were left out; its other warnings are about settings."""

REPAIR: Final = "Install git or repair the repository, so that `git status` works there."


class BareRepository(CannotCheck):
    """The repository has a history, but no files."""


class FileListing(NamedTuple):
    """What is in a project's folder, by names relative to it.

    Attributes:
        kept: files that git tracks or would add; without git, all files.
        ignored: files that git ignores, without those in `VENDORED` folders.
        problems: what could not be listed.
        by_git: whether git listed the files.
    """

    kept: list[str]
    ignored: list[str]
    problems: list[Unchecked]
    by_git: bool


def list_files(root: Path) -> FileListing:
    """List a project's folder.

    Args:
        root: the folder.

    Raises:
        BareRepository: it has no files.
    """
    problems: list[Unchecked] = []
    try:
        if is_in_work_tree(root):
            listing = _list_by_git(root, problems)
            if listing.kept:
                return listing  # else the whole folder is ignored, as a sandbox in another repository may be
    except GitError as error:
        problems.append(Unchecked(what=f"git cannot say which files it ignores: {error}", fix=REPAIR))
    kept = sorted(_walk(root, "", problems))
    return FileListing(kept=kept, ignored=[], problems=problems, by_git=False)


def is_in_work_tree(folder: Path) -> bool:
    """Whether a folder is in a git repository.

    Args:
        folder: the folder.

    Raises:
        BareRepository: the repository is bare.
        GitError: git refuses the repository, or is not installed although there is one.
    """
    try:
        bare = run_git(folder, "rev-parse", "--is-bare-repository")
    except GitError:
        if any((parent / ".git").exists() for parent in (folder, *folder.resolve().parents)):
            raise
        return False
    if bare == "true":
        raise BareRepository("this is a bare repository, which has a history and no files", "Check a clone of it.")
    return True


def _list_by_git(root: Path, problems: list[Unchecked]) -> FileListing:
    kept: set[str] = set()
    ignored: set[str] = set()
    folders = [""]
    while folders:
        inner = folders.pop()
        base = root / inner
        try:
            present = list_by_git(base, "ls-files", "-co", "--exclude-standard")
            absent = list_by_git(base, "ls-files", "-oi", "--exclude-standard", "--directory")
        except GitError as error:
            problems.append(Unchecked(what=str(error), place=Place(printable(inner)) if inner else None, fix=REPAIR))
            continue
        problems += map(_as_problem, filter(LOCKED.search, (*present.warnings, *absent.warnings)))
        for name in present.names:
            path = f"{inner}{name}".rstrip("/")
            if not _is_folder(root, path):
                kept.add(path)
            elif (root / path / ".git").exists():  # a submodule, or a repository within this one
                folders.append(f"{path}/")
            else:
                what = "the submodule is not checked out, so its files cannot be checked"
                problems.append(Unchecked(what=what, place=Place(printable(path)), fix="git submodule update --init"))
        ignored.update(_expand(root, (f"{inner}{name}" for name in absent.names), problems))
    unique = list(dict.fromkeys(problems))
    return FileListing(kept=sorted(kept), ignored=sorted(ignored - kept), problems=unique, by_git=True)


def _is_folder(root: Path, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(f"{root}/{name}").st_mode)
    except OSError:
        return False


def _as_problem(warning: str) -> Unchecked:
    """What git could not read, such as a folder without permission."""
    return Unchecked(what=f"git says: {printable(warning.removeprefix('warning: '))}", fix="Make it readable.")


def _expand(root: Path, names: Iterable[str], problems: list[Unchecked]) -> Iterator[str]:
    """The files among names, and below those that are folders."""
    for name in names:
        if not name.endswith("/"):
            yield name
        elif VENDORED.isdisjoint(name.split("/")) and not (root / name / "pyvenv.cfg").exists():
            yield from _walk(root, name.rstrip("/"), problems)


def _walk(root: Path, inner: str, problems: list[Unchecked]) -> Iterator[str]:
    """All files in a folder; no link is followed, so no loop is possible."""

    def report(error: OSError) -> None:
        name = os.path.relpath(error.filename or root, root)
        what = f"the folder cannot be listed: {error.strerror}"
        problems.append(Unchecked(what=what, place=Place(printable(name)), fix="Make it readable."))

    for folder, folders, names in os.walk(root / inner, onerror=report):
        folders[:] = sorted(
            name
            for name in folders
            if name not in VENDORED and not os.path.lexists(os.path.join(folder, name, "pyvenv.cfg"))  # noqa: PTH118
        )
        prefix = os.path.relpath(folder, root)
        for name in names:
            yield name if prefix == "." else f"{prefix}/{name}"


def printable(text: str) -> str:
    """Make a name printable on a terminal and encodable in UTF-8."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
