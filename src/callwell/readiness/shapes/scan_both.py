# SPDX-License-Identifier: Apache-2.0
"""Scans history and files for strings shaped like keys, with one run of kingfisher.

Kingfisher reports each secret once, in the history if it is there. This module then finds all places in the files.
Kingfisher reads archives and wide text, which a search in bytes does not, so they get their own run if there is
any secret.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.readiness.findings import Place
from callwell.readiness.shapes.hits import deduplicate
from callwell.readiness.shapes.located import LocatedSecret, ScanResult, identify_secret, line_of, read_secret
from callwell.readiness.shapes.scan_files import INCOMPLETE, group_by_file, make_tree, scan_files
from callwell.readiness.shapes.scan_history import ExtraFiles, scan_history

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from callwell.readiness.files import ProjectFile
    from callwell.readiness.history.walk import Histories
    from callwell.readiness.shapes.hits import ShapeHit
    from callwell.readiness.shapes.kingfisher import Kingfisher
    from callwell.readiness.shapes.secret_finder import SecretFinder

    Contexts = Mapping[str, re.Pattern[bytes]]

CONTEXT: Final = 256
"""How many bytes before a secret our rules consider: names of up to a hundred, and what may follow them."""

ENCODED: Final = re.compile(rb"[A-Za-z0-9+/_-]+")

MAX_BYTES: Final = 256 << 20
"""The most bytes of files held in memory. Beyond it, kingfisher scans the files in a separate run."""

WIDE: Final = 4
"""In wide text of mostly ASCII, at least one byte in four is NUL."""


class CombinedScan(NamedTuple):
    """The results of a combined scan.

    Attributes:
        files: the secrets in the files.
        history: the secrets that were ever committed.
    """

    files: ScanResult
    history: ScanResult


def scan_both(
    kingfisher: Kingfisher, histories: Histories, files: Sequence[ProjectFile], rules: Iterable[Mapping[str, Any]]
) -> CombinedScan:
    """Scan the whole history of a project, and its files.

    Args:
        kingfisher: the program.
        histories: the project's histories, from their beginning.
        files: its files, at least one.
        rules: our own rules.

    Raises:
        CannotCheck: kingfisher or git failed.
    """
    extra = ExtraFiles(make_tree(files))
    history = scan_history(kingfisher, histories, extra)
    contexts = {rule["id"]: re.compile(rule["pattern"].encode()) for rule in rules}
    return CombinedScan(_scan_files(kingfisher, extra, contexts), history)


def _scan_files(kingfisher: Kingfisher, extra: ExtraFiles, contexts: Contexts) -> ScanResult:
    by_path = group_by_file(extra.tree, extra.hits)
    found = list(extra.found)
    if not by_path and not found:
        return _result((), extra)
    if not fit_in_memory(extra.tree.files):
        return scan_files(kingfisher, extra.tree.files)
    contents: dict[ProjectFile, bytes] = {}
    for file in extra.tree.files:
        try:
            contents[file] = file.path.read_bytes()
        except OSError:
            continue  # kingfisher has reported that it could not read it
        if hits := by_path.get(str(file.path)):
            lines = contents[file].split(b"\n")
            found.extend((hit, line_of(hit, lines)) for hit in hits)
    from callwell.readiness.shapes.secret_finder import SecretFinder  # imported here so that kingfisher starts earlier

    secrets: dict[bytes, list[ShapeHit]] = {}
    for hit, line in found:
        secrets.setdefault(_read_secret(hit, line, contexts), []).append(hit)
    if b"" in secrets or any(map(_is_opaque, contents.values())):
        return scan_files(kingfisher, extra.tree.files)
    finder = SecretFinder(secrets)
    located = [
        place for file, data in contents.items() for place in _find_in_file(file, data, finder, secrets, contexts)
    ]
    return _result(tuple(located), extra)


def _result(located: tuple[LocatedSecret, ...], extra: ExtraFiles) -> ScanResult:
    return ScanResult(located, () if extra.complete else (INCOMPLETE,))


def fit_in_memory(files: Iterable[ProjectFile], limit: int = MAX_BYTES) -> bool:
    """Whether the contents of some files may be held in memory together; unreadable files do not count."""
    size = 0
    for file in files:
        try:
            size += file.path.stat().st_size
        except OSError:
            continue
        if size > limit:
            return False
    return True


def _read_secret(hit: ShapeHit, line: bytes, contexts: Contexts) -> bytes:
    """Read the secret of a hit from its file; empty if it cannot be read."""
    if not hit.encoding:
        return read_secret(hit, line)
    run = ENCODED.match(line, hit.start)
    context = contexts.get(hit.rule)
    if run is None or context is None:
        return b""
    from callwell.readiness.known_keys.base64_text import decode_base64  # as above

    texts = (text for text in decode_base64(run[0]) if text.isascii())
    found = (match[1] for text in texts for match in context.finditer(text))
    return next((secret for secret in found if len(secret) == hit.end - hit.start), b"")


def _is_opaque(data: bytes) -> bool:
    """Whether kingfisher finds more in some bytes than a plain search does."""
    from callwell.readiness.contents.archive_formats import HEAD_BYTES, detect_archive  # as above

    return detect_archive(data[:HEAD_BYTES]) is not None or data.count(b"\0") * WIDE > len(data)


def _find_in_file(
    file: ProjectFile,
    data: bytes,
    finder: SecretFinder,
    secrets: Mapping[bytes, Sequence[ShapeHit]],
    contexts: Contexts,
) -> Iterator[LocatedSecret]:
    hits = []
    for secret, offset, text, place in finder.find(data):
        line = data.count(b"\n", 0, place) + 1
        column = place - data.rfind(b"\n", 0, place) - 1
        for hit in secrets[secret]:
            context = contexts.get(hit.rule)
            if context is None or _matches_rule(context, text, offset, len(secret)):
                end = column + len(secret)
                hits.append(hit._replace(path=str(file.path), blob="", line=line, start=column, end=end))
    if hits:
        lines = data.split(b"\n")
        for hit in deduplicate(hits):
            identity = identify_secret(hit, lines)
            if identity is not None:
                yield LocatedSecret(Place(file.name, hit.line), identity, hit)


def _matches_rule(context: re.Pattern[bytes], data: bytes, offset: int, length: int) -> bool:
    """Whether one of our rules matches at a place: most require a name before the secret."""
    first = max(0, offset - CONTEXT)
    window = data[first : offset + length + 1]
    return any(found.start(1) == offset - first for found in context.finditer(window))
