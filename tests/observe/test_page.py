# SPDX-License-Identifier: Apache-2.0
"""The samples of the page about watching run, against the emulator, each in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.docs import pages
from tests.processes.program import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.emulator.process import Running

SAMPLES = list(pages.blocks(pages.DOCS / "how/observing.md", "python"))


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """An emulated provider."""
    with start(EmulatorOptions(recordings=1)) as emulator:
        yield emulator


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_sample_runs(running: Running, sample: pages.Block) -> None:
    """With the emulator's address, and a port that is free, nothing else is changed."""
    there = running.endpoint("userplane")
    code = sample.text.replace('"userplane"', f'"userplane", base_url="{there.base_url}"').replace("9000", "0")
    assert "Client(" not in sample.text or re.search(r"base_url", code)
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"USERPLANE_API_KEY": there.key},
    )
    assert (answer.returncode, answer.stderr) == (0, "")
