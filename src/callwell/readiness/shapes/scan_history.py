# SPDX-License-Identifier: Apache-2.0
"""Looks for keys by their shape in the history of a project and of its submodules."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.findings import CannotCheck, Unchecked
from callwell.readiness.history.messages import write_messages
from callwell.readiness.history.objects import list_objects, read_blobs, read_objects
from callwell.readiness.shapes.excerpts import Excerpts, TooLarge
from callwell.readiness.shapes.located import LocatedSecret, ScanResult, identify_secret, line_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.readiness.history.repository import Repository
    from callwell.readiness.history.walk import Histories
    from callwell.readiness.shapes.hits import ShapeHit, ShapeReport
    from callwell.readiness.shapes.kingfisher import Kingfisher
    from callwell.readiness.shapes.scan_files import FileTree

UNREADABLE: Final = "the object {name} cannot be read"
DAMAGED: Final = "Run `git fsck`, then clone again."
INCOMPLETE: Final = Unchecked(what="kingfisher could not read the whole history", fix=DAMAGED)

MAX_WRITTEN: Final = 512 << 20
"""Bytes of a history that are written to files at most. Of a larger one kingfisher reads the repository itself."""


class WrittenHistory:
    """A history as it is written for kingfisher.

    Args:
        repository: the repository.
        since: only what commits after this revision have brought; everything if None.
        folder: an empty folder to write into.
        max_bytes: bytes to write at most; any number if None.

    Attributes:
        repository: as above.
        folder: as above.
        texts: the file of messages.
        messages: where its lines come from.
        excerpts: what is new in each content of a file.
        problems: what could not be read.
    """

    def __init__(self, repository: Repository, since: str | None, folder: Path, max_bytes: int | None) -> None:
        self.repository = repository
        self.folder = folder
        self.texts = folder / "messages"
        self.excerpts = Excerpts(folder, max_bytes)
        self.problems: list[str] = []
        self._since = since
        self._witness = folder / "witness"

    def write(self) -> None:
        """Write everything, and at the end the witness, which `is_read` asks for.

        Raises:
            TooLarge: it is more than kingfisher should read from files.
        """
        with self.texts.open("wb") as file:
            self.messages = write_messages(self.repository, self._since, file)
        with self.excerpts, list_objects(self.repository, self._since, (b"blob",)) as listed:
            self.problems += [UNREADABLE.format(name=name) for name in listed.missing]
            for one in read_objects(self.repository, listed):
                if isinstance(one, str):
                    self.problems.append(one)
                else:
                    self.excerpts.add(one)
        self._witness.write_text(f"secret = '{secrets.token_hex(20)}'\n", encoding="utf-8")

    def is_read(self, report: ShapeReport) -> bool:
        """Whether kingfisher has begun to read when everything was written.

        Args:
            report: its report.
        """
        return any(Path(hit.path) == self._witness for hit in report.hits)


class ReadHit(NamedTuple):
    """A hit, and what is at its place.

    Attributes:
        hit: the hit; it names the content, or no file if it is in a message.
        line: the line that it is in; empty if it is in no line as it is.
        identity: of the secret; None if it is a name in code.
    """

    hit: ShapeHit
    line: bytes
    identity: str | None


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


def scan_history(
    kingfisher: Kingfisher, histories: Histories, extra: ExtraFiles | None = None, max_written: int = MAX_WRITTEN
) -> ScanResult:
    """Scan everything that was ever committed: each secret once, wherever it is.

    Args:
        kingfisher: the program.
        histories: the project's histories.
        extra: files that the run for the project's own repository scans as well.
        max_written: bytes of a whole history that are written to files at most.

    Raises:
        CannotCheck: kingfisher or git failed.
    """
    own, *others = histories.repositories
    limit = max_written if histories.since is None else None
    seen = [_scan_repository(kingfisher, histories, own, limit, extra)]
    seen += [_scan_repository(kingfisher, histories, repository, limit) for repository in others]
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
    max_written: int | None,
    extra: ExtraFiles | None = None,
) -> ScanResult:
    """Scan one history: its messages, and what is new in each content of a file."""
    with tempfile.TemporaryDirectory(prefix="callwell-history-") as name:
        written = WrittenHistory(repository, histories.since, Path(name), max_written)
        report = _run(kingfisher, written, None if extra is None else extra.tree)
        in_contents = [*_read_objects(repository, report.hits), *_read_excerpts(written.excerpts, report.hits)]
        in_messages = list(_read_file(written.texts, [hit for hit in report.hits if Path(hit.path) == written.texts]))
    located = list(_locate(histories, repository, in_contents))
    located += [
        LocatedSecret(written.messages.place(hit.line), identity, hit)
        for hit, _, identity in in_messages
        if identity is not None
    ]
    if extra is not None:
        extra.hits = report.hits
        extra.complete = report.complete
        extra.found = [(one.hit, one.line) for one in (*in_contents, *in_messages)]
    unchecked = [Unchecked(problem, fix=DAMAGED) for problem in written.problems]
    return ScanResult(tuple(located), (*unchecked, *(() if report.complete else (INCOMPLETE,))))


def _run(kingfisher: Kingfisher, written: WrittenHistory, tree: FileTree | None) -> ShapeReport:
    """Run kingfisher. It reports the first place of a secret, so the history goes first.

    Raises:
        CannotCheck: it failed, or did not read everything that was written.
    """
    others = [] if tree is None else [tree.root]
    options = [] if tree is None else tree.leave_out()
    targets = [written.folder, *others]
    alone = ["--git-history", "none", *options]
    try:
        report = kingfisher.scan(targets, alone, written.write)
    except TooLarge:
        return kingfisher.scan([written.repository.common, written.texts, *others], options)
    if written.is_read(report):
        return report
    report = kingfisher.scan(targets, alone)
    if not written.is_read(report):
        raise CannotCheck("kingfisher did not read what was written for it")
    return report


def _read_objects(repository: Repository, hits: Iterable[ShapeHit]) -> Iterator[ReadHit]:
    """The hits in contents that kingfisher has read as a whole."""
    by_blob: dict[str, list[ShapeHit]] = {}
    for hit in hits:
        if hit.blob:
            by_blob.setdefault(hit.blob, []).append(hit)
    if by_blob:
        for blob, content in read_blobs(repository, by_blob):
            yield from _read(content, by_blob[blob])


def _read_excerpts(excerpts: Excerpts, hits: Iterable[ShapeHit]) -> Iterator[ReadHit]:
    """The hits in excerpts, each with the content that it comes from."""
    by_path: dict[str, list[ShapeHit]] = {}
    for hit in hits:
        if excerpts.has(hit.path):
            by_path.setdefault(hit.path, []).append(hit)
    for path, found in by_path.items():
        for one in _read_file(Path(path), found):
            blob, line = excerpts.locate(path, one.hit.line)
            yield one._replace(hit=one.hit._replace(path="", blob=blob, line=line))


def _read_file(path: Path, hits: Iterable[ShapeHit]) -> Iterator[ReadHit]:
    return _read(path.read_bytes(), hits)


def _read(content: bytes, hits: Iterable[ShapeHit]) -> Iterator[ReadHit]:
    lines = content.split(b"\n")
    return (ReadHit(hit, line_of(hit, lines), identify_secret(hit, lines)) for hit in hits)


def _locate(histories: Histories, repository: Repository, found: Iterable[ReadHit]) -> Iterator[LocatedSecret]:
    """The hits in contents of files, with the commits that brought them."""
    named = {one.hit: one.identity for one in found if one.identity is not None}
    origins = repository.origins.find({hit.blob for hit in named})
    for hit, identity in named.items():
        yield LocatedSecret(histories.place(repository, origins.get(hit.blob), hit.blob, hit.line), identity, hit)
