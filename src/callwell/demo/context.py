# SPDX-License-Identifier: Apache-2.0
"""Everything a scenario of the demo works with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callwell import folders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from callwell.client import AsyncClient
    from callwell.clock import ScaledClock
    from callwell.description.provider import Provider
    from callwell.emulator.control_client import ControlClient
    from callwell.emulator.options import Endpoint
    from callwell.export import ExportProgress
    from callwell.keys import Key
    from callwell.observe.notices import Notice


class DemoReporter(NamedTuple):
    """Shows what the demo does.

    Attributes:
        progress: called with the progress of an export, and with a function that returns the quota used, by name.
        notice: called with the client's notices.
        say: called with a line about an event.
    """

    progress: Callable[[ExportProgress, Callable[[], Mapping[str, tuple[int, int]]]], None]
    notice: Callable[[Notice], None]
    say: Callable[[str], None]


class DemoContext(NamedTuple):
    """An emulated provider and the surroundings of a scenario.

    Attributes:
        provider: the provider's description.
        environment: the emulated environment.
        endpoint: its address and its key.
        folder: an empty folder for keys, state and files.
        clock: the client's clock.
        control: steers the emulator.
        seed: the seed of the faults.
        reporter: shows what happens.
    """

    provider: Provider
    environment: str
    endpoint: Endpoint
    folder: Path
    clock: ScaledClock
    control: ControlClient
    seed: int
    reporter: DemoReporter

    @property
    def emulator_name(self) -> str:
        """The emulator's name of this provider and environment."""
        return f"{self.provider.name}/{self.environment}"

    @property
    def key_file(self) -> Path:
        """The file with the key."""
        return self.folder / "key"

    @property
    def state(self) -> str:
        """The state, a file that outlives a client."""
        return f"sqlite:///{self.folder / 'state.db'}"

    def client(self, *, user_secret: Key | None = None) -> AsyncClient:
        """Open a client for bulk work.

        Args:
            user_secret: the secret for pseudonyms of end users, if the provider wants to know them.
        """
        from callwell.client import AsyncClient

        return AsyncClient(
            self.provider,
            key=f"file:{self.key_file}",
            environment=self.environment,
            base_url=self.endpoint.base_url,
            state=self.state,
            priority="batch",
            clock=self.clock,
            on_notice=self.reporter.notice,
            user_secret=user_secret,
        )

    def write_key(self, key: str) -> None:
        """Write the key to its file, in one step: a client may read it at any time."""
        folders.write(self.key_file, [key.encode()], mode=0o600)

    def inject_faults(self, faults: list[dict[str, Any]]) -> None:
        """Let the emulator fail from now on."""
        self.control.post("/faults", [{**fault, "provider": self.emulator_name} for fault in faults])

    def ledger(self) -> dict[str, Any]:
        """What the emulator holds and has counted."""
        ledger = self.control.get("/ledger")
        found: dict[str, Any] = ledger.get(self.emulator_name) or ledger[self.provider.name]
        return found
