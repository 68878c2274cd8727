# SPDX-License-Identifier: Apache-2.0
"""Processes of one machine that share a state, some of them in containers with a monotonic clock of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from callwell import clock

if TYPE_CHECKING:
    from pathlib import Path

UNSHARE = shutil.which("unshare")

CALLS = """
import sys
from callwell import clock
from callwell.client import Client
from callwell.core.rules.profile import QuotaRule
from callwell.errors import OutOfTime
from callwell.keys import Key
from callwell.testing import ScriptedTransport
from tests.client.acme import KEY, acme
from tests.client.world import OK

transport = ScriptedTransport(lambda _: OK)
provider = acme({"hour": QuotaRule(limit=5, window_s=3600)})
with Client(provider, key=Key(KEY), transport=transport, state=f"sqlite:///{sys.argv[1]}", deadline_s=5) as client:
    for _ in range(int(sys.argv[2])):
        try:
            client.call("things.get", thing_id="1")
        except OutOfTime:
            pass
print(len(transport.requests), clock.SystemClock().now(), clock.boot_id())
"""


def run(root: Path, state: Path, calls: int, ahead_s: int | None) -> tuple[int, float, str]:
    """Make calls in a process: how many were made, its monotonic seconds, and the name of its clock."""
    command = [sys.executable, "-c", CALLS, str(state), str(calls)]
    if ahead_s is not None:
        command = [str(UNSHARE), "--time", "--monotonic", str(ahead_s), *command]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    made, now, name = done.stdout.strip().split(" ", 2)
    return int(made), float(now), name


def allowed() -> bool:
    """Whether this process may make time namespaces."""
    if UNSHARE is None:
        return False
    return subprocess.run([UNSHARE, "--time", "true"], check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not allowed(), reason="makes time namespaces, which needs Linux and rights")
def test_containers_with_clocks_of_their_own_share_one_quota(root: Path, tmp_path: Path) -> None:
    """However far ahead a container's monotonic clock is, what others have used is used, and no permit is lost."""
    state = tmp_path / "state.db"
    runs = [run(root, state, 2, ahead_s) for ahead_s in (None, 1_000_000, 0, 5_000, None)]
    assert [made for made, _, _ in runs] == [2, 2, 1, 0, 0]
    assert len({name for _, _, name in runs}) == 1
    times = [now for _, now, _ in runs]
    assert times == sorted(times)
    assert times[-1] - times[0] < 600.0


OFFSETS = "monotonic      {}         {}\nboottime          7         0\n"


@pytest.mark.parametrize(
    ("offsets", "seconds"),
    [
        (OFFSETS.format(0, 0), 0.0),
        (OFFSETS.format(86_400, 500_000_000), 86_400.5),
        (OFFSETS.format(-5, 250_000_000), -4.75),
        ("", 0.0),
        ("boottime 3 0\n", 0.0),
    ],
)
def test_the_offset_of_a_namespace(offsets: str, seconds: float) -> None:
    """Only the monotonic clock's offset counts, ahead or behind."""
    assert clock.parse_offset_s(offsets) == seconds


def test_the_name_of_the_clock_is_that_of_the_boot() -> None:
    """All processes of a boot call it the same, so that records need not be moved."""
    assert clock.boot_id() == clock.boot_id() != ""
