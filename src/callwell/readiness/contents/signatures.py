# SPDX-License-Identifier: Apache-2.0
"""Recognizes archives by their first bytes: wheels, JARs and office documents are ZIP files by other names."""

from __future__ import annotations

from typing import Final, Literal

Signature = Literal["zip", "tar", "gzip", "bzip2", "xz", "7-Zip", "RAR", "Zstandard"]

SIGNATURES: Final[tuple[tuple[int, bytes, Signature], ...]] = (
    (0, b"PK\x03\x04", "zip"),
    (0, b"\x1f\x8b\x08", "gzip"),
    (4, b"1AY&SY", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x5d\x00\x00", "xz"),  # its predecessor, LZMA alone, which the same library reads
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (0, b"Rar!\x1a\x07", "RAR"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard"),
    (257, b"ustar", "tar"),
)
"""Offset, bytes, and the format that has them there, by the specifications of the formats."""

HEAD_BYTES: Final = 512
"""First bytes of a file that tell its format; the header of a tar member has 512."""

SEALED: Final = ("7-Zip", "RAR", "Zstandard")
"""Formats that Python cannot open."""


def find_signature(head: bytes) -> Signature | None:
    """The archive format of a file; None if it is not an archive.

    Args:
        head: its first bytes.
    """
    if head.startswith(b"#!") and b"\nPK\x03\x04" in head[:HEAD_BYTES]:  # a program in Python's own archive format
        return "zip"
    return next((name for offset, mark, name in SIGNATURES if head.startswith(mark, offset)), None)
