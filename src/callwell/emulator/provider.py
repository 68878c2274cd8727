# SPDX-License-Identifier: Apache-2.0
"""What an emulated provider is to the servers: something that admits requests, performs them, and keeps assets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping
    from pathlib import Path

    from callwell.emulator.fault_rules import FaultTargets
    from callwell.emulator.fault_script import InjectedFault
    from callwell.emulator.messages import IncomingRequest, Reply
    from callwell.emulator.quota import Limit


class Origins(NamedTuple):
    """Where one provider and environment is.

    Attributes:
        api: scheme, host and port of its API.
        storage: the same of its signed storage, None without one.
    """

    api: str
    storage: str | None = None


class Host(Protocol):
    """What providers are built on.

    Attributes:
        folder: an empty folder that is removed at the end.
    """

    folder: Path

    def open_ports(self, *, storage: bool) -> Origins:
        """Open the ports of one more provider and environment."""
        ...


class Admission(NamedTuple):
    """What is known of a request before it is performed.

    Attributes:
        operation: the operation's name, None for an unknown route.
        arguments: what the path says, by name.
        key: fingerprint of the key in the request, None without one.
        key_accepted: the key is alive.
        reply: why the request is refused, None when it is not.
        quota: the class of requests by whose limits it is counted, empty where there are no classes.
    """

    operation: str | None
    arguments: dict[str, str]
    key: str | None = None
    key_accepted: bool = False
    reply: Reply | None = None
    quota: str = ""


class AssetInfo(msgspec.Struct, frozen=True):
    """Size in bytes, digest in hex and MIME type of one asset."""

    size: int
    sha256: str
    type: str


class LedgerItem(msgspec.Struct, frozen=True):
    """One object that a client could have fetched.

    Attributes:
        id: its id.
        workspace: what it belongs to.
        state: `throughout` if it existed ever since the ledger began, `created` or `deleted` if only for a time.
        assets: what can be downloaded, by kind; None for what the provider does not have.
    """

    id: str
    workspace: str
    state: str
    assets: dict[str, AssetInfo | None]


class KeyInfo(msgspec.Struct, frozen=True):
    """One key as its owner's settings page shows it: never the whole text."""

    fingerprint: str
    name: str
    masked: str
    state: str
    expires_at: str | None


class KeyAdmin(Protocol):
    """The life cycle of a provider's keys. Every method that cannot do its work raises `BadInput`."""

    def create(self, name: str | None, expires_in_s: float | None) -> str:
        """A new key's text."""
        ...

    def rotate(self, fingerprint: str | None, name: str | None, expires_in_s: float | None) -> str:
        """The text of the key that takes the place of one that dies at once."""
        ...

    def revoke(self, fingerprint: str | None) -> KeyInfo:
        """Kill a key for ever."""
        ...

    def disable(self, fingerprint: str | None) -> KeyInfo:
        """Refuse a key from now on."""
        ...

    def list_all(self) -> list[KeyInfo]:
        """All keys that have not been revoked."""
        ...

    def all_texts(self) -> Iterable[str]:
        """Every key text there ever was: only to look for leaks."""
        ...

    def current(self) -> str:
        """The text of the newest live key, empty if there is none."""
        ...


class EmulatedProvider(Protocol):
    """One provider and environment.

    Attributes:
        name: `userplane`.
        environment: `production`.
        base_path: the path below which its operations are.
        catalogue: what faults can be about.
        keys: the life cycle of its keys.
    """

    name: str
    environment: str
    base_path: str
    fault_targets: FaultTargets
    keys: KeyAdmin

    def admit(self, request: IncomingRequest) -> Admission:
        """Find the operation, check the key, count the quota."""
        ...

    def perform(
        self, request: IncomingRequest, admission: Admission, fault: InjectedFault | None
    ) -> Reply | Awaitable[Reply]:
        """Do what an admitted request asks, at once or in a while; `hit` is for the faults that change what is done."""
        ...

    def fault_reply(self, request: IncomingRequest, fault: InjectedFault) -> Reply:
        """The answer of a fault that does not let the true one out."""
        ...

    def extra_headers(self, admission: Admission, fault: InjectedFault | None) -> tuple[tuple[bytes, bytes], ...]:
        """Headers of every answer: what is left of the quota, and what will be gone; `hit` may lie about it."""
        ...

    def server_time(self) -> float:
        """What its servers take for the time of day, epoch seconds: the clock's, or skewed."""
        ...

    def is_asset_path(self, path: str) -> bool:
        """Whether a path at the API's own origin is not the API's but the storage's."""
        ...

    def fetch_asset(self, request: IncomingRequest) -> Reply:
        """What the storage answers."""
        ...

    def expire_url(self, request: IncomingRequest) -> None:
        """Let the URL of a request to the storage be dead from now on."""
        ...

    def apply_event(self, what: str, news: bytes) -> object:
        """Take news from the control port; raises `BadInput`."""
        ...

    def counts(self) -> Mapping[str, object]:
        """What only the provider can count, for the score."""
        ...

    async def run_background(self) -> None:
        """Do what goes on without requests, until cancelled."""
        ...

    async def wait_until_idle(self) -> None:
        """Wait for what was begun and only takes computing."""
        ...

    def limits(self) -> tuple[Limit, ...]:
        """The quota in force, shortest window first."""
        ...

    def items(self) -> Iterable[LedgerItem]:
        """Every object with assets, computed one by one."""
        ...

    def options(self) -> Mapping[str, object]:
        """The world's options in force."""
        ...

    def reset(self, changes: Mapping[str, object]) -> None:
        """Rebuild world and quota with some options changed, and see that a key is alive; raises `BadInput`."""
        ...

    def seed(self, changes: Mapping[str, object]) -> None:
        """Rebuild only the world: as `reset`, but the quota goes on."""
        ...
