# SPDX-License-Identifier: Apache-2.0
"""The parts of a file: those that can be read, and problems with those that cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK: Final = 1 << 20
"""How many bytes are read at a time."""


class ContentPart(NamedTuple):
    """One part of a file.

    Attributes:
        inside: the name of an archive's member, with ` > ` between nested archives, or of a source in a source map;
            empty for the file itself.
        chunks: its content in chunks, to be read before the next part is requested.
    """

    inside: str
    chunks: Iterator[bytes]


class UnreadablePart(NamedTuple):
    """A part that cannot be read.

    Attributes:
        inside: as in `ContentPart`.
        reason: why, in one sentence without a full stop.
        fix: what to do.
    """

    inside: str
    reason: str
    fix: str
