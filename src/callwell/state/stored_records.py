# SPDX-License-Identifier: Apache-2.0
"""Encodes records as bytes, and reports unreadable ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from callwell.errors import StateError
from callwell.state.checksums import add_checksum, strip_checksum
from callwell.state.logs import LOGGER

if TYPE_CHECKING:
    from callwell.state.base import Cell

T = TypeVar("T")


class StoreLocation(NamedTuple):
    """Where records are stored.

    Attributes:
        name: its name in messages, without a password.
        remedy: how to start over, once the quota's window has passed.
    """

    name: str
    remedy: str

    def damaged(self, why: str) -> StateError:
        """The error for damaged records."""
        return StateError(
            f"the state {self.name} is damaged ({why}), so it is unknown how much of the quota was used: wait until "
            f"its window has passed, then {self.remedy}"
        )


class StoredRecord(NamedTuple):
    """The metadata of one stored record.

    Attributes:
        key: the key.
        size: bytes of the record.
        changed_at: when it was last written, in seconds since the epoch; None if an older version wrote it.
    """

    key: str
    size: int
    changed_at: float | None


def encode(key: str, record: Any) -> bytes:
    """The bytes of a record, with a checksum."""
    return add_checksum(key, msgspec.msgpack.encode(record))


def decode(cell: Cell[T], stored: bytes, place: StoreLocation) -> T:
    """The record in stored bytes, or its cell's `damaged` value if they cannot be read.

    Raises:
        StateError: they cannot be read, and the cell has no `damaged` value.
    """
    try:
        return msgspec.msgpack.decode(strip_checksum(cell.key, stored), type=cell.type)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        if cell.damaged is None:
            raise place.damaged(f"record {cell.key}, of another version?: {error}") from error
        return assume_damaged(cell, cell.damaged, place)


def assume_damaged(cell: Cell[T], damaged: T, place: StoreLocation) -> T:
    """The assumed value of a damaged record, which is logged."""
    LOGGER.warning("the record %s of %s is damaged; the worst case is assumed", cell.key, place.name)
    return damaged
