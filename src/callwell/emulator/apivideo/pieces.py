# SPDX-License-Identifier: Apache-2.0
"""Which piece of a file a request brings, and whether it fits what has been received: pure.

`Content-Range` names a piece in one of two forms (vod/progressive-upload), which do not mix in one upload:

    part 2/7                          the second of seven parts
    part 2/*                          the number of parts is not known yet
    bytes 0-5242879/12000000          the first 5 MiB of a file

Pieces come in any order and at the same time; the file is complete when no part or byte is missing. A piece that was
already received is an error, not a repetition that does nothing: a client that lost the response must read the video's
status.

The documentation lists 24 errors and no order among them. Here a header is judged first by itself, then together with
what has been received, then with the size of the file in the form. Where a total is below what has been received, the
error says so rather than that the total is another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from callwell.emulator.apivideo.replies import BYTES, PARTS, api_error

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.emulator.apivideo.replies import ApiVideoError

MIB: Final = 1 << 20
# Every piece but the last has 5 to 200 MiB; there are at most 10,000 parts (vod/video-best-practices).
MIN_PIECE_BYTES: Final = 5 * MIB
MAX_PIECE_BYTES: Final = 200 * MIB
MAX_PARTS: Final = 10_000
# The largest total of the error pages; other pages say 30 GiB for a video, which is the option `max_video_bytes`.
MAX_TOTAL_BYTES: Final = 52_428_800_000
# 18 digits: more than any bound, and never too long for `int`.
PART: Final = re.compile(r"part (?P<number>\d{1,18})/(?P<total>\d{1,18}|\*)", re.ASCII)
RANGE: Final = re.compile(r"bytes (?P<first>\d{1,18})-(?P<last>\d{1,18})/(?P<total>\d{1,18})", re.ASCII)


class UploadPiece(NamedTuple):
    """One piece that has been received: where its bytes are, and how many."""

    path: Path
    size: int


class ContentRange(NamedTuple):
    """What a Content-Range names.

    Attributes:
        form: the form, parts or bytes.
        number: the part, or the first byte.
        last: the last byte; of a part the same as `number`.
        total: the total of parts or bytes, None if it is not known.
    """

    form: Literal["part", "bytes"]
    number: int
    last: int
    total: int | None


@dataclass(slots=True)
class ReceivedPieces:
    """What has been received of one file.

    Attributes:
        form: the form of its pieces, empty before the first.
        total: the total of parts or bytes, None while it is not known.
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
        received = len(self.pieces) if self.form == "part" else self.size
        return received == self.total

    @property
    def size(self) -> int:
        """How many bytes have been received."""
        return sum(piece.size for piece in self.pieces.values())

    def in_order(self) -> list[UploadPiece]:
        """Return the pieces from the first byte to the last."""
        return [self.pieces[number] for number in sorted(self.pieces)]

    def add(self, content_range: ContentRange, piece: UploadPiece) -> None:
        """Add a piece that fits."""
        self.form = content_range.form
        if content_range.total is not None:
            self.total = content_range.total
        self.pieces[content_range.number] = piece


def parse_content_range(header: str) -> ContentRange:
    """Return what a Content-Range names.

    Raises:
        ApiVideoError: the header is malformed, or names what cannot exist.
    """
    part = PART.fullmatch(header.strip())
    if part is not None:
        return _parse_part(part)
    found = RANGE.fullmatch(header.strip())
    if found is None:
        raise api_error("video-content-range-malformed")
    first = int(found["first"])
    last = int(found["last"])
    total = int(found["total"])
    _raise_first(
        {
            f"{BYTES}total-bytes-zero": total == 0,
            f"{BYTES}to-byte-too-high-allowed": last >= MAX_TOTAL_BYTES,
            f"{BYTES}total-bytes-too-high": total > MAX_TOTAL_BYTES,
            f"{BYTES}from-byte-too-high": first > last,
            f"{BYTES}to-byte-too-high-total": last >= total,
        }
    )
    return ContentRange(form="bytes", number=first, last=last, total=total)


def _parse_part(match: re.Match[str]) -> ContentRange:
    number = int(match["number"])
    total = None if match["total"] == "*" else int(match["total"])
    _raise_first(
        {
            f"{PARTS}part-zero": number == 0,
            f"{PARTS}total-parts-zero": total == 0,
            f"{PARTS}part-too-high-allowed": number > MAX_PARTS,
            f"{PARTS}total-parts-too-high": (total or 0) > MAX_PARTS,
            f"{PARTS}part-too-high-total": total is not None and number > total,
        }
    )
    return ContentRange(form="part", number=number, last=number, total=total)


def check_piece(received: ReceivedPieces, content_range: ContentRange, size: int) -> None:
    """Check that a piece of `size` bytes fits what has been received.

    Raises:
        ApiVideoError: it does not; `resent_bytes` is the number of its bytes that had already been received.
    """
    if received.form not in ("", content_range.form):
        raise api_error(f"video-content-range-started-with-{received.form}")
    if content_range.form == "part":
        _check_part(received, content_range, size)
    else:
        _check_bytes(received, content_range, size)


def _check_part(received: ReceivedPieces, content_range: ContentRange, size: int) -> None:
    number = content_range.number
    total = content_range.total if content_range.total is not None else received.total
    if number in received.pieces:
        raise _duplicate_error(f"{PARTS}part-already-sent", received.pieces[number].size)
    is_another_total = None not in (received.total, content_range.total) and total != received.total
    _raise_first(
        {
            f"{PARTS}total-parts-too-low": total is not None and total < max(received.pieces, default=0),
            f"{PARTS}different-total-parts": is_another_total,
            f"{PARTS}part-too-high-total": total is not None and number > total,
            "uploaded-file-too-large": size > MAX_PIECE_BYTES,
            f"{PARTS}uploaded-file-too-small": size < MIN_PIECE_BYTES and number != total,
            "uploaded-file-empty": size == 0 and total == 1,
        }
    )


def _check_bytes(received: ReceivedPieces, content_range: ContentRange, size: int) -> None:
    first = content_range.number
    end = content_range.last + 1
    length = end - first
    total = content_range.total or 0
    received_ranges = [(start, start + piece.size) for start, piece in received.pieces.items()]
    overlap = sum(max(0, min(stop, end) - max(start, first)) for start, stop in received_ranges)
    _raise_first(
        {
            f"{BYTES}total-bytes-too-low": total < max((stop for _, stop in received_ranges), default=0),
            f"{BYTES}different-total-bytes": received.total not in (None, total),
        }
    )
    if overlap:
        raise _duplicate_error(f"{BYTES}range-overlap", overlap)
    _raise_first(
        {
            "uploaded-file-empty": size == 0,
            f"{BYTES}range-mismatch": length != size,
            f"{BYTES}range-too-large": length > MAX_PIECE_BYTES,
            f"{BYTES}range-too-small": length < MIN_PIECE_BYTES and end != total,
        }
    )


def _duplicate_error(slug: str, resent_bytes: int) -> ApiVideoError:
    error = api_error(slug)
    error.resent_bytes = resent_bytes
    return error


def _raise_first(conditions: dict[str, bool]) -> None:
    """Raise the error of the first condition that holds."""
    for slug, holds in conditions.items():
        if holds:
            raise api_error(slug)
