# SPDX-License-Identifier: Apache-2.0
"""Records as they stand in a file: with a checksum, since SQLite has none of its own.

The checksum (CRC-32, which no change of up to 32 bits in a row passes) covers the record and its name, so that a record
that is found under another's name is damaged too.
"""

from __future__ import annotations

from zlib import crc32

SIZE = 4
"""Bytes of the checksum, before the record."""


def add_checksum(key: str, record: bytes) -> bytes:
    """A record with its checksum.

    Args:
        key: its name.
        record: the record.
    """
    return _checksum(key, record) + record


def strip_checksum(key: str, stored: bytes) -> bytes:
    """The record of what was stored.

    Args:
        key: its name.
        stored: the record with its checksum.

    Raises:
        ValueError: one of them was changed.
    """
    record = stored[SIZE:]
    if stored[:SIZE] != _checksum(key, record):
        raise ValueError("its checksum is wrong")
    return record


def _checksum(key: str, record: bytes) -> bytes:
    return crc32(record, crc32(key.encode())).to_bytes(SIZE, "little")
