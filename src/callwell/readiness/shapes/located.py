# SPDX-License-Identifier: Apache-2.0
"""What the search for shapes gives: each hit with its place, and what stays the same when lines move."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callwell.keys import Key
from callwell.readiness.shapes.hits import is_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.readiness.findings import Place, Unseen
    from callwell.readiness.shapes.hits import ShapeHit


class LocatedSecret(NamedTuple):
    """A hit and its place.

    Attributes:
        place: where it is, for a report.
        identity: the rule, and the fingerprint of the secret or, if it could not be read again, kingfisher's own.
        hit: the hit.
    """

    place: Place
    identity: str
    hit: ShapeHit


class ScanResult(NamedTuple):
    """The result of one search.

    Attributes:
        located: the hits.
        unseen: the parts that it could not look at.
    """

    located: tuple[LocatedSecret, ...] = ()
    unseen: tuple[Unseen, ...] = ()


def identify_secret(hit: ShapeHit, lines: Sequence[bytes]) -> str | None:
    """The identity of a hit, or None if what was found is a name in code.

    Kingfisher has redacted the secret, so it is read again here, for its fingerprint alone. In an archive or in UTF-16
    it is not in these lines.

    Args:
        hit: the hit.
        lines: of the file that it is in, without their ends.
    """
    secret = read_secret(hit, line_of(hit, lines))
    if not secret:
        return f"{hit.rule}:{hit.mark}"
    text = secret.decode()
    if (hit.provider or hit.by_name_only) and is_words(text):
        return None
    return f"{hit.rule}:{Key(text).fingerprint}"


def line_of(hit: ShapeHit, lines: Sequence[bytes]) -> bytes:
    """The line of a hit; empty if it is not there.

    Args:
        hit: the hit.
        lines: of the file that it is in, without their ends.
    """
    return lines[hit.line - 1] if 0 < hit.line <= len(lines) else b""


def read_secret(hit: ShapeHit, line: bytes) -> bytes:
    """The text of a hit; empty if it is not in the line as it is.

    Args:
        hit: the hit.
        line: its line.
    """
    secret = line[hit.start : hit.end]
    readable = secret.isascii() and secret.decode("ascii", "replace").isprintable() and "!" not in hit.path
    return secret if readable else b""
