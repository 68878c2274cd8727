# SPDX-License-Identifier: Apache-2.0
"""Removes an account's old records, and the oldest ones if there are too many.

A separate index has keys that begin with a time, so that listing it returns the oldest first. One addition in 256
sweeps it: listing takes time proportional to the number of records, and this spreads the cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.clock import Clock
    from callwell.state.base import State

SWEEP_PREFIX: Final = "00"
"""Adding a record sweeps the index if its digest has this prefix: one in 256, without a counter."""


class RetentionEntry(NamedTuple):
    """The index entry of a record. It has no fields: its key holds the time and the record's digest."""


class Retention:
    """The index of one account's records.

    Args:
        index: the prefix of the index's keys.
        delete: removes the record with a digest in one step, unless it is still needed or was not written in the given
            second (since the epoch). A record that was written again also has a later entry, and is removed with that
            one.
        state: holds both.
        clock: the clock for the age of records.
        max_age_s: seconds for which a record is kept.
        max_records: the most records that are kept.
    """

    def __init__(
        self,
        index: str,
        delete: Callable[[str, int], None],
        *,
        state: State,
        clock: Clock,
        max_age_s: float,
        max_records: int,
    ) -> None:
        self._index = index
        self._delete = delete
        self._state = state
        self._clock = clock
        self._max_age_s = max_age_s
        self._max_records = max_records

    def add(self, digest: str, at_wall: float) -> None:
        """Index a record.

        Args:
            digest: identifies the record; without `:`.
            at_wall: when it was written, in seconds since the epoch.
        """
        self._state.update(Cell(self._key(digest, at_wall), RetentionEntry, RetentionEntry()), lambda old: (old, None))
        if digest.startswith(SWEEP_PREFIX):
            self.sweep()

    def remove(self, digest: str, at_wall: float) -> None:
        """Remove a record's entry from the index, after the record itself was removed."""
        self._state.remove(self._key(digest, at_wall))

    def sweep(self) -> None:
        """Remove records that are too old, and the oldest if there are too many."""
        keys = [key for key in self._state.keys(self._index) if key.removeprefix(self._index).count(":") == 1]
        oldest_kept = self._key("", max(0.0, self._clock.wall() - self._max_age_s))
        for index, key in enumerate(keys):
            if index >= len(keys) - self._max_records and key >= oldest_kept:
                break
            indexed_at, _, digest = key.removeprefix(self._index).partition(":")
            self._delete(digest, int(indexed_at))
            self._state.remove(key)

    def _key(self, digest: str, at_wall: float) -> str:
        return f"{self._index}{int(at_wall):012d}:{digest}"
