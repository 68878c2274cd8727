# SPDX-License-Identifier: Apache-2.0
"""Recognizes archives by their first bytes: wheels, JARs and office documents are ZIP files by other names."""

from __future__ import annotations

from typing import Final, Literal

ArchiveFormat = Literal["zip", "tar", "gzip", "bzip2", "xz", "7-Zip", "RAR", "Zstandard", "PDF"]

FORMATS: Final[tuple[tuple[int, bytes, ArchiveFormat], ...]] = (
    (0, b"PK\x03\x04", "zip"),
    (0, b"\x1f\x8b\x08", "gzip"),
    (4, b"1AY&SY", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x5d\x00\x00", "xz"),  # the older .lzma format, which the same library reads
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (0, b"Rar!\x1a\x07", "RAR"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard"),
    (257, b"ustar", "tar"),
    (0, b"%PDF-", "PDF"),
)
"""The magic numbers of archive formats: offset, bytes and format, by the specifications of the formats."""

HEAD_BYTES: Final = 512
"""How many of the first bytes identify a format; the header of a tar member has 512."""

UNSUPPORTED: Final = ("7-Zip", "RAR", "Zstandard")
"""Formats that the standard library cannot open."""


def detect_archive(head: bytes) -> ArchiveFormat | None:
    """The archive format of a file; None if it is not an archive.

    Args:
        head: its first bytes.
    """
    if head.startswith(b"#!") and b"\nPK\x03\x04" in head[:HEAD_BYTES]:  # a zipapp
        return "zip"
    return next((name for offset, mark, name in FORMATS if head.startswith(mark, offset)), None)
