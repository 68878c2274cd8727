# SPDX-License-Identifier: Apache-2.0
"""One emulator for each file of tests, with a clock a hundred times as fast, so that its quota is no hindrance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.emulator.options import EmulatorOptions
from callwell.emulator.process import start
from tests.cli.playing import PROVIDER, Shell, shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.emulator.process import Running


@pytest.fixture(scope="module")
def emulator() -> Iterator[Running]:
    """The emulator."""
    with start(EmulatorOptions(provider=("userplane",), clock="100")) as running:
        yield running


@pytest.fixture
def cli(emulator: Running, tmp_path: Path) -> Shell:
    """The command line, with a state of its own."""
    return shell(tmp_path, emulator)


@pytest.fixture(scope="module")
def place(emulator: Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The larger workspace and one recording of it that has a thumbnail, as arguments."""
    run = shell(tmp_path_factory.mktemp("place"), emulator).run
    workspace = f"workspace_id={run('list', PROVIDER, 'workspaces.list').lines[0]['workspaceId']}"
    recordings = run("list", PROVIDER, "recordings.list", workspace).lines
    recording = next(one["recordingId"] for one in recordings if one["recordingThumbnail"])
    return {"workspace": workspace, "recording": f"recording_id={recording}", "count": str(len(recordings))}
