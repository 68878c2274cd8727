# SPDX-License-Identifier: Apache-2.0
"""Adds a checksum to each record of a file, since SQLite has none of its own.

The checksum is CRC-32, which detects every change within 32 consecutive bits. It covers the record and its name, so a
record under a wrong name also counts as damaged.
"""

from __future__ import annotations

from zlib import crc32

SIZE = 4
"""Bytes of a checksum, which precedes the record."""


def add_checksum(key: str, record: bytes) -> bytes:
    """Put a checksum before a record.

    Args:
        key: its name.
        record: the record.
    """
    return _checksum(key, record) + record


def strip_checksum(key: str, stored: bytes) -> bytes:
    """Verify and remove the checksum of a record.

    Args:
        key: the record's name.
        stored: the record with its checksum.

    Raises:
        ValueError: the name, the record or the checksum was changed.
    """
    record = stored[SIZE:]
    if stored[:SIZE] != _checksum(key, record):
        raise ValueError("its checksum is wrong")
    return record


def _checksum(key: str, record: bytes) -> bytes:
    return crc32(record, crc32(key.encode())).to_bytes(SIZE, "little")
