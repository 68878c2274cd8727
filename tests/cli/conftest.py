# SPDX-License-Identifier: Apache-2.0
"""An emulator as new for each test, so that no test spends the quota of another."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.cli.emulated import PROVIDER, Shell, shell
from tests.processes.program import renewed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.emulator.process import Running

OPTIONS = EmulatorOptions(provider=("userplane",))


@pytest.fixture(autouse=True)
def log() -> Iterator[None]:
    """A command that is run in this process leaves the log to others as it was."""
    logger = logging.getLogger("callwell")
    propagate = logger.propagate
    level = logger.level
    handlers = list(logger.handlers)
    yield
    logger.propagate = propagate
    logger.setLevel(level)
    logger.handlers = handlers


@pytest.fixture
def emulator() -> Running:
    """The emulator."""
    return renewed(OPTIONS)


@pytest.fixture
def cli(emulator: Running, tmp_path: Path) -> Shell:
    """The command line, with a state of its own."""
    return shell(tmp_path, emulator)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The larger workspace and one recording of it that has a thumbnail, as arguments: the same in every emulator."""
    run = shell(tmp_path_factory.mktemp("place"), renewed(OPTIONS)).run
    workspace = f"workspace_id={run('list', PROVIDER, 'workspaces.list').lines[0]['workspaceId']}"
    recordings = run("list", PROVIDER, "recordings.list", workspace).lines
    recording = next(item["recordingId"] for item in recordings if item["recordingThumbnail"])
    return {"workspace": workspace, "recording": f"recording_id={recording}", "count": str(len(recordings))}
