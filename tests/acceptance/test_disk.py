# SPDX-License-Identifier: Apache-2.0
"""A disk that is full: one line, exit code 7, nothing half-written, and the same command goes on when there is room.

The disks are small ones in memory, which only root can mount; anybody else skips these tests.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from callwell.emulator.options import EmulatorOptions
from callwell.emulator.process import start
from tests.acceptance.running import LOCAL_ERROR, card, check_clean, check_names, ended, exporting
from tests.export.emulated import Site, check_manifest, check_truth
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from callwell.demo.scorecard import Scorecard
    from tests.acceptance.conftest import ReportFigures

SEED = 11
RECORDINGS = 150
FILLINGS = 5
RESERVE_MIB = 64
ROOMY_MIB = 200
STATE_MIB = 16
PIECE = 1 << 16


class Disk:
    """A small disk in memory.

    Args:
        folder: where it is mounted.
        mib: its size.
    """

    def __init__(self, folder: Path, mib: int) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        folder.mkdir()
        _run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder))

    def grow(self, mib: int) -> None:
        """Make it larger."""
        _run("mount", "-o", f"remount,size={mib}m", str(self.folder))

    def fill(self) -> None:
        """Take all the room that there is."""
        with self._ballast.open("ab", buffering=0) as file:
            size = PIECE
            while size:
                try:
                    file.write(b"\0" * size)
                except OSError:
                    size //= 2

    def free(self) -> None:
        """Give it back."""
        self._ballast.unlink()

    def remove(self) -> None:
        """Unmount it."""
        _run("umount", "-l", str(self.folder))


def _run(*command: str) -> None:
    program = shutil.which(command[0]) or pytest.skip(f"there is no {command[0]} on this machine")
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk can be made here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Disk]]:
    """Makes a disk of so many MiB."""
    with _disks(tmp_path) as make:
        yield make


@contextmanager
def _disks(folder: Path) -> Iterator[Callable[[int], Disk]]:
    result = list[Disk]()

    def make(mib: int) -> Disk:
        result.append(Disk(folder / f"disk{len(result)}", mib))
        return result[-1]

    try:
        yield make
    finally:
        for item in result:
            item.remove()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A world without faults."""
    with start(
        EmulatorOptions(provider=("userplane",), clock="25", window="sliding", recordings=RECORDINGS, seed=SEED)
    ) as running:
        yield Site(running, tmp_path)


def files(tree: Path) -> int:
    """How many files of items have their names."""
    return sum(1 for path in tree.glob("*/recordings/*/*") if not path.name.startswith("."))


def refused(process: subprocess.Popen[str], site: Site, tree: Path) -> str:
    """See that a command ended for want of room, and left nothing behind that is not whole; its complaint."""
    end = ended(process, but=(LOCAL_ERROR,))
    assert end.code == LOCAL_ERROR
    check_names(tree, site.truth())
    assert list(tree.rglob(".*.part")) == []
    return end.complaint


def fill_when(process: subprocess.Popen[str], disk: Disk, tree: Path, more: int) -> None:
    """Fill the disk when an export has that many more files; it must not have ended before."""
    enough = files(tree) + more
    until = time.monotonic() + PATIENCE_S
    while files(tree) < enough:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.005)
    disk.fill()


def finish(site: Site, tree: Path, state: Path) -> Scorecard:
    """Run the same command to its end, and see that all is right."""
    end = ended(exporting(site, tree=tree, state=state))
    check_truth(tree, site.truth())
    check_manifest(tree)
    result = card(site, end.report, tree)
    check_clean(result)
    assert result.items == RECORDINGS
    return result


def test_a_disk_that_is_too_small(site: Site, disk: Callable[[int], Disk], report_figures: ReportFigures) -> None:
    """The export stops before it takes the last room, says how much is missing, and goes on on a larger disk."""
    small = disk(RESERVE_MIB + 4)
    tree = small.folder / "tree"
    complaint = refused(exporting(site, tree=tree), site, tree)
    had = files(tree)
    small.grow(ROOMY_MIB)
    result = finish(site, tree, site.state)
    report_figures("disk too small", f"exit code 7 with {had} of {result.assets} files, then {result.verdict}")
    assert re.fullmatch(rf"callwell: {tree}: \d+ MiB more are needed .*; make room and run the same again", complaint)
    assert 0 < had < result.assets


def test_a_disk_that_somebody_else_fills(
    site: Site, disk: Callable[[int], Disk], report_figures: ReportFigures
) -> None:
    """Writing itself fails, at unforeseeable moments, again and again."""
    shared = disk(ROOMY_MIB)
    dice = random.Random(SEED)
    tree = shared.folder / "tree"
    complaints = list[str]()
    site.faults({"operation": "storage", "fault": "slow_body", "rate": 1.0, "max_in_row": 9, "delay_s": 1.5})
    for _ in range(FILLINGS):
        process = exporting(site, tree=tree)
        fill_when(process, shared, tree, dice.randint(3, 20))
        complaints.append(refused(process, site, tree))
        shared.free()
    site.faults()
    result = finish(site, tree, site.state)
    written = sum("the disk is full" in complaint for complaint in complaints)
    report_figures("disk filled", f"{FILLINGS} times, exit code 7 ({written} while writing), then {result.verdict}")
    assert all(complaint.endswith("make room and run the same again") for complaint in complaints)
    assert written > 0


def test_a_disk_that_has_no_room_for_the_state(
    site: Site, disk: Callable[[int], Disk], report_figures: ReportFigures
) -> None:
    """Without its record nothing is sent: it stops, at the beginning or in the middle, and the quota is kept."""
    small = disk(STATE_MIB)
    dice = random.Random(SEED)
    state = small.folder / "state.db"
    small.fill()
    complaints = [refused(exporting(site, state=state), site, site.tree)]
    assert site.counts()["attempts"] == 0
    small.free()
    for _ in range(FILLINGS):
        process = exporting(site, state=state)
        fill_when(process, small, site.tree, dice.randint(5, 60))
        complaints.append(refused(process, site, site.tree))
        small.free()
    result = finish(site, site.tree, state)
    report_figures(
        "disk of the state filled",
        f"{len(complaints)} times, exit code 7, then {result.verdict}, {result.over_quota} over the quota",
    )
    reported = f"callwell: cannot write the state {state}: the disk is full; make room and run the same again"
    assert complaints[1:] == [reported] * FILLINGS
    assert f"the state {state}" in complaints[0]
