# SPDX-License-Identifier: Apache-2.0
"""The state in a file, and processes that fork."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from callwell.state import open_state
from tests.contract.test_state_files import COUNT, plus

if TYPE_CHECKING:
    from pathlib import Path


def forked(child: object) -> int:
    """Run something in a fork of this process; its exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            child()  # type: ignore[operator] # a function
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_fork_opens_its_own(tmp_path: Path) -> None:
    """Parent and child go on with the same state; the parent may close it first, and still nothing is lost."""
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")
    state.update(COUNT, lambda count: (count + 1, None))
    ready = os.pipe()
    go = os.pipe()

    pid = os.fork()
    if pid == 0:
        try:
            state.update(COUNT, lambda count: (count + 1, None))
            os.write(ready[1], b".")
            os.read(go[0], 1)
            state.update(COUNT, lambda count: (count + 1, None))
            os._exit(0)
        finally:
            os._exit(1)
    os.read(ready[0], 1)
    state.update(COUNT, lambda count: (count + 1, None))
    state.close()
    assert plus(tmp_path / "state.db") == 4
    os.write(go[1], b".")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert plus(tmp_path / "state.db") == 6
    for end in (*ready, *go):
        os.close(end)


def test_forks_amid_the_work_of_threads(tmp_path: Path) -> None:
    """A fork waits until no thread is in the middle of an update, so that the child finds neither a lock nor a half."""
    path = tmp_path / "state.db"
    state = open_state(f"sqlite:///{path}")
    done = threading.Event()
    counts: list[int] = []

    def work() -> None:
        count = 0
        while not done.is_set():
            state.update(COUNT, lambda count: (count + 1, None))
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        codes = [forked(lambda: state.update(COUNT, lambda count: (count + 1, None))) for _ in range(10)]
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert codes == [0] * 10
    assert state.read(COUNT) == sum(counts) + 10
    state.close()
