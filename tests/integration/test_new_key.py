# SPDX-License-Identifier: Apache-2.0
"""A new key in the file of a running program, at emulated providers: the canary tries it before any call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell import Client
from callwell.clock import SystemClock
from callwell.emulator.options import EmulatorOptions
from callwell.providers import load
from tests.emulator.harness import fetch
from tests.processes.program import start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.emulator.process import Running

LISTS = {"userplane": "workspaces.list", "apivideo": "tags.list"}
CALLS = 10


class ShiftedClock(SystemClock):
    """The machine's clock, that can be put ahead."""

    shift = 0.0

    def now(self) -> float:
        """Monotonic seconds."""
        return super().now() + self.shift


@pytest.fixture(params=LISTS)
def playing(request: pytest.FixtureRequest) -> Iterator[tuple[str, Running]]:
    """Each provider that has a canary."""
    with start(EmulatorOptions(provider=(request.param,))) as running:
        yield request.param, running


def test_the_canary_and_nothing_else_shows_a_wrong_key(playing: tuple[str, Running], tmp_path: Path) -> None:
    """One request is refused, and that is the canary; all calls succeed with the old key."""
    provider, running = playing
    point = running.endpoint(provider)
    file = tmp_path / "key"
    file.write_text(point.key)
    clock = ShiftedClock()
    with Client(provider, base_url=point.base_url, key=f"file:{file}", clock=clock) as client:

        def calls() -> None:
            for _ in range(CALLS):
                next(iter(client.pages(LISTS[provider])), None)

        calls()
        file.write_text(f"{point.key[:-1]}{'0' if point.key[-1] != '0' else '1'}")
        clock.shift += 2.0
        calls()
    rows: list[Any] = fetch(f"{running.control}/ledger/requests").json
    refused = [row["operation"] for row in rows if not row["key_accepted"]]
    assert refused == [load(provider).profile.key.canary]
    assert sum(row["operation"] == LISTS[provider] for row in rows) >= 2 * CALLS
