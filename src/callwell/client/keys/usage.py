# SPDX-License-Identifier: Apache-2.0
"""Which keys a provider has accepted, by fingerprint, in the state.

A key that was accepted once and is refused now has been rotated: a new one is on its way, and calls wait for it. A key
that was never accepted is simply wrong, and no caller is kept waiting.

Where environments have keys of their own, a key belongs to the one that accepted it first. What an emulator or a test
double accepts at another address says nothing about the provider's own addresses, and the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from callwell.errors import KeyOfAnotherEnvironment
from callwell.state.base import Cell

if TYPE_CHECKING:
    from callwell.clock import Clock
    from callwell.state.base import State


ADDRESS: Final = re.compile(r"\w+-(?P<host>.+?)-\d+:")
"""The address in an account's name (`https-api.example.com-443:`), which follows provider and environment."""


class KeyRealm(Struct, frozen=True):
    """Which environments of a provider have keys of their own.

    Attributes:
        provider: the provider's name.
        environment: the one in use.
        addresses: the provider's own address of each environment that has keys of its own, as account names spell it;
            empty if all environments share their keys.
    """

    provider: str
    environment: str
    addresses: Mapping[str, str]


class KeyUse(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """When a key was accepted, in seconds since the epoch, by the first response in each process.

    Attributes:
        first: the first time; 0 if it never was.
        last: the last time.
        clients: how many clients have used it.
        location: where the last of them found it.
    """

    first: float = 0.0
    last: float = 0.0
    clients: int = 0
    location: str = ""


class KeyUseLog:
    """The keys that one account was used with.

    Args:
        account: the account's name in the state.
        state: where the records are.
        clock: gives the time of day to record.
        realm: which environments have keys of their own; None if all keys belong to this one.
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
        realm = self._realm
        if realm is None or not realm.addresses:
            return None
        prefix = f"key:{realm.provider}:"
        here = _owner(realm, self._account.removeprefix(f"{realm.provider}:"))
        names = [key.removeprefix(prefix) for key in self._state.keys(prefix) if key.endswith(f":{fingerprint}")]
        environments = [name.partition(":")[0] for name in names if _owner(realm, name) == here]
        if realm.environment in environments:
            return realm.environment
        return next(iter(environments), None)

    def check_environment(self, fingerprint: str, location: str) -> None:
        """Raise if a key is known to belong to another environment.

        Args:
            fingerprint: of the key.
            location: where the key was found.

        Raises:
            KeyOfAnotherEnvironment: another environment has accepted it, and this one has not.
        """
        realm = self._realm
        found = self.find_environment(fingerprint)
        if realm is None or found is None or found == realm.environment:
            return
        raise KeyOfAnotherEnvironment(
            realm.provider, environment=realm.environment, belongs_to=found, location=location
        )

    def record_accepted(self, fingerprint: str, location: str) -> None:
        """Record that a key was accepted, for the first time by this client.

        Args:
            fingerprint: of the key.
            location: where the key was found.
        """
        now = self._clock.wall()

        def change(use: KeyUse) -> tuple[KeyUse, None]:
            return KeyUse(first=use.first or now, last=now, clients=use.clients + 1, location=location), None

        self._state.update(self._cell(fingerprint), change)

    def read_all(self) -> dict[str, KeyUse]:
        """The use of every key of the account, by fingerprint."""
        prefix = _prefix(self._account)
        fingerprints = [key.removeprefix(prefix) for key in self._state.keys(prefix)]
        return {fingerprint: self._state.read(self._cell(fingerprint)) for fingerprint in fingerprints}

    def _cell(self, fingerprint: str) -> Cell[KeyUse]:
        return Cell(f"{_prefix(self._account)}{fingerprint}", KeyUse, empty=KeyUse(), damaged=KeyUse())


def _prefix(account: str) -> str:
    return f"key:{account}:"


def _owner(realm: KeyRealm, name: str) -> str | None:
    """Who issues the keys of an account: "" is the provider, a host is a test double there, None is unknown.

    Args:
        realm: which environments have keys of their own.
        name: of the account, or of one of its keys, after the provider.
    """
    environment, _, rest = name.partition(":")
    own_address = realm.addresses.get(environment)
    if own_address is None:
        return None
    address = ADDRESS.match(rest)
    if address is None or rest.startswith(f"{own_address}:"):
        return ""
    return address["host"]
