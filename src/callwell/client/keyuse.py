# SPDX-License-Identifier: Apache-2.0
"""Which keys a provider has accepted, by fingerprint, in the state.

A key that was accepted once and is refused now has been rotated: a new one is on its way, and calls wait for it. A key
that was never accepted is simply wrong, and nobody is kept waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callwell.state.base import Cell

if TYPE_CHECKING:
    from callwell.clock import Clock
    from callwell.state.base import State


class KeyUse(NamedTuple):
    """When a key was accepted, in seconds since the epoch, by the first answer in each process.

    Attributes:
        first: the first time; 0 if it never was.
        last: the last time.
    """

    first: float = 0.0
    last: float = 0.0


class KeyUses:
    """The record of the keys of one account.

    Args:
        account: its name in the state.
        state: where the record is.
        clock: whose time of day is noted.
    """

    def __init__(self, account: str, state: State, clock: Clock) -> None:
        self._account = account
        self._state = state
        self._clock = clock

    def known(self, fingerprint: str) -> bool:
        """Whether a key was ever accepted."""
        return self._state.read(self._cell(fingerprint)).first > 0.0

    def accepted(self, fingerprint: str) -> None:
        """Note that a key is accepted."""
        now = self._clock.wall()
        self._state.update(self._cell(fingerprint), lambda use: (KeyUse(use.first or now, now), None))

    def _cell(self, fingerprint: str) -> Cell[KeyUse]:
        return Cell(f"key:{self._account}:{fingerprint}", KeyUse, KeyUse(), KeyUse())
