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
        clients: by how many clients it was used.
        where: the place where the last of them had found it.
    """

    first: float = 0.0
    last: float = 0.0
    clients: int = 0
    where: str = ""


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

    def accepted(self, fingerprint: str, where: str) -> None:
        """Note that a key is accepted, for the first time by this client.

        Args:
            fingerprint: of the key.
            where: the place where it was found.
        """
        now = self._clock.wall()
        self._state.update(
            self._cell(fingerprint), lambda use: (KeyUse(use.first or now, now, use.clients + 1, where), None)
        )

    def all(self) -> dict[str, KeyUse]:
        """The use of every key of the account, by fingerprint."""
        prefix = _prefix(self._account)
        marks = [key.removeprefix(prefix) for key in self._state.keys(prefix)]
        return {mark: self._state.read(self._cell(mark)) for mark in marks}

    def _cell(self, fingerprint: str) -> Cell[KeyUse]:
        return Cell(f"{_prefix(self._account)}{fingerprint}", KeyUse, KeyUse(), KeyUse())


def _prefix(account: str) -> str:
    return f"key:{account}:"
