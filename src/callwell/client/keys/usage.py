# SPDX-License-Identifier: Apache-2.0
"""Which keys a provider has accepted, by fingerprint, in the state.

A key that was accepted once and is refused now has been rotated: a new one is on its way, and calls wait for it. A key
that was never accepted is simply wrong, and nobody is kept waiting.

Where environments have keys of their own, a key belongs to the one that accepted it first. What an emulator or a double
at another address accepts says nothing of the provider's own addresses, and the other way round.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.errors import KeyOfAnotherEnvironment
from callwell.state.base import Cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.clock import Clock
    from callwell.state.base import State


ACCOUNT_NAME: Final = re.compile(r"\w+-(?P<host>.+?)-\d+:")
"""How the name of an account says where it is, after provider and environment."""


class KeyRealm(NamedTuple):
    """Which environments of a provider have keys of their own.

    Attributes:
        provider: the provider's name.
        environment: the one that is in use.
        addresses: the provider's own address of each environment that has keys of its own, as account names spell it;
            empty if all environments share their keys.
    """

    provider: str
    environment: str
    addresses: Mapping[str, str]


class KeyUse(NamedTuple):
    """When a key was accepted, in seconds since the epoch, by the first answer in each process.

    Attributes:
        first: the first time; 0 if it never was.
        last: the last time.
        clients: by how many clients it was used.
        location: the place where the last of them had found it.
    """

    first: float = 0.0
    last: float = 0.0
    clients: int = 0
    location: str = ""


class KeyUseLog:
    """The record of the keys of one account.

    Args:
        account: its name in the state.
        state: where the record is.
        clock: whose time of day is noted.
        realm: which keys belong to it; None for all.
    """

    def __init__(self, account: str, state: State, clock: Clock, realm: KeyRealm | None = None) -> None:
        self._account = account
        self._realm = realm
        self._state = state
        self._clock = clock

    def was_accepted(self, fingerprint: str) -> bool:
        """Whether a key was ever accepted."""
        return self._state.read(self._cell(fingerprint)).first > 0.0

    def find_environment(self, fingerprint: str) -> str | None:
        """The environment that has accepted a key, the one in use if it is among them; None if that is not known."""
        if self._realm is None or not self._realm.addresses:
            return None
        prefix = f"key:{self._realm.provider}:"
        here = _key_group(self._realm, self._account.removeprefix(f"{self._realm.provider}:"))
        names = [key.removeprefix(prefix) for key in self._state.keys(prefix) if key.endswith(f":{fingerprint}")]
        found = [name.partition(":")[0] for name in names if _key_group(self._realm, name) == here]
        return self._realm.environment if self._realm.environment in found else next(iter(found), None)

    def check_environment(self, fingerprint: str, where: str) -> None:
        """See that a key is not known to belong to another environment.

        Args:
            fingerprint: of the key.
            where: the place where it was found.

        Raises:
            KeyOfAnotherEnvironment: it is.
        """
        other = self.find_environment(fingerprint)
        if self._realm is None or other in (None, self._realm.environment):
            return
        here = self._realm.environment
        raise KeyOfAnotherEnvironment(self._realm.provider, environment=here, belongs_to=str(other), where=where)

    def record_accepted(self, fingerprint: str, where: str) -> None:
        """Note that a key is accepted, for the first time by this client.

        Args:
            fingerprint: of the key.
            where: the place where it was found.
        """
        now = self._clock.wall()
        self._state.update(
            self._cell(fingerprint), lambda use: (KeyUse(use.first or now, now, use.clients + 1, where), None)
        )

    def read_all(self) -> dict[str, KeyUse]:
        """The use of every key of the account, by fingerprint."""
        prefix = _prefix(self._account)
        marks = [key.removeprefix(prefix) for key in self._state.keys(prefix)]
        return {mark: self._state.read(self._cell(mark)) for mark in marks}

    def _cell(self, fingerprint: str) -> Cell[KeyUse]:
        return Cell(f"{_prefix(self._account)}{fingerprint}", KeyUse, KeyUse(), KeyUse())


def _prefix(account: str) -> str:
    return f"key:{account}:"


def _key_group(realm: KeyRealm, name: str) -> str | None:
    """Whose keys an account takes: empty for the provider's own, the host for those of a double, None for others.

    Args:
        realm: which environments have keys of their own.
        name: of the account, or of one of its keys, after the provider.
    """
    environment, _, rest = name.partition(":")
    home = realm.addresses.get(environment)
    if home is None:
        return None
    place = ACCOUNT_NAME.match(rest)
    return "" if rest.startswith(f"{home}:") or place is None else place["host"]
