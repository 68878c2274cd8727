# SPDX-License-Identifier: Apache-2.0
"""Looks for keys by their shape in the history of a project and of its submodules."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell.readiness.findings import Unseen
from callwell.readiness.history.messages import write_messages
from callwell.readiness.history.objects import find_missing_objects, list_objects, read_blobs, read_objects
from callwell.readiness.shapes.located import LocatedSecret, ScanResult, identify_secret, line_of

if TYPE_CHECKING:
    from callwell.readiness.history.repository import Repository
    from callwell.readiness.history.walk import Histories
    from callwell.readiness.shapes.hits import ShapeHit
    from callwell.readiness.shapes.in_files import FileTree
    from callwell.readiness.shapes.kingfisher import Kingfisher

UNREADABLE: Final = "the object {name} cannot be read"
DAMAGED: Final = "Run `git fsck`, then clone again."
INCOMPLETE: Final = Unseen(what="kingfisher could not read the whole history", fix=DAMAGED)


class AdjoiningFiles:
    """Files that are looked at in the same run as a history.

    Args:
        tree: the files.

    Attributes:
        tree: as above.
        hits: what kingfisher has found in history and files, each secret once.
        complete: it has looked at everything.
        found: the hits in the history, each with its line, or with nothing if that is not there.
    """

    def __init__(self, tree: FileTree) -> None:
        self.tree = tree
        self.hits: tuple[ShapeHit, ...] = ()
        self.complete = False
        self.found: list[tuple[ShapeHit, bytes]] = []


def look_at_history(kingfisher: Kingfisher, histories: Histories, beside: AdjoiningFiles | None = None) -> ScanResult:
    """Look at all that was ever committed: each secret once, wherever it is.

    Args:
        kingfisher: the program.
        histories: the project's histories.
        beside: files that the run of kingfisher for the project's own repository looks at as well.

    Raises:
        CouldNotLook: kingfisher or git could not look.
    """
    own, *others = histories.repositories
    seen = [_look(kingfisher, histories, own, beside)]
    seen += [_look(kingfisher, histories, repository) for repository in others]
    return ScanResult(
        located=tuple(sorted((located for one in seen for located in one.located), key=_order)),
        unseen=(*histories.unseen, *(unseen for one in seen for unseen in one.unseen)),
    )


def _order(one: LocatedSecret) -> tuple[str, int, str]:
    return (one.place.path, one.place.line or 0, one.identity)


def _look(
    kingfisher: Kingfisher,
    histories: Histories,
    repository: Repository,
    beside: AdjoiningFiles | None = None,
) -> ScanResult:
    """Look at one history.

    Kingfisher reads a whole repository by itself. What it does not read is written to files for as long as it takes:
    the messages, and a part of a history, beside which it reads no files.
    """
    since = histories.since
    with tempfile.TemporaryDirectory(prefix="callwell-history-") as folder:
        texts = Path(folder, "messages")
        with texts.open("wb") as file:
            messages = write_messages(repository, since, file)
        if since is None:
            tree = beside.tree if beside is not None else None
            with find_missing_objects(repository) as wait:  # kingfisher says nothing of them
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
    if beside is not None:
        beside.hits = report.hits
        beside.complete = report.complete
        beside.found = found
    unseen = [Unseen(problem, fix=DAMAGED) for problem in problems]
    return ScanResult(tuple(located), (*unseen, *(() if report.complete else (INCOMPLETE,))))


def _targets(repository: Repository, folder: Path, tree: FileTree | None) -> tuple[list[Path], list[str]]:
    """What kingfisher looks at, and its options. It keeps the first place of a secret, so the history comes first."""
    if tree is None:
        return [repository.common, folder], []
    return [repository.common, folder, tree.root], tree.leave_out()


def _write_objects(repository: Repository, since: str, folder: Path) -> list[str]:
    """Write new contents of files under the names that they have in a repository, and return what could not be read."""
    problems = []
    with list_objects(repository, since) as listed:
        problems += [UNREADABLE.format(name=name) for name in listed.lacking]
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
    """The hits in contents of files, with the commits that brought them. Each is added to `found`."""
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
