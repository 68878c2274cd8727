# SPDX-License-Identifier: Apache-2.0
"""One client in many threads, in one loop after another, and in several at once, over real sockets."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from callwell.client import AsyncClient, Client
from callwell.core.rules.profile import QuotaRule
from callwell.keys import Key
from tests.client.acme import KEY, acme
from tests.client.world import count_held
from tests.contract.raw_server import RawServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.raw_server import Connection

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{"data":{"id":"1"}}'
THING = {"id": "1"}
WINDOW_S = 0.25


class Serving(RawServer):
    """A server that has the thing, and knows when it was asked; it does not answer for `/things/slow`."""

    def __init__(self) -> None:
        self.times: list[float] = []
        super().__init__(self._answer)

    def _answer(self, connection: Connection) -> bool:
        self.times.append(time.monotonic())
        if b"/slow " in self.arrivals[-1].partition(b"\r\n")[0]:
            return connection.hang()
        return connection.send(ANSWER)


@pytest.fixture
def server() -> Iterator[Serving]:
    """A server, closed in the end."""
    running = Serving()
    yield running
    running.close()


def make_client(side: Any, server: Serving, limit: int = 4) -> Any:
    """A client with a narrow quota."""
    provider = acme({"narrow": QuotaRule(limit=limit, window_s=WINDOW_S)})
    return side(provider, key=Key(KEY), base_url=server.url, priority="batch")


async def several(client: Any, count: int) -> list[Any]:
    """Some calls at once."""
    return await asyncio.gather(*[client.call("things.get", thing_id="1") for _ in range(count)])


def check_quota(server: Serving, limit: int) -> None:
    """No window holds more arrivals than the quota."""
    times = sorted(server.times)
    assert all(later - at >= WINDOW_S for at, later in zip(times, times[limit:], strict=False))


def test_sixteen_threads_share_a_client(server: Serving) -> None:
    """Every call is made, within the quota, and nothing is left in hand."""
    client = make_client(Client, server)
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda _: client.call("things.get", thing_id="1"), range(32)))
    assert got == [THING] * 32
    assert count_held(client) == 0
    check_quota(server, 4)
    client.close()


def test_one_loop_after_another(server: Serving) -> None:
    """A client may be used in a second `asyncio.run`, with what it knows of its quota."""
    client = make_client(AsyncClient, server)
    for _ in range(3):
        assert asyncio.run(several(client, 3)) == [THING] * 3
        assert count_held(client) == 0
    check_quota(server, 4)
    asyncio.run(client.aclose())


def test_loops_in_several_threads_at_once(server: Serving) -> None:
    """A caller in one loop is woken by a release in another; none is forgotten."""
    client = make_client(AsyncClient, server)
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: asyncio.run(several(client, 6)), range(4)))
    assert got == [[THING] * 6] * 4
    assert count_held(client) == 0
    check_quota(server, 4)
    asyncio.run(client.aclose())


def test_a_loop_that_ends_amid_its_calls(server: Serving) -> None:
    """What was under way is given up: permits cool, keys come back, and the next loop does not wait for the last."""
    client = make_client(AsyncClient, server, limit=2)

    async def leave() -> None:
        for _ in range(5):
            asyncio.ensure_future(client.call("things.get", thing_id="slow"))  # noqa: RUF006 - dropped on purpose
        await asyncio.to_thread(lambda: (server.arrived.acquire(), server.arrived.acquire()))

    asyncio.run(leave())
    assert count_held(client) == 0
    assert client.spent() == {"narrow": (2, 2)}
    other = make_client(AsyncClient, server, limit=2)
    asyncio.run(leave_and_call(other))
    asyncio.run(client.aclose())
    asyncio.run(other.aclose())


async def leave_and_call(client: Any) -> None:
    """A call right after some were cancelled in line."""
    await several(client, 2)
    waiting = [asyncio.create_task(client.call("things.get", thing_id="1")) for _ in range(3)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    assert await client.call("things.get", thing_id="1") == THING


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_loop_that_is_closed_without_a_word(server: Serving) -> None:
    """Callers of a closed loop keep no other waiting, and what they had comes back."""
    client = make_client(AsyncClient, server, limit=2)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, context: None)
    left: list[asyncio.Task[Any]] = []

    async def leave() -> None:
        assert await several(client, 2) == [THING] * 2
        left.extend(asyncio.create_task(client.call("things.get", thing_id="1")) for _ in range(3))
        while count_held(client) < 3:  # noqa: ASYNC110 - there is no event for a caller in the queue
            await asyncio.sleep(0)

    loop.run_until_complete(leave())
    loop.close()
    assert count_held(client) == 3
    assert asyncio.run(several(client, 4)) == [THING] * 4
    left.clear()
    gc.collect()
    assert count_held(client) == 0
    check_quota(server, 2)
    asyncio.run(client.aclose())


SHORT = """
import asyncio, asyncio.selector_events, sys, time
from callwell.client import AsyncClient
from callwell.keys import Key
from tests.client.acme import KEY, acme

loops = asyncio.selector_events.BaseSelectorEventLoop
wake = loops._write_to_self

def slowly(loop):
    wake(loop)
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        time.sleep(0)

async def main():
    async with AsyncClient(acme(), key=Key(KEY), base_url=sys.argv[1]) as client:
        loops._write_to_self = slowly
        await client.call("things.get", thing_id="1")

asyncio.run(main())
"""


def test_a_short_program_ends_well(server: Serving, root: Path) -> None:
    """A program that ends right after its last response is not aborted, however slow the thread is that brought it."""
    command = [sys.executable, "-c", SHORT, server.url]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
