# SPDX-License-Identifier: Apache-2.0
"""Scans the history of a project and of its submodules for strings shaped like keys."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell.readiness.findings import Unchecked
from callwell.readiness.history.messages import write_messages
from callwell.readiness.history.objects import find_missing_objects, list_objects, read_blobs, read_objects
from callwell.readiness.shapes.located import LocatedSecret, ScanResult, identify_secret, line_of

if TYPE_CHECKING:
    from callwell.readiness.history.repository import Repository
    from callwell.readiness.history.walk import Histories
    from callwell.readiness.shapes.hits import ShapeHit
    from callwell.readiness.shapes.kingfisher import Kingfisher
    from callwell.readiness.shapes.scan_files import FileTree

UNREADABLE: Final = "the object {name} cannot be read"
DAMAGED: Final = "Run `git fsck`, then clone again."
INCOMPLETE: Final = Unchecked(what="kingfisher could not read the whole history", fix=DAMAGED)


class ExtraFiles:
    """Files that are scanned in the same run as a history.

    Args:
        tree: the files.

    Attributes:
        tree: the files.
        hits: the secrets that kingfisher found in history and files, each one once.
        complete: whether it scanned everything.
        found: the hits in the history, each with its line; the line is empty if it cannot be read.
    """

    def __init__(self, tree: FileTree) -> None:
        self.tree = tree
        self.hits: tuple[ShapeHit, ...] = ()
        self.complete = False
        self.found: list[tuple[ShapeHit, bytes]] = []


def scan_history(kingfisher: Kingfisher, histories: Histories, extra: ExtraFiles | None = None) -> ScanResult:
    """Scan everything that was ever committed: each secret once, wherever it is.

    Args:
        kingfisher: the program.
        histories: the project's histories.
        extra: files that the run for the project's own repository scans as well.

    Raises:
        CannotCheck: kingfisher or git failed.
    """
    own, *others = histories.repositories
    seen = [_scan_repository(kingfisher, histories, own, extra)]
    seen += [_scan_repository(kingfisher, histories, repository) for repository in others]
    return ScanResult(
        located=tuple(sorted((located for one in seen for located in one.located), key=_sort_key)),
        unchecked=(*histories.unchecked, *(unchecked for one in seen for unchecked in one.unchecked)),
    )


def _sort_key(one: LocatedSecret) -> tuple[str, int, str]:
    return (one.place.path, one.place.line or 0, one.identity)


def _scan_repository(
    kingfisher: Kingfisher,
    histories: Histories,
    repository: Repository,
    extra: ExtraFiles | None = None,
) -> ScanResult:
    """Scan one history.

    Kingfisher reads a whole repository by itself. What it does not read is written to temporary files: the messages,
    and a part of a history. With a part of a history it scans no extra files.
    """
    since = histories.since
    with tempfile.TemporaryDirectory(prefix="callwell-history-") as folder:
        texts = Path(folder, "messages")
        with texts.open("wb") as file:
            messages = write_messages(repository, since, file)
        if since is None:
            tree = extra.tree if extra is not None else None
            with find_missing_objects(repository) as wait:  # kingfisher does not report them
                report = kingfisher.scan(*_targets(repository, Path(folder), tree))
                problems = [UNREADABLE.format(name=name) for name in wait()]
        else:
            problems = _write_objects(repository, since, Path(folder))
            report = kingfisher.scan([Path(folder)], ["--git-history", "none"])
        lines = texts.read_bytes().split(b"\n")
    found: list[tuple[ShapeHit, bytes]] = []
    located = _in_blobs(histories, repository, [hit for hit in report.hits if hit.blob], found)
    for hit in (hit for hit in report.hits if Path(hit.path) == texts):
        found.append((hit, line_of(hit, lines)))
        identity = identify_secret(hit, lines)
        if identity is not None:
            located.append(LocatedSecret(messages.place(hit.line), identity, hit))
    if extra is not None:
        extra.hits = report.hits
        extra.complete = report.complete
        extra.found = found
    unchecked = [Unchecked(problem, fix=DAMAGED) for problem in problems]
    return ScanResult(tuple(located), (*unchecked, *(() if report.complete else (INCOMPLETE,))))


def _targets(repository: Repository, folder: Path, tree: FileTree | None) -> tuple[list[Path], list[str]]:
    """The targets and options of kingfisher. It reports the first place of a secret, so the history goes first."""
    if tree is None:
        return [repository.common, folder], []
    return [repository.common, folder, tree.root], tree.leave_out()


def _write_objects(repository: Repository, since: str, folder: Path) -> list[str]:
    """Write new contents of files under their names in the repository, and return what could not be read."""
    problems = []
    with list_objects(repository, since) as listed:
        problems += [UNREADABLE.format(name=name) for name in listed.missing]
        for one in read_objects(repository, listed):
            if isinstance(one, str):
                problems.append(one)
            elif one.kind == "blob":
                place = folder / "objects" / one.id[:2] / one.id[2:]
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("wb") as file:
                    file.writelines(one.chunks)
    return problems


def _in_blobs(
    histories: Histories, repository: Repository, hits: list[ShapeHit], found: list[tuple[ShapeHit, bytes]]
) -> list[LocatedSecret]:
    """Locate the hits in contents of files by the commits that added them. Each hit is added to `found`."""
    by_blob: dict[str, list[ShapeHit]] = {}
    for hit in hits:
        by_blob.setdefault(hit.blob, []).append(hit)
    identities: dict[ShapeHit, str] = {}
    for blob, content in read_blobs(repository, by_blob):
        lines = content.split(b"\n")
        found.extend((hit, line_of(hit, lines)) for hit in by_blob[blob])
        named = ((hit, identify_secret(hit, lines)) for hit in by_blob[blob])
        identities |= {hit: identity for hit, identity in named if identity is not None}
    origins = repository.origins.find({hit.blob for hit in identities})
    return [
        LocatedSecret(histories.place(repository, origins.get(hit.blob), hit.blob, hit.line), identity, hit)
        for hit, identity in identities.items()
    ]
