# SPDX-License-Identifier: Apache-2.0
"""What a storage's headers say on several lines, in bytes that are not text, or without a zone."""

from __future__ import annotations

import pytest
from pyreqwest.http import HeaderMap

from callwell.core import storage_head
from callwell.export.items import is_withdrawn
from callwell.transport.headers import ResponseHeaders


@pytest.mark.parametrize(
    ("lines", "coding"),
    [
        (["gzip", "deflate"], ("gzip", "deflate")),
        (["identity", "GZIP"], ("gzip",)),
        (["gzip, gzip"], ("gzip", "gzip")),
        (["\xe9"], ()),
        (["\xe9", "gzip"], ("gzip",)),
        ([], ()),
    ],
)
def test_no_coding_of_a_file_is_missed(lines: list[str], coding: tuple[str, ...]) -> None:
    """Coded bytes that are taken for the file would be a wrong file."""
    given = ResponseHeaders(HeaderMap([("content-encoding", line) for line in lines]))
    assert storage_head.parse_head(200, given, 0.0).codings == coding


@pytest.mark.parametrize(("transfer", "length"), [("chunked", None), ("gzip, Chunked", None), ("identity", 6000)])
def test_a_length_beside_chunks_counts_for_nothing(transfer: str, length: int | None) -> None:
    """RFC 9112, section 6.3: the chunks say how long the body is."""
    given = {"content-length": "6000", "transfer-encoding": transfer}
    assert storage_head.parse_head(200, given, 0.0).content_length == length


def test_a_modification_date_without_a_zone_is_gmt() -> None:
    """The zone of the machine plays no part in it."""
    given = {"last-modified": "Sat, 28 Nov 2026 15:00:00", "date": "Sat, 28 Nov 2026 16:00:00 GMT"}
    assert storage_head.parse_head(200, given, 0.0).version.has_strong_date


@pytest.mark.parametrize(("now", "gone"), [(1_795_881_599.0, False), (1_795_881_600.0, True)])
def test_a_time_of_withdrawal_without_a_zone_is_utc(now: float, gone: bool) -> None:  # noqa: FBT001 - a table
    """The zone of the machine plays no part in it."""
    item = {"until": "2026-11-28T16:00:00"}
    assert is_withdrawn(item, item, "until", now) is gone
