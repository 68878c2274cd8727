# SPDX-License-Identifier: Apache-2.0
"""Which records of an account may be forgotten: those that are old, and the oldest of too many.

Beside the records lies an index, under keys that begin with the time. One entry in 256 has it swept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.clock import Clock
    from callwell.state.base import State

SWEEP_PREFIX: Final = "00"
"""How the mark of a record begins whose entry sweeps out old ones: one in 256."""


class RetentionEntry(NamedTuple):
    """That a record may be forgotten some day, under a key that begins with when it was written."""


class Retention:
    """The index of one account's records.

    Args:
        records: what the keys of the records begin with; then comes the mark of each, which has no `:`.
        index: what the keys of the index begin with.
        at: when the record of a mark was written; None if it is still needed, or not there.
        state: where both are.
        clock: whose time of day is noted.
        kept_s: for how long a record is kept.
        most: how many are.
    """

    def __init__(
        self,
        records: str,
        index: str,
        at: Callable[[str], float | None],
        *,
        state: State,
        clock: Clock,
        kept_s: float,
        most: int,
    ) -> None:
        self._records, self._index, self._at = records, index, at
        self._state, self._clock = state, clock
        self._kept_s, self._most = kept_s, most

    def note(self, mark: str, at: float) -> None:
        """A record was written that may be forgotten some day."""
        self._state.update(Cell(self._key(mark, at), RetentionEntry, RetentionEntry()), lambda old: (old, None))
        if mark.startswith(SWEEP_PREFIX):
            self.sweep()

    def drop(self, mark: str, at: float) -> None:
        """A record is gone already."""
        self._state.remove(self._key(mark, at))

    def sweep(self) -> None:
        """Forget records that were written long ago, or many records ago."""
        keys = [key for key in self._state.keys(self._index) if key.removeprefix(self._index).count(":") == 1]
        before = f"{self._index}{max(0, int(self._clock.wall() - self._kept_s)):012d}:"
        for place, key in enumerate(keys):
            if place >= len(keys) - self._most and key >= before:
                break
            noted, _, mark = key.removeprefix(self._index).partition(":")
            at = self._at(mark)
            if at is not None and int(at) == int(noted):
                self._state.remove(f"{self._records}{mark}")
            self._state.remove(key)

    def _key(self, mark: str, at: float) -> str:
        return f"{self._index}{int(at):012d}:{mark}"
