# SPDX-License-Identifier: Apache-2.0
"""What a part of the demo is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callwell import folders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from callwell.client import AsyncClient
    from callwell.clock import ScaledClock
    from callwell.demo.control_client import ControlClient
    from callwell.description.provider import Provider
    from callwell.emulator.options import Endpoint
    from callwell.export import ExportProgress
    from callwell.keys import Key
    from callwell.observe.notices import Notice


class DemoReporter(NamedTuple):
    """Where the demo tells what happens.

    Attributes:
        progress: called with the export's progress, and with what tells the quota used by name.
        notice: called with the client's notices.
        say: called with a line about the fault_scripts.
    """

    progress: Callable[[ExportProgress, Callable[[], Mapping[str, tuple[int, int]]]], None]
    notice: Callable[[Notice], None]
    say: Callable[[str], None]


class DemoContext(NamedTuple):
    """One provider, played, and all that a part needs.

    Attributes:
        provider: its description.
        environment: the name of the environment that is played.
        endpoint: where it is, and its key.
        folder: empty, for keys, state and files.
        clock: for the client.
        control: steers the emulator.
        seed: of the faults.
        stage: where to tell what happens.
    """

    provider: Provider
    environment: str
    endpoint: Endpoint
    folder: Path
    clock: ScaledClock
    control: ControlClient
    seed: int
    stage: DemoReporter

    @property
    def emulator_name(self) -> str:
        """How the emulator calls what is played."""
        return f"{self.provider.name}/{self.environment}"

    @property
    def key_file(self) -> Path:
        """Where the key is."""
        return self.folder / "key"

    @property
    def state(self) -> str:
        """Where clients keep what must outlive them."""
        return f"sqlite:///{self.folder / 'state.db'}"

    def client(self, *, user_secret: Key | None = None) -> AsyncClient:
        """A client for work whose end nobody waits for.

        Args:
            user_secret: by which end users are named to the provider, if it wants to know them.
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
            on_notice=self.stage.notice,
            user_secret=user_secret,
        )

    def write_key(self, key: str) -> None:
        """Put a key into its file, whole at any time."""
        folders.write(self.key_file, [key.encode()], mode=0o600)

    def inject_faults(self, faults: list[dict[str, Any]]) -> None:
        """Let things go wrong here from now on."""
        self.control.post("/faults", [{**fault, "provider": self.emulator_name} for fault in faults])

    def ledger(self) -> dict[str, Any]:
        """What the emulator knows and has counted."""
        told = self.control.get("/ledger")
        found: dict[str, Any] = told.get(self.emulator_name) or told[self.provider.name]
        return found
