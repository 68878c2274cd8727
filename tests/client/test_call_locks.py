# SPDX-License-Identifier: Apache-2.0
"""The lock of a call that is under way outlives whatever its process does with files and children."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from callwell.client.exactly_once.holder import CallLocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BEGIN = """
import os, sys
from pathlib import Path
from callwell.client.exactly_once.holder import CallLocks
locks = CallLocks(Path(sys.argv[1]))
holder = locks.acquire()
"""

REPORT = """
print(holder, flush=True)
input()
"""

DAEMON = """
if os.fork():
    os.wait()
    sys.exit()
os.closerange(3, 64)
others = [open(f"{sys.argv[1]}-{number}", "w+b") for number in range(8)]
holder = locks.acquire()
"""
"""What a daemon does when it starts. The numbers of its descriptors are soon those of other files."""

CHILD_THAT_RELEASES = """
if not os.fork():
    locks.release(holder)
    os._exit(0)
os.wait()
"""
"""A child that was forked in the middle of a call, and leaves the block that its parent is still in."""

CHILD_THAT_OBSERVES = """
if not os.fork():
    os._exit(0 if locks.is_alive(holder) else 1)
assert os.wait()[1] == 0
"""

RELEASED_BY_PARENT = """
reading, writing = os.pipe()
if not os.fork():
    os.close(writing)
    os.read(reading, 1)
    os._exit(0)
os.close(reading)
locks.release(holder)
"""
"""A child that was forked in the middle of a call lives on after it."""

linux_only = pytest.mark.skipif(not hasattr(fcntl, "F_OFD_SETLK"), reason="POSIX locks drop there, as documented")


@contextmanager
def running(program: str, file: Path) -> Iterator[str]:
    """A process that runs a program, and the holder that it has reported."""
    command = [sys.executable, "-c", BEGIN + program + REPORT, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        holder = process.stdout.readline().strip()
        assert holder.count("|") == 4
        yield holder
        process.stdin.close()


@pytest.mark.parametrize("program", ["", DAEMON, CHILD_THAT_RELEASES, CHILD_THAT_OBSERVES])
def test_a_call_is_seen_as_long_as_its_process_lives(tmp_path: Path, program: str) -> None:
    """Descriptors that were closed and used again, and children that release what is not theirs, unlock nothing."""
    file = tmp_path / "state-calls"
    locks = CallLocks(file)
    with running(program, file) as holder:
        assert locks.is_alive(holder) is True
    assert locks.is_alive(holder) is False


def test_a_call_that_was_released_is_free_though_a_child_has_its_file_open(tmp_path: Path) -> None:
    """A child of fork has the same open file, and must not keep the lock."""
    file = tmp_path / "state-calls"
    with running(RELEASED_BY_PARENT, file) as holder:
        assert CallLocks(file).is_alive(holder) is False


@linux_only
def test_a_copy_of_the_file_drops_no_lock(tmp_path: Path) -> None:
    """A program that backs up its state opens and closes the lock file, and its calls stay locked."""
    file = tmp_path / "state-calls"
    copy = 'import shutil\nshutil.copytree(os.path.dirname(sys.argv[1]), sys.argv[1] + ".backup")\n'
    with running(copy, file) as holder:
        assert CallLocks(file).is_alive(holder) is True


def test_two_paths_of_one_file(tmp_path: Path) -> None:
    """Whoever uses the same state by another path releases no call but its own."""
    file = tmp_path / "state-calls"
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    again = "other = CallLocks(Path(sys.argv[2])).acquire()\nlocks.release(other)\nprint(other, flush=True)\n"
    command = [sys.executable, "-c", BEGIN + again + REPORT, str(file), str(link / file.name)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        released = process.stdout.readline().strip()
        held = process.stdout.readline().strip()
        assert CallLocks(file).is_alive(released) is False
        assert CallLocks(file).is_alive(held) is True
        process.stdin.close()
