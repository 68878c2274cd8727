# SPDX-License-Identifier: Apache-2.0
"""Which keys a provider has accepted, by fingerprint, in the state.

A key that was once accepted and is now refused has been rotated: a new one is coming, and calls wait for it. A key that
was never accepted is simply wrong, and no caller waits.

Where environments have separate keys, a key belongs to the environment that accepted it first. Acceptance by an
emulator or a test double at another address says nothing about the provider's own addresses, and vice versa.

A key can also be marked as revoked, for all accounts of its provider in the state: no client sends it from then on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from callwell.errors import KeyOfAnotherEnvironment, KeyRevoked, StateError
from callwell.observe.logs import LOGGER
from callwell.state.base import Cell

if TYPE_CHECKING:
    from callwell.client.keys.fleet import KeyFleet, ProcessKeys
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
        location: where the last client found it.
    """

    first: float = 0.0
    last: float = 0.0
    clients: int = 0
    location: str = ""


class RevokedKeys(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The keys of a provider that are marked as revoked.

    Attributes:
        since: fingerprint → when, in seconds since the epoch.
    """

    since: Mapping[str, float] = {}


class KeyUseLog:
    """The keys that one account has used.

    Args:
        account: the account's name in the state.
        state: where the records are.
        clock: gives the time of day to record.
        realm: which environments have separate keys; None if all keys belong to this one.

    Attributes:
        shared: other processes can change the records.
        state: where the records are.
        topic: the topic that tells all processes to poll the provider's records.
    """

    def __init__(self, account: str, state: State, clock: Clock, realm: KeyRealm | None = None) -> None:
        self.shared = state.shared
        self._account = account
        self._provider = account.partition(":")[0]
        self._realm = realm
        self.state = state
        self.topic = f"keys:{self._provider}"
        self._clock = clock

    @cached_property
    def fleet(self) -> KeyFleet:
        """The key records that the account's processes share."""
        from callwell.client.keys.fleet import KeyFleet  # a state in memory has no other processes

        return KeyFleet(self._account, self.state, self._clock)

    def was_accepted(self, fingerprint: str) -> bool:
        """Whether a key was ever accepted."""
        return self.state.read(self._cell(fingerprint)).first > 0.0

    def find_environment(self, fingerprint: str) -> str | None:
        """The environment that has accepted a key, preferably the one in use; None if that is not known."""
        realm = self._realm
        if realm is None or not realm.addresses:
            return None
        prefix = f"key:{realm.provider}:"
        here = _owner(realm, self._account.removeprefix(f"{realm.provider}:"))
        names = [key.removeprefix(prefix) for key in self.state.keys(prefix) if key.endswith(f":{fingerprint}")]
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

        self.state.update(self._cell(fingerprint), change)

    def try_record_accepted(self, fingerprint: str, location: str) -> None:
        """The same for a call: a failing state is logged and does not fail the call."""
        try:
            self.record_accepted(fingerprint, location)
        except StateError as error:
            LOGGER.warning("%s: the key's acceptance could not be recorded: %s", self._provider, error)

    def check_revoked(self, fingerprint: str, location: str) -> None:
        """Raise if a key is marked as revoked.

        Args:
            fingerprint: of the key.
            location: where the key was found.

        Raises:
            KeyRevoked: it is.
        """
        since = self.read_revoked().get(fingerprint)
        if since is not None:
            raise KeyRevoked(self._provider, fingerprint=fingerprint, location=location, since=since)

    def read_revoked(self) -> Mapping[str, float]:
        """The provider's keys that are marked as revoked: fingerprint → since when, in seconds since the epoch."""
        return self.state.read(self._revoked_cell()).since

    def set_revoked(self, fingerprint: str, *, revoked: bool) -> bool:
        """Mark a key as revoked, or remove the mark. An earlier mark keeps its time.

        Args:
            fingerprint: of the key.
            revoked: whether it is revoked.

        Returns:
            whether that changed anything.
        """
        now = self._clock.wall()

        def change(keys: RevokedKeys) -> tuple[RevokedKeys, bool]:
            if (fingerprint in keys.since) == revoked:
                return keys, False
            others = {other: since for other, since in keys.since.items() if other != fingerprint}
            return RevokedKeys({**others, fingerprint: now} if revoked else others), True

        changed = self.state.update(self._revoked_cell(), change)
        self.notify()
        return changed

    def notify(self) -> None:
        """Have all processes poll the provider's records now. A lost signal only delays that."""
        with suppress(StateError):
            self.state.notify(self.topic)

    def request_reload(self) -> int:
        """Ask all processes of the provider to read their key sources again, and return the number of the request."""
        number = self.fleet.request_reload()
        self.notify()
        return number

    def find_processes(self) -> list[ProcessKeys]:
        """The keys of all clients of the provider that appear to be open, in any account."""
        from callwell.client.keys.fleet import KeyFleet

        accounts = [key.partition(":")[2] for key in self.state.keys(f"key-processes:{self._provider}:")]
        rows = [row for name in accounts for row in KeyFleet(name, self.state, self._clock).read_processes().values()]
        return [row for row in rows if row.fingerprint]

    def find_active_processes(self) -> list[ProcessKeys]:
        """Those of them that make calls, or have just answered a signal."""
        from callwell.client.keys.fleet import is_silent

        now = self._clock.wall()
        return [row for row in self.find_processes() if not is_silent(row, now)]

    def read_use(self, fingerprint: str) -> KeyUse:
        """The use of one key of the account."""
        return self.state.read(self._cell(fingerprint))

    def find_fingerprints(self) -> set[str]:
        """The fingerprints of all used keys of the provider, in any account."""
        return {key.rpartition(":")[2] for key in self.state.keys(f"key:{self._provider}:")}

    def read_all(self) -> dict[str, KeyUse]:
        """The use of every key of the account, by fingerprint."""
        prefix = _prefix(self._account)
        fingerprints = [key.removeprefix(prefix) for key in self.state.keys(prefix)]
        return {fingerprint: self.state.read(self._cell(fingerprint)) for fingerprint in fingerprints}

    def _revoked_cell(self) -> Cell[RevokedKeys]:
        # A damaged record no longer shows its keys: calls must not fail because of that, and it is logged.
        return Cell(f"revoked-keys:{self._provider}", RevokedKeys, empty=RevokedKeys(), damaged=RevokedKeys())

    def _cell(self, fingerprint: str) -> Cell[KeyUse]:
        return Cell(f"{_prefix(self._account)}{fingerprint}", KeyUse, empty=KeyUse(), damaged=KeyUse())


def _prefix(account: str) -> str:
    return f"key:{account}:"


def _owner(realm: KeyRealm, name: str) -> str | None:
    """Who issues the keys of an account: "" is the provider, a host name is a test double there, None is unknown.

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
