# SPDX-License-Identifier: Apache-2.0
"""Hits of the scan with their places, and with identities that stay the same when lines move."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callwell.keys import Key
from callwell.readiness.shapes.hits import is_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.readiness.findings import Place, Unchecked
    from callwell.readiness.shapes.hits import ShapeHit


class LocatedSecret(NamedTuple):
    """A hit and its place.

    Attributes:
        place: the place, for a report.
        identity: the rule, and the fingerprint of the secret, or kingfisher's own if it could not be read again.
        hit: the hit.
    """

    place: Place
    identity: str
    hit: ShapeHit


class ScanResult(NamedTuple):
    """The result of one scan.

    Attributes:
        located: the hits.
        unchecked: the parts that it could not scan.
    """

    located: tuple[LocatedSecret, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()


def identify_secret(hit: ShapeHit, lines: Sequence[bytes]) -> str | None:
    """The identity of a hit, or None if what was found is a name in code.

    Kingfisher redacts the secret, so it is read again here, only for its fingerprint. In an archive or in UTF-16 it
    cannot be read from the lines.

    Args:
        hit: the hit.
        lines: the lines of its file, without line breaks.
    """
    secret = read_secret(hit, line_of(hit, lines))
    if not secret:
        return f"{hit.rule}:{hit.mark}"
    text = secret.decode()
    if (hit.provider or hit.by_name_only) and is_words(text):
        return None
    return f"{hit.rule}:{Key(text).fingerprint}"


def line_of(hit: ShapeHit, lines: Sequence[bytes]) -> bytes:
    """The line of a hit; empty if there is no such line.

    Args:
        hit: the hit.
        lines: the lines of its file, without line breaks.
    """
    return lines[hit.line - 1] if 0 < hit.line <= len(lines) else b""


def read_secret(hit: ShapeHit, line: bytes) -> bytes:
    """The text of a hit; empty if the line does not contain it in plain text.

    Args:
        hit: the hit.
        line: its line.
    """
    secret = line[hit.start : hit.end]
    readable = secret.isascii() and secret.decode("ascii", "replace").isprintable() and "!" not in hit.path
    return secret if readable else b""
