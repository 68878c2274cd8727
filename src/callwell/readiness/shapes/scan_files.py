# SPDX-License-Identifier: Apache-2.0
"""Scans the files of a project for strings shaped like keys."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.findings import Place, Unchecked
from callwell.readiness.shapes.located import LocatedSecret, ScanResult, identify_secret

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from callwell.readiness.files import ProjectFile
    from callwell.readiness.shapes.hits import ShapeHit
    from callwell.readiness.shapes.kingfisher import Kingfisher

OPTIONS: Final = ("--git-history", "none", "--no-dedup")
"""No git history, and every place of a secret: it must be removed from all of them."""

INCOMPLETE: Final = Unchecked(
    what="kingfisher could not read all files", fix="Make them readable for the user that runs the check."
)


class FileTree(NamedTuple):
    """Files below one folder, which kingfisher scans.

    Attributes:
        root: the folder.
        files: the files.
    """

    root: Path
    files: tuple[ProjectFile, ...]

    def leave_out(self) -> list[str]:
        """Options that make kingfisher skip the folders without any of the files."""
        folders = folders_without(self.root, [file.path for file in self.files])
        return [f"--exclude={_as_pattern(folder)}" for folder in folders]


def make_tree(files: Sequence[ProjectFile]) -> FileTree:
    """Make the tree of some files.

    Args:
        files: at least one, all below one folder.
    """
    first = files[0]
    return FileTree(first.path.parents[len(PurePosixPath(first.name).parts) - 1], tuple(files))


def scan_files(kingfisher: Kingfisher, files: Sequence[ProjectFile]) -> ScanResult:
    """Scan files below one folder. Kingfisher skips the folders without any of them.

    Args:
        kingfisher: the program.
        files: the files.

    Raises:
        CannotCheck: kingfisher failed.
    """
    if not files:
        return ScanResult()
    tree = make_tree(files)
    report = kingfisher.scan([tree.root], [*OPTIONS, *tree.leave_out()])
    by_path = group_by_file(tree, report.hits)
    names = {str(file.path): file.name for file in files}
    located = [one for path, hits in by_path.items() for one in _in_file(Path(path), names[path], hits)]
    return ScanResult(tuple(located), () if report.complete else (INCOMPLETE,))


def group_by_file(tree: FileTree, hits: Iterable[ShapeHit]) -> dict[str, list[ShapeHit]]:
    """Group hits by file. A hit inside an archive belongs to the archive.

    Args:
        tree: the tree.
        hits: the hits; those outside the tree are left out.
    """
    paths = {str(file.path) for file in tree.files}
    by_path: dict[str, list[ShapeHit]] = {}
    for hit in hits:
        path = hit.path.partition("!")[0]
        if path in paths:
            by_path.setdefault(path, []).append(hit)
    return by_path


def folders_without(root: Path, files: Collection[Path]) -> Iterator[Path]:
    """The topmost folders of a tree without any of these files.

    Args:
        root: the top of the tree.
        files: files below it.
    """
    wanted = {str(folder) for nearest in {file.parent for file in files} for folder in (nearest, *nearest.parents)}
    for folder, folders, _ in os.walk(root):
        for name in sorted(folders):
            path = Path(folder, name)
            if str(path) not in wanted:
                folders.remove(name)
                yield path


def _as_pattern(path: Path) -> str:
    """Escape a path as a pattern that matches only this path."""
    return re.sub(r"([*?\[\]{}\\])", r"\\\1", str(path))


def _in_file(path: Path, name: str, hits: list[ShapeHit]) -> Iterator[LocatedSecret]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        lines = []
    for hit in hits:
        identity = identify_secret(hit, lines)
        if identity is not None:
            yield LocatedSecret(Place(name, hit.line), identity, hit)
