# SPDX-License-Identifier: Apache-2.0
"""Reads the report of kingfisher, in which every secret is redacted."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from callwell.readiness.shapes.rules import PREFIX, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable

OBJECT: Final = re.compile(r".*/objects/([0-9a-f]{2})/([0-9a-f]{38}|[0-9a-f]{62})(!.*)?")
"""The path of a git object, packed or loose; `!` precedes a file in an archive."""

WORDS: Final = re.compile(r"[A-Za-z]?[a-z]{0,15}(?:[A-Z][a-z]{1,15}){0,4}|[A-Z]{1,16}|\d{1,6}")
"""A part of a name in code. No random key consists of such parts only."""


class ShapeHit(NamedTuple):
    """A secret that was found by its shape.

    Attributes:
        rule: the ID of the rule.
        name: the name of the rule.
        path: the file, as it was passed to kingfisher; empty for a git object.
        blob: the ID of the git object; empty for a file.
        line: its first line, from 1.
        start: the first byte in the line, from 0.
        end: the byte after the last one.
        mark: a hash of secret and position, for a secret that cannot be read again.
        encoding: such as `base64` if it had to be decoded; `start` is that of the encoded text then.
    """

    rule: str
    name: str
    path: str
    blob: str
    line: int
    start: int
    end: int
    mark: str
    encoding: str = ""

    @property
    def provider(self) -> str:
        """The name of the provider, if one of our rules found it; otherwise empty."""
        ours = self.rule.startswith(PREFIX) and self.rule != SECRET
        return self.rule.removeprefix(PREFIX) if ours else ""

    @property
    def by_name_only(self) -> bool:
        """Whether only the name before the value suggests that it is a secret."""
        return self.rule == SECRET


class ShapeReport(NamedTuple):
    """A report of kingfisher.

    Attributes:
        hits: the secrets, each place once.
        complete: whether it scanned everything that it was asked to.
    """

    hits: tuple[ShapeHit, ...]
    complete: bool


class _Rule(msgspec.Struct):
    id: str
    name: str


class _Finding(msgspec.Struct):
    path: str
    fingerprint: str
    line: int = 1
    column_start: int = 0
    column_end: int = 0
    """The column of the last character, from 0, although kingfisher counts lines from 1."""
    encoding: str | None = None


class _Match(msgspec.Struct):
    rule: _Rule
    finding: _Finding


class _Summary(msgspec.Struct):
    scan_partial: int = 0
    scan_failed: int = 0
    pending: int = 0


class _Audit(msgspec.Struct):
    summary: _Summary


class _Document(msgspec.Struct):
    findings: list[_Match]
    audit: _Audit


def read_report(text: bytes) -> ShapeReport:
    """Read a report.

    Args:
        text: the output of `kingfisher scan --format json`.

    Raises:
        msgspec.DecodeError: the text is not a report.
    """
    document = msgspec.json.decode(text, type=_Document)
    summary = document.audit.summary
    return ShapeReport(
        hits=tuple(deduplicate(map(_hit, document.findings))),
        complete=not (summary.scan_partial or summary.scan_failed or summary.pending),
    )


def is_words(secret: str) -> bool:
    """Whether a string consists of words and numbers only, like names in code."""
    return all(WORDS.fullmatch(part) for part in re.split(r"[_.~+/=-]+", secret) if part)


def _hit(match: _Match) -> ShapeHit:
    found = match.finding
    of_git = OBJECT.fullmatch(found.path)
    return ShapeHit(
        rule=match.rule.id,
        name=match.rule.name,
        path="" if of_git else found.path,
        blob=of_git[1] + of_git[2] if of_git else "",
        line=found.line,
        start=found.column_start,
        end=found.column_end + 1,
        mark=found.fingerprint,
        encoding=found.encoding or "",
    )


def deduplicate(hits: Iterable[ShapeHit]) -> list[ShapeHit]:
    """Keep one hit per place: the one of the most specific rule.

    Args:
        hits: the hits.
    """
    kept: dict[tuple[str, str, int], list[ShapeHit]] = {}
    for hit in sorted(hits, key=lambda hit: (hit.by_name_only, not hit.provider, hit.rule, hit.start)):
        line = kept.setdefault((hit.path, hit.blob, hit.line), [])
        if not any(hit.start < other.end and other.start < hit.end for other in line):
            line.append(hit)
    return sorted(itertools.chain(*kept.values()), key=lambda hit: (hit.path, hit.blob, hit.line, hit.start))
