# SPDX-License-Identifier: Apache-2.0
"""A forked child that may not send costs its parent nothing: no permit, and no breaker."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.contract.raw_server import RawServer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{"data":{"id":"1"}}'
CHILDREN = 12

PARENT = """
import asyncio, os, sys
from callwell.client import AsyncClient, Client
from callwell.core.rules.profile import QuotaRule
from callwell.errors import UsageError
from callwell.keys import Key
from tests.client.acme import KEY, acme

side = {"sync": Client, "async": AsyncClient}[sys.argv[3]]
client = side(acme({"hour": QuotaRule(limit=9, window_s=3600)}), key=Key(KEY), base_url=sys.argv[1], state=sys.argv[2])

def get():
    answer = client.call("things.make", name="n")
    return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer

get()
for _ in range(int(sys.argv[4])):
    pid = os.fork()
    if not pid:
        try:
            get()
        except UsageError:
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert client.spent() == {"hour": (1, 9)}, client.spent()
assert get() == {"id": "1"}
"""


@pytest.mark.parametrize("side", ["sync", "async"])
def test_children_that_may_not_send_cost_nothing(side: str, tmp_path: Path) -> None:
    """More of them than failures that open a breaker, on a state that they share: the parent goes on at once."""
    server = RawServer(lambda connection: connection.send(ANSWER))
    try:
        arguments = [server.url.rstrip("/"), f"sqlite:///{tmp_path}/state.db", side, str(CHILDREN)]
        ended = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PARENT, *arguments], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        assert len(server.arrivals) == 2
    finally:
        server.close()
