# SPDX-License-Identifier: Apache-2.0
"""Which piece of a file a request brings, and whether it fits what is already there: pure.

A piece is named by `Content-Range`, either as `part 2/7` (`part 2/*` while the number of parts is not known) or as
`bytes 0-5242879/12000000`; the two do not mix. Pieces come in any order. What a header says by itself is judged first,
then what it says together with what has come before, then the size of the file that came with it. Where a total is
lower than what is already there, that is told rather than that it is another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from callwell.emulator.apivideo.replies import BYTES, PARTS, api_error

if TYPE_CHECKING:
    from pathlib import Path

MIB: Final = 1 << 20
MIN_PIECE_BYTES: Final = 5 * MIB
MAX_PIECE_BYTES: Final = 200 * MIB
MAX_PARTS: Final = 10_000
MAX_TOTAL_BYTES: Final = 52_428_800_000
PART: Final = re.compile(r"part (\d{1,18})/(\d{1,18}|\*)", re.ASCII)
RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)


class UploadPiece(NamedTuple):
    """One piece that is there: where its bytes are, and how many."""

    path: Path
    size: int


class ContentRange(NamedTuple):
    """What a header names.

    Attributes:
        form: how.
        number: the part, or the first byte.
        last: the last byte; of a part the same as `number`.
        total: of parts or bytes, None if it is not known.
    """

    form: Literal["part", "bytes"]
    number: int
    last: int
    total: int | None


@dataclass(slots=True)
class ReceivedPieces:
    """What is there of one file.

    Attributes:
        form: how its pieces are named, empty before the first.
        total: of parts or bytes, None while it is not known.
        pieces: by part, or by first byte.
    """

    form: Literal["", "part", "bytes"] = ""
    total: int | None = None
    pieces: dict[int, UploadPiece] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        if self.total is None:
            return False
        there = len(self.pieces) if self.form == "part" else self.size
        return there == self.total

    @property
    def size(self) -> int:
        """How many bytes are there."""
        return sum(piece.size for piece in self.pieces.values())

    def in_order(self) -> list[UploadPiece]:
        """The pieces from the first byte to the last."""
        return [self.pieces[number] for number in sorted(self.pieces)]

    def add(self, wanted: ContentRange, piece: UploadPiece) -> None:
        """Keep one piece that fits."""
        self.form = wanted.form
        self.total = self.total if wanted.total is None else wanted.total
        self.pieces[wanted.number] = piece


def parse_content_range(header: str) -> ContentRange:
    """What a Content-Range names.

    Raises:
        ApiVideoError: it names nothing that can be.
    """
    if part := PART.fullmatch(header.strip()):
        number, total = int(part[1]), None if part[2] == "*" else int(part[2])
        _raise_first(
            {
                f"{PARTS}part-zero": number == 0,
                f"{PARTS}total-parts-zero": total == 0,
                f"{PARTS}part-too-high-allowed": number > MAX_PARTS,
                f"{PARTS}total-parts-too-high": (total or 0) > MAX_PARTS,
                f"{PARTS}part-too-high-total": total is not None and number > total,
            }
        )
        return ContentRange("part", number, number, total)
    found = RANGE.fullmatch(header.strip())
    if found is None:
        raise api_error("video-content-range-malformed")
    first, last, all_bytes = (int(text) for text in found.groups())
    _raise_first(
        {
            f"{BYTES}total-bytes-zero": all_bytes == 0,
            f"{BYTES}to-byte-too-high-allowed": last >= MAX_TOTAL_BYTES,
            f"{BYTES}total-bytes-too-high": all_bytes > MAX_TOTAL_BYTES,
            f"{BYTES}from-byte-too-high": first > last,
            f"{BYTES}to-byte-too-high-total": last >= all_bytes,
        }
    )
    return ContentRange("bytes", first, last, all_bytes)


def check_piece(received: ReceivedPieces, wanted: ContentRange, size: int) -> None:
    """See that a piece of `size` bytes fits.

    Raises:
        ApiVideoError: it does not; `resent` tells how many of its bytes were already there.
    """
    if received.form not in ("", wanted.form):
        raise api_error(f"video-content-range-started-with-{received.form}")
    if wanted.form == "part":
        _check_part(received, wanted, size)
    else:
        _check_bytes(received, wanted, size)


def _check_part(received: ReceivedPieces, wanted: ContentRange, size: int) -> None:
    known = wanted.total if wanted.total is not None else received.total
    if wanted.number in received.pieces:
        raise _duplicate_error(f"{PARTS}part-already-sent", received.pieces[wanted.number].size)
    _raise_first(
        {
            f"{PARTS}total-parts-too-low": known is not None and known < max(received.pieces, default=0),
            f"{PARTS}different-total-parts": None not in (received.total, wanted.total) and known != received.total,
            f"{PARTS}part-too-high-total": known is not None and wanted.number > known,
            "uploaded-file-too-large": size > MAX_PIECE_BYTES,
            f"{PARTS}uploaded-file-too-small": size < MIN_PIECE_BYTES and wanted.number != known,
            "uploaded-file-empty": size == 0 and known == 1,
        }
    )


def _check_bytes(received: ReceivedPieces, wanted: ContentRange, size: int) -> None:
    there = [(first, first + piece.size) for first, piece in received.pieces.items()]
    common = sum(max(0, min(end, wanted.last + 1) - max(first, wanted.number)) for first, end in there)
    total, length = wanted.total or 0, wanted.last - wanted.number + 1
    _raise_first(
        {
            f"{BYTES}total-bytes-too-low": total < max((end for _, end in there), default=0),
            f"{BYTES}different-total-bytes": received.total not in (None, total),
        }
    )
    if common:
        raise _duplicate_error(f"{BYTES}range-overlap", common)
    _raise_first(
        {
            "uploaded-file-empty": size == 0,
            f"{BYTES}range-mismatch": length != size,
            f"{BYTES}range-too-large": length > MAX_PIECE_BYTES,
            f"{BYTES}range-too-small": length < MIN_PIECE_BYTES and wanted.last != total - 1,
        }
    )


def _duplicate_error(slug: str, count: int) -> Exception:
    refused = api_error(slug)
    refused.resent_bytes = count
    return refused


def _raise_first(wrong: dict[str, bool]) -> None:
    """Refuse for the first of these reasons that holds."""
    for slug, holds in wrong.items():
        if holds:
            raise api_error(slug)
