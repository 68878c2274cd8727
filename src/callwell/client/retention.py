# SPDX-License-Identifier: Apache-2.0
"""Which records of an account may be forgotten: those that are old, and the oldest of too many.

An index stands beside the records, with keys that begin with a time, so that one listing gives the oldest first. One
addition in 256 sweeps it: listing costs time in proportion to all that is kept, and this spreads the cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.clock import Clock
    from callwell.state.base import State

SWEEP_PREFIX: Final = "00"
"""Adding a record with a digest that begins like this sweeps the index: one in 256."""


class RetentionEntry(NamedTuple):
    """Marks a record that may be forgotten some day. All it says is in its key: the time and the record's digest."""


class Retention:
    """The index of one account's records.

    Args:
        index: what the keys of the index begin with.
        forget: forgets the record of a digest in one step, if it was written in a second since the epoch and is not
            needed any more. One that was written again has a later entry, too, and goes with that one.
        state: holds both.
        clock: tells the age of records.
        max_age_s: for how long a record is kept.
        max_records: how many are kept.
    """

    def __init__(
        self,
        index: str,
        forget: Callable[[str, int], None],
        *,
        state: State,
        clock: Clock,
        max_age_s: float,
        max_records: int,
    ) -> None:
        self._index = index
        self._forget = forget
        self._state = state
        self._clock = clock
        self._max_age_s = max_age_s
        self._max_records = max_records

    def add(self, digest: str, at_wall: float) -> None:
        """Record that a record was written which may be forgotten some day."""
        self._state.update(Cell(self._key(digest, at_wall), RetentionEntry, RetentionEntry()), lambda old: (old, None))
        if digest.startswith(SWEEP_PREFIX):
            self.sweep()

    def remove(self, digest: str, at_wall: float) -> None:
        """The record is gone already."""
        self._state.remove(self._key(digest, at_wall))

    def sweep(self) -> None:
        """Forget records that were written long ago, or many records ago."""
        keys = [key for key in self._state.keys(self._index) if key.removeprefix(self._index).count(":") == 1]
        oldest_kept = self._key("", max(0.0, self._clock.wall() - self._max_age_s))
        for place, key in enumerate(keys):
            if place >= len(keys) - self._max_records and key >= oldest_kept:
                break
            indexed_at, _, digest = key.removeprefix(self._index).partition(":")
            self._forget(digest, int(indexed_at))
            self._state.remove(key)

    def _key(self, digest: str, at_wall: float) -> str:
        return f"{self._index}{int(at_wall):012d}:{digest}"
