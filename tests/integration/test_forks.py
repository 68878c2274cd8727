# SPDX-License-Identifier: Apache-2.0
"""A process that forks: before its first call the child can do all; after it, the child is refused at once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.contract.raw_server import RawServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{"data":{"id":"1"}}'

PARENT = """
import asyncio, os, sys, threading
from callwell.client import AsyncClient, Client
from callwell.core.rules.profile import QuotaRule
from callwell.errors import OutOfTime, UsageError
from callwell.keys import Key
from tests.client.acme import KEY, acme
from tests.client.world import count_held

def make_client(side, limit=100, **options):
    provider = acme({"hour": QuotaRule(limit=limit, window_s=3600)})
    return side(provider, key=Key(KEY), base_url=sys.argv[1], priority="batch", **options)

def get(client):
    answer = client.call("things.get", thing_id="1")
    return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer

def refused(client):
    try:
        get(client)
    except UsageError as error:
        assert "spawn it, or fork before the first call" in str(error), error
        return count_held(client) == 0

def fork(child):
    pid = os.fork()
    if pid:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        return
    try:
        assert child()
        code = 0
    finally:
        os._exit(locals().get("code", 1))
"""

BEFORE = """
one, other = make_client(Client), make_client(AsyncClient)
fork(lambda: get(one) == get(other) == get(make_client(Client)) == {"id": "1"})
assert get(one) == get(other) == {"id": "1"}
"""

AFTER = """
one, other = make_client(Client), make_client(AsyncClient)
assert get(one) == get(other) == {"id": "1"}
fork(lambda: refused(one) and refused(other) and refused(make_client(Client)) and refused(make_client(AsyncClient)))
assert get(one) == get(other) == {"id": "1"}
"""

AMID = """
one = make_client(Client, limit=1)
assert get(one) == {"id": "1"}
for _ in range(4):
    threading.Thread(target=get, args=(one,), daemon=True).start()
while count_held(one) < 4:
    pass
fork(lambda: refused(one))
"""

LOCKED = """
one = make_client(Client)
engine = one._engine
locks = [engine.keys._lock, engine.account._lock, engine.account._account._state._lock]
for lock in locks:
    lock.acquire()
fork(lambda: get(one) == {"id": "1"})
for lock in locks:
    lock.release()
"""

SHARED = """
one = make_client(Client, limit=1, state="sqlite:///" + sys.argv[2])
fork(lambda: get(one) == {"id": "1"})
try:
    get(one.with_options(deadline_s=1.0))
except OutOfTime:
    sys.exit()
sys.exit("the parent did not know what its child had spent")
"""

REFUSED = """
one = make_client(Client, limit=2, state="sqlite:///" + sys.argv[2])
assert get(one) == {"id": "1"}
before = one.spent()
for _ in range(12):
    fork(lambda: refused(one) and refused(make_client(Client, limit=2, state="sqlite:///" + sys.argv[2])))
assert one.spent() == before, one.spent()
assert one._engine.account.breaker_open_s() == 0.0
assert get(one.with_options(deadline_s=1.0)) == {"id": "1"}
"""


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server that has the thing."""
    running = RawServer(lambda connection: connection.send(ANSWER))
    yield running
    running.close()


@pytest.mark.parametrize(
    ("what", "arrivals"),
    [(BEFORE, 5), (AFTER, 4), (AMID, 1), (LOCKED, 1), (SHARED, 1), (REFUSED, 2)],
    ids=[
        "before",
        "after",
        "amid the work of threads",
        "while locks are held",
        "with one state",
        "refused for nothing",
    ],
)
def test_a_forked_child(server: RawServer, root: Path, tmp_path: Path, what: str, arrivals: int) -> None:
    """Before the first call it works, with its own quota or the shared one; after, it is refused and never hangs."""
    command = [sys.executable, "-W", "ignore", "-c", PARENT + what, server.url, str(tmp_path / "state.db")]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=60)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert len(server.arrivals) == arrivals
