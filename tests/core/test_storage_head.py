# SPDX-License-Identifier: Apache-2.0
"""What is read of a storage's response, and when two responses are of one version."""

from __future__ import annotations

import pytest

from callwell.core import storage_head
from callwell.core.storage_head import FileVersion

DAY = "Sat, 07 Feb 2026 10:00:00 GMT"
LATER = "Sat, 07 Feb 2026 10:00:59 GMT"
SETTLED = "Sat, 07 Feb 2026 10:01:00 GMT"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes 0-4/9", (0, 5, 9)),
        ("Bytes  3 - 8 / *", (3, 9, None)),
        ("bytes */9", (None, None, 9)),
        ("bytes */*", (None, None, None)),
        ("bytes 5-4/9", (None, None, None)),
        ("bytes 5-9/9", (None, None, None)),
        ("bytes 0-4", (None, None, None)),
        ("items 0-4/9", (None, None, None)),
        ("bytes 0-4/9, bytes 5-8/9", (None, None, None)),
        ("bytes ٣-٨/٩", (None, None, None)),
        (f"bytes 0-{'9' * 40}/*", (None, None, None)),
        ("", (None, None, None)),
    ],
)
def test_where_a_part_lies(text: str, expected: tuple[int | None, ...]) -> None:
    """RFC 9110, 14.4; whatever contradicts itself says nothing."""
    head = storage_head.parse_head(206, {"content-range": text}, 0.0)
    assert (head.start, head.stop, head.total) == expected


def test_several_parts_have_no_place() -> None:
    """One range was requested, so that a response of several is not understood, whatever else it says."""
    headers = {"content-type": "Multipart/ByteRanges; boundary=x", "content-range": "bytes 0-4/9"}
    head = storage_head.parse_head(206, headers, 0.0)
    assert (head.start, head.is_consistent) == (None, False)


@pytest.mark.parametrize(
    ("length", "expected"), [("5", True), ("", True), ("4", False), ("6", False), ("-5", True), ("5, 5", True)]
)
def test_a_part_that_contradicts_itself(length: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """A length that is none counts as not said; one that is another than the range's is a contradiction."""
    head = storage_head.parse_head(206, {"content-range": "bytes 0-4/9", "content-length": length}, 0.0)
    assert head.is_consistent == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("identity", ()),
        ("Identity, GZIP", ("gzip",)),
        ("x-gzip", ("gzip",)),
        ("deflate, , gzip", ("deflate", "gzip")),
        ("br", ("br",)),
        ("utf-8", ()),
    ],
)
def test_in_which_coding_it_comes(text: str, expected: tuple[str, ...]) -> None:
    """Names of any case, old names, several of them in the order in which they were applied."""
    assert storage_head.parse_head(200, {"content-encoding": text}, 0.0).codings == expected


@pytest.mark.parametrize(
    ("etag", "strong"),
    [('"a"', '"a"'), ('W/"a"', None), ("a", None), ('"a', None), ('""', None), ('"a b"', None), ('"é"', None)],
)
def test_which_tags_are_strong(etag: str, strong: str | None) -> None:
    """Only what RFC 9110, 8.8.3, calls one; an empty one identifies nothing."""
    assert storage_head.parse_head(200, {"etag": etag}, 0.0).version.strong_etag == strong


@pytest.mark.parametrize(
    ("date", "settled"), [(SETTLED, True), (LATER, False), (DAY, False), ("", False), ("x", False)]
)
def test_when_a_modification_date_is_a_proof(date: str, settled: bool) -> None:  # noqa: FBT001 - a table
    """Only a minute later by the storage's own clock: a file can change twice within a second."""
    version = storage_head.parse_head(200, {"last-modified": DAY, "date": date}, 0.0).version
    assert (version.has_strong_date, version.if_range) == (settled, DAY if settled else None)


def test_a_date_is_no_pin_beside_a_tag() -> None:
    """RFC 9110, 13.1.5; but what both responses say of it is compared."""
    version = FileVersion('W/"a"', DAY, has_strong_date=True)
    assert (version.if_range, version.is_provable) == (None, True)
    assert storage_head.is_same_version(version, version) is True


STRONG = FileVersion('"a"')
WEAK = FileVersion('W/"a"')
DATED = FileVersion(None, DAY, has_strong_date=True)
FRESH = FileVersion(None, DAY)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (STRONG, STRONG, True),
        (STRONG, FileVersion('"b"'), False),
        (STRONG, WEAK, False),
        (STRONG, FileVersion(), None),
        (FileVersion('"a"', DAY), FileVersion('"a"', LATER), True),
        (FileVersion('"a"', DAY), FileVersion(None, LATER), False),
        (WEAK, WEAK, None),
        (WEAK, FileVersion('W/"b"'), False),
        (DATED, DATED, True),
        (DATED, FileVersion(None, LATER), False),
        (FRESH, FRESH, None),
        (FRESH, FileVersion(None, LATER), False),
        (FileVersion(), FileVersion(), None),
    ],
)
def test_whether_two_answers_are_of_one_version(before: FileVersion, now: FileVersion, expected: bool | None) -> None:  # noqa: FBT001 - a table
    """Strong validators prove it; any validator disproves it."""
    assert storage_head.is_same_version(before, now) is expected


@pytest.mark.parametrize(
    ("value", "expected"), [(5, 5), ("5", 5), (" 10000 ", 10_000), (5.0, 5), (0, 0), ("0", 0), (None, None), ("", None)]
)
def test_a_size_is_understood(value: object, expected: int | None) -> None:
    """As a number or as its digits."""
    assert storage_head.parse_size(value) == expected


@pytest.mark.parametrize(
    "value", [-1, 5.5, "5 MB", "0x5", "-5", "٣", True, [5], {"bytes": 5}, float("nan"), float("inf")]
)
def test_a_size_that_is_none_is_not_ignored(value: object) -> None:
    """It would be a promise that is not kept."""
    with pytest.raises(ValueError, match="expected a whole number"):
        storage_head.parse_size(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        ("true", True),
        (" False ", False),
        (False, False),
        (1, True),
        ("yes", True),
        ("maybe", None),
        ([1], None),
        (None, None),
    ],
)
def test_a_flag_is_understood(value: object, expected: bool | None) -> None:  # noqa: FBT001 - a table
    """In every form that is plain."""
    assert storage_head.parse_flag(value) is expected
