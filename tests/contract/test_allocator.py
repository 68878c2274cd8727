# SPDX-License-Identifier: Apache-2.0
"""The HTTP library is loaded with an allocator that takes memory as it needs it, and no other code is."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from callwell.transport.allocator import COMMIT_AHEAD, commit_on_demand

LOAD = """
import json, os
from callwell.transport.pyreqwest import PyreqwestTransport
from callwell.transport.base import Request

transport = PyreqwestTransport()
transport.send(Request("GET", "http://127.0.0.1:9/"))
with open("/proc/self/smaps") as file:
    huge = sum(int(line.split()[1]) for line in file if line.startswith("AnonHugePages:"))
print(json.dumps([os.environ.get("MIMALLOC_ARENA_EAGER_COMMIT"), huge]))
"""

SEND_FROM_THREADS = """
import asyncio, sys, threading

def send():
    from callwell.transport.base import Request
    if sys.argv[1] == "sync":
        from callwell.transport.pyreqwest import PyreqwestTransport
        PyreqwestTransport().send(Request("GET", "http://127.0.0.1:9/", (("accept", "*/*"),)))
    else:
        from callwell.transport.pyreqwest import AsyncPyreqwestTransport
        asyncio.run(AsyncPyreqwestTransport().send(Request("GET", "http://127.0.0.1:9/", (("accept", "*/*"),))))

for _ in range(5):
    thread = threading.Thread(target=send)
    thread.start()
    thread.join()
"""


def loaded(**variables: str) -> tuple[str | None, int]:
    """What a process that has sent a request finds in its environment, and its KiB in huge pages."""
    command = [sys.executable, "-c", LOAD]
    answer = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    variable, huge = json.loads(answer.stdout)
    return variable, huge


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux shows it")
def test_nothing_is_left_behind() -> None:
    """The environment is what it was, and no memory was taken in advance."""
    assert loaded() == (None, 0)


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux shows it")
def test_the_user_decides() -> None:
    """What the user has set stays, and holds."""
    assert loaded(MIMALLOC_ARENA_EAGER_COMMIT="2")[0] == "2"


@pytest.mark.skipif(sys.platform == "win32", reason="getenv is elsewhere")
def test_other_threads_may_copy_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the library sees the option: a name that comes and goes in `os.environ` breaks a copy that is being made."""
    monkeypatch.delenv(COMMIT_AHEAD, raising=False)
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    before = dict(os.environ)
    with commit_on_demand():
        assert getenv(COMMIT_AHEAD.encode()) == b"0"
        assert dict(os.environ) == before
    assert getenv(COMMIT_AHEAD.encode()) is None


def test_an_error_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The option goes even if the library cannot be loaded."""
    monkeypatch.delenv(COMMIT_AHEAD, raising=False)
    with pytest.raises(ImportError), commit_on_demand():
        importlib.import_module("no_such_library")
    assert COMMIT_AHEAD not in os.environ


@pytest.mark.parametrize("side", ["sync", "async"])
def test_the_thread_that_loads_it_may_end(side: str) -> None:
    """A server with a thread for each request loads the library in the first of them, and sends from the others."""
    done = subprocess.run([sys.executable, "-c", SEND_FROM_THREADS, side], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
