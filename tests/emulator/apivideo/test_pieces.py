# SPDX-License-Identifier: Apache-2.0
"""Which pieces fit together: the rules alone, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.emulator.apivideo.pieces import (
    MAX_PIECE_BYTES,
    MIN_PIECE_BYTES,
    ReceivedPieces,
    UploadPiece,
    check_piece,
    parse_content_range,
)
from callwell.emulator.apivideo.replies import ApiVideoError

NOWHERE = Path("nowhere")
BYTES = "video-content-range-by-bytes-"
PART = "video-content-range-by-part-"


def give(received: ReceivedPieces, header: str, size: int) -> None:
    """One more piece."""
    wanted = parse_content_range(header)
    check_piece(received, wanted, size)
    received.add(wanted, UploadPiece(NOWHERE, size))


def refusal(received: ReceivedPieces, header: str, size: int) -> str:
    """Why a piece does not fit."""
    with pytest.raises(ApiVideoError) as caught:
        give(received, header, size)
    return caught.value.problems[0].slug


@given(st.integers(1, 12).flatmap(lambda count: st.tuples(st.just(count), st.permutations(range(1, count + 1)))))
def test_parts_in_any_order(case: tuple[int, list[int]]) -> None:
    """The file is whole when its last part has come, whichever that is, and never before."""
    total, order = case
    received = ReceivedPieces()
    for count, number in enumerate(order, 1):
        give(received, f"part {number}/{total}", MIN_PIECE_BYTES)
        assert received.complete == (count == total)
    assert len(received.in_order()) == total


@given(st.permutations(range(4)))
def test_bytes_in_any_order(order: list[int]) -> None:
    """The same by bytes, with a last piece that is short."""
    total = 3 * MIN_PIECE_BYTES + 7
    received = ReceivedPieces()
    for count, number in enumerate(order, 1):
        first = number * MIN_PIECE_BYTES
        last = min(first + MIN_PIECE_BYTES, total) - 1
        give(received, f"bytes {first}-{last}/{total}", last - first + 1)
        assert received.complete == (count == 4)
    assert received.size == total


def test_the_number_of_parts_comes_late() -> None:
    """Parts of a stream have no total; the last one brings it."""
    received = ReceivedPieces()
    for number in (1, 2):
        give(received, f"part {number}/*", MIN_PIECE_BYTES)
        assert not received.complete
    give(received, "part 3/3", 1)
    assert received.complete


@pytest.mark.parametrize("size", [0, 1, MAX_PIECE_BYTES])
def test_the_last_part_may_be_of_any_size(size: int) -> None:
    """From nothing to 200 MiB."""
    received = ReceivedPieces()
    give(received, "part 1/2", MIN_PIECE_BYTES)
    give(received, "part 2/2", size)
    assert received.complete


@pytest.mark.parametrize(
    ("header", "size", "slug"),
    [
        (f"bytes 0-{MAX_PIECE_BYTES}/{MAX_PIECE_BYTES + 1}", MAX_PIECE_BYTES + 1, f"{BYTES}range-too-large"),
        ("part 1/2", MAX_PIECE_BYTES + 1, "uploaded-file-too-large"),
        ("part 1/1", 0, "uploaded-file-empty"),
        ("part 1/*", 1, f"{PART}uploaded-file-too-small"),
        ("part 1", 1, "video-content-range-malformed"),
        ("bytes 0-1/*", 2, "video-content-range-malformed"),
        ("part -1/2", 2, "video-content-range-malformed"),
        ("", 1, "video-content-range-malformed"),
    ],
)
def test_what_does_not_fit(header: str, size: int, slug: str) -> None:
    """A first piece that cannot be."""
    assert refusal(ReceivedPieces(), header, size) == slug


def test_a_duplicate_piece_counts_its_bytes() -> None:
    """A part that came twice counts with its size, a range with the bytes that were there."""
    received = ReceivedPieces()
    give(received, "part 1/2", MIN_PIECE_BYTES)
    with pytest.raises(ApiVideoError) as caught:
        give(received, "part 1/2", MIN_PIECE_BYTES)
    assert caught.value.resent_bytes == MIN_PIECE_BYTES
    received = ReceivedPieces()
    total = 2 * MIN_PIECE_BYTES
    give(received, f"bytes 0-{MIN_PIECE_BYTES - 1}/{total}", MIN_PIECE_BYTES)
    with pytest.raises(ApiVideoError) as caught:
        give(received, f"bytes {MIN_PIECE_BYTES - 10}-{total - 11}/{total}", MIN_PIECE_BYTES)
    assert caught.value.resent_bytes == 10
