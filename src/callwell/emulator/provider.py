# SPDX-License-Identifier: Apache-2.0
"""What the servers need of an emulated provider: it admits requests, performs them, and stores assets.

A provider is a package next to this file. Its module `provider` has a function `create_providers`, which returns one
`EmulatedProvider` for each environment.
"""

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
    """What providers are created with.

    Attributes:
        folder: an empty folder, removed when the emulator ends.
    """

    folder: Path

    def open_ports(self, *, storage: bool) -> Origins:
        """Open the ports of one more provider and environment."""
        ...


class Admission(NamedTuple):
    """What is known about a request before it is performed.

    Attributes:
        operation: the operation's name, None for an unknown route.
        arguments: the path parameters by name.
        key: fingerprint of the key in the request, None without one.
        key_accepted: the key is alive.
        reply: why the request is refused, None when it is not.
        quota: the class of requests that it counts as, empty where there are no classes.
    """

    operation: str | None
    arguments: dict[str, str]
    key: str | None = None
    key_accepted: bool = False
    reply: Reply | None = None
    quota: str = ""


class AssetDigest(msgspec.Struct, frozen=True):
    """Size in bytes, digest in hex and MIME type of one asset."""

    size: int
    sha256: str
    type: str


class LedgerItem(msgspec.Struct, frozen=True):
    """One object that a client could have fetched.

    Attributes:
        id: its id.
        workspace: the workspace or environment that it belongs to.
        state: `unchanged` if it has existed since the ledger began, else `created` or `deleted`.
        assets: what can be downloaded, by kind; None for what the provider does not have.
    """

    id: str
    workspace: str
    state: str
    assets: dict[str, AssetDigest | None]


class KeyInfo(msgspec.Struct, frozen=True):
    """One key as its owner's settings page shows it: never the whole text."""

    fingerprint: str
    name: str
    masked: str
    state: str
    expires_at: str | None


class KeyAdmin(Protocol):
    """The life cycle of a provider's keys. Every method that cannot do its work raises `InvalidInput`."""

    def create(self, name: str | None, expires_in_s: float | None) -> str:
        """Create a key and return its text."""
        ...

    def rotate(self, fingerprint: str | None, name: str | None, expires_in_s: float | None) -> str:
        """Create a key, revoke the old one at once, and return the new one's text."""
        ...

    def revoke(self, fingerprint: str | None) -> KeyInfo:
        """Refuse a key forever."""
        ...

    def disable(self, fingerprint: str | None) -> KeyInfo:
        """Refuse a key from now on."""
        ...

    def list_all(self) -> list[KeyInfo]:
        """Return all keys that have not been revoked."""
        ...

    def all_texts(self) -> Iterable[str]:
        """Return every key text there ever was; only for detecting leaks."""
        ...

    def current(self) -> str:
        """Return the text of the newest live key, empty if there is none."""
        ...


class EmulatedProvider(Protocol):
    """One environment of one provider.

    Attributes:
        name: `userplane`.
        environment: `production`.
        base_path: the path below which its operations are.
        fault_targets: what faults can affect.
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
        """Perform an admitted request, at once or asynchronously; some faults change what is done."""
        ...

    def fault_reply(self, request: IncomingRequest, fault: InjectedFault) -> Reply:
        """Return the reply of a fault that replaces the true one."""
        ...

    def extra_headers(self, admission: Admission, fault: InjectedFault | None) -> tuple[tuple[bytes, bytes], ...]:
        """Return headers for every response: quota and deprecation; a fault may falsify them."""
        ...

    def server_time(self) -> float:
        """Return the servers' time of day, epoch seconds: the clock's, or skewed."""
        ...

    def is_asset_path(self, path: str) -> bool:
        """Return whether a path at the API's own origin is that of an asset."""
        ...

    def fetch_asset(self, request: IncomingRequest) -> Reply:
        """Return the storage's reply."""
        ...

    def expire_url(self, request: IncomingRequest) -> None:
        """Let the URL of a request to the storage expire immediately."""
        ...

    def apply_event(self, kind: str, event: bytes) -> object:
        """Apply an event that the control port reports, such as a view of a video; raises `InvalidInput`."""
        ...

    def counts(self) -> Mapping[str, object]:
        """Return what only the provider can count, for the score."""
        ...

    async def run_background(self) -> None:
        """Do what happens without requests, until cancelled."""
        ...

    async def wait_until_idle(self) -> None:
        """Wait until the work that requests have started is done, as far as it only takes computing."""
        ...

    def limits(self) -> tuple[Limit, ...]:
        """Return the quota in force, shortest window first."""
        ...

    def items(self) -> Iterable[LedgerItem]:
        """Yield every object with assets; each is computed on demand."""
        ...

    def options(self) -> Mapping[str, object]:
        """Return the options in force."""
        ...

    def reset(self, changes: Mapping[str, object]) -> None:
        """Rebuild data and quota with some options changed, and ensure a live key; raises `InvalidInput`."""
        ...

    def seed(self, changes: Mapping[str, object]) -> None:
        """Rebuild only the data: like `reset`, but the quota continues."""
        ...
