# SPDX-License-Identifier: Apache-2.0
"""Looks for keys by their shape in history and files with one run of kingfisher.

It reports each secret once, in the history if that has it. All places in the files are then found here. Archives and
wide text, which kingfisher reads and a search in bytes does not, get a run of their own if there is any secret.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.readiness.findings import Place
from callwell.readiness.shapes.hits import deduplicate
from callwell.readiness.shapes.in_files import INCOMPLETE, group_by_file, look_at_files, make_tree
from callwell.readiness.shapes.in_history import AdjoiningFiles, look_at_history
from callwell.readiness.shapes.located import LocatedSecret, ScanResult, identify_secret, line_of, read_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from callwell.readiness.files import ProjectFile
    from callwell.readiness.history.walk import Histories
    from callwell.readiness.shapes.hits import ShapeHit
    from callwell.readiness.shapes.kingfisher import Kingfisher
    from callwell.readiness.shapes.secret_finder import SecretFinder

    Contexts = Mapping[str, re.Pattern[bytes]]

CONTEXT: Final = 256
"""Bytes before a secret that a rule of ours may ask for: names of up to a hundred, and what may follow them."""

ENCODED: Final = re.compile(rb"[A-Za-z0-9+/_-]+")

MAX_BYTES: Final = 256 << 20
"""Bytes of all files that are held in memory at most. Beyond, kingfisher looks at the files in a run of their own."""

WIDE: Final = 4
"""One byte in so many is NUL in wide text of mostly ASCII, at least."""


class CombinedScan(NamedTuple):
    """What one run has given.

    Attributes:
        files: what is in the files.
        history: what was ever committed.
    """

    files: ScanResult
    history: ScanResult


def look_at_both(
    kingfisher: Kingfisher, histories: Histories, files: Sequence[ProjectFile], rules: Iterable[Mapping[str, Any]]
) -> CombinedScan:
    """Look at the whole history of a project, and at its files.

    Args:
        kingfisher: the program.
        histories: the project's histories, from their beginning.
        files: its files, at least one.
        rules: our own rules.

    Raises:
        CouldNotLook: kingfisher or git could not look.
    """
    beside = AdjoiningFiles(make_tree(files))
    history = look_at_history(kingfisher, histories, beside)
    contexts = {rule["id"]: re.compile(rule["pattern"].encode()) for rule in rules}
    return CombinedScan(_look_at_files(kingfisher, beside, contexts), history)


def _look_at_files(kingfisher: Kingfisher, beside: AdjoiningFiles, contexts: Contexts) -> ScanResult:
    by_path = group_by_file(beside.tree, beside.hits)
    found = list(beside.found)
    if not by_path and not found:
        return _result((), beside)
    if not fit_in_memory(beside.tree.files):
        return look_at_files(kingfisher, beside.tree.files)
    contents: dict[ProjectFile, bytes] = {}
    for file in beside.tree.files:
        try:
            contents[file] = file.path.read_bytes()
        except OSError:
            continue  # kingfisher has reported that it could not read it
        if hits := by_path.get(str(file.path)):
            lines = contents[file].split(b"\n")
            found.extend((hit, line_of(hit, lines)) for hit in hits)
    from callwell.readiness.shapes.secret_finder import SecretFinder  # kingfisher starts earlier without it

    secrets: dict[bytes, list[ShapeHit]] = {}
    for hit, line in found:
        secrets.setdefault(_read_plainly(hit, line, contexts), []).append(hit)
    if b"" in secrets or any(map(_is_opaque, contents.values())):
        return look_at_files(kingfisher, beside.tree.files)
    finder = SecretFinder(secrets)
    located = [place for file, data in contents.items() for place in _in_file(file, data, finder, secrets, contexts)]
    return _result(tuple(located), beside)


def _result(located: tuple[LocatedSecret, ...], beside: AdjoiningFiles) -> ScanResult:
    return ScanResult(located, () if beside.complete else (INCOMPLETE,))


def fit_in_memory(files: Iterable[ProjectFile], limit: int = MAX_BYTES) -> bool:
    """Whether the contents of some files may be held together; a file that cannot be examined counts nothing."""
    size = 0
    for file in files:
        try:
            size += file.path.stat().st_size
        except OSError:
            continue
        if size > limit:
            return False
    return True


def _read_plainly(hit: ShapeHit, line: bytes, contexts: Contexts) -> bytes:
    """The secret of a hit; empty if it cannot be read again."""
    if not hit.encoding:
        return read_secret(hit, line)
    run = ENCODED.match(line, hit.start)
    context = contexts.get(hit.rule)
    if run is None or context is None:
        return b""
    from callwell.readiness.known_keys.digest_matcher import decode_base64  # as above

    texts = (text for text in decode_base64(run[0]) if text.isascii())
    found = (match[1] for text in texts for match in context.finditer(text))
    return next((secret for secret in found if len(secret) == hit.end - hit.start), b"")


def _is_opaque(data: bytes) -> bool:
    """Whether kingfisher finds more in some bytes than a search in them does."""
    from callwell.readiness.contents.signatures import HEAD_BYTES, find_signature  # as above

    return find_signature(data[:HEAD_BYTES]) is not None or data.count(b"\0") * WIDE > len(data)


def _in_file(
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
            if context is None or _fits(context, text, offset, len(secret)):
                end = column + len(secret)
                hits.append(hit._replace(path=str(file.path), blob="", line=line, start=column, end=end))
    if hits:
        lines = data.split(b"\n")
        for hit in deduplicate(hits):
            identity = identify_secret(hit, lines)
            if identity is not None:
                yield LocatedSecret(Place(file.name, hit.line), identity, hit)


def _fits(context: re.Pattern[bytes], data: bytes, offset: int, length: int) -> bool:
    """Whether a rule of ours finds a secret at a place: most ask for a name before it."""
    first = max(0, offset - CONTEXT)
    window = data[first : offset + length + 1]
    return any(found.start(1) == offset - first for found in context.finditer(window))
