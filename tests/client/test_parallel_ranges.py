# SPDX-License-Identifier: Apache-2.0
"""Pieces of a file that really come at once, in tasks and in threads, and what is left when somebody leaves."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from callwell.client import Client
from callwell.keys import Key
from callwell.testing import ScriptedTransport
from callwell.transport.base import NoReply
from tests.client._async.scripted_client import AsyncPieces, AsyncStreamingTransport
from tests.client.acme import KEY, acme
from tests.client.many_callers import make_client
from tests.client.storage import CONTENT, SPLIT, Storage, wanted
from tests.client.virtual import LoopClock, run_in_virtual_time
from tests.client.world import count_held
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from callwell.transport.base import Request, Response

PIECES = len(CONTENT) // SPLIT.range_bytes


class SlowPieces(AsyncPieces):
    """A body of which every piece takes a second."""

    async def read(self) -> bytes | NoReply:
        """The next piece, in time."""
        await asyncio.sleep(1.0)
        return await super().read()


class SlowStreaming(AsyncStreamingTransport):
    """Streams that take their time, and the most of them that were open at once."""

    parallel = 0

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Any]:
        """The script's next reply, piece by piece."""
        reply = self._answer(request)
        self.streams += 1
        self.parallel = max(self.parallel, self.streams)
        try:
            yield reply if isinstance(reply, NoReply) else SlowPieces(reply)
        finally:
            self.streams -= 1


def slow(storage: Storage) -> tuple[Any, SlowStreaming]:
    """An asset of that storage, and what it comes through."""
    transport = SlowStreaming(storage)
    client, _ = make_client(provider=acme({}), transport=transport)
    asset = client.asset("things.file", thing_id="1")
    asset._split = SPLIT
    return asset, transport


@pytest.mark.parametrize("ranges", [2, 4, 8])
def test_pieces_come_at_once(tmp_path: Path, ranges: int) -> None:
    """As many as were requested: the file takes as long as its pieces divided by their number."""

    async def work() -> None:
        asset, transport = slow(Storage())
        began = LoopClock().now()
        await asset.save(tmp_path / "f", ranges=ranges)
        assert (tmp_path / "f").read_bytes() == CONTENT
        assert LoopClock().now() - began == pytest.approx(PIECES / ranges, abs=0.1)
        assert transport.parallel <= ranges + 1

    run_in_virtual_time(work)


@pytest.mark.parametrize("moment", [0.5, 1.5])
def test_a_caller_that_leaves_takes_all_workers_with_it(tmp_path: Path, moment: float) -> None:
    """Cancelled in the middle: no task, no open answer, no file."""

    async def work() -> None:
        asset, transport = slow(Storage())
        task = asyncio.create_task(asset.save(tmp_path / "f"))
        await asyncio.sleep(moment)
        assert transport.streams == 4 + (moment > 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert transport.streams == 0

    run_in_virtual_time(work)
    assert list(tmp_path.iterdir()) == []


def threaded(reply: Any) -> tuple[Client, Any]:
    """A sync client and an asset of that storage."""
    client = Client(acme({}), key=Key(KEY), transport=ScriptedTransport(reply))
    asset = client.asset("things.file", thing_id="1")
    asset._split = SPLIT
    return client, asset


def test_threads_fetch_pieces_at_once(tmp_path: Path) -> None:
    """The second to fourth piece come only when all three have been requested."""
    storage = Storage()
    gate = threading.Barrier(3)

    def reply(request: Request) -> Response | NoReply:
        if 1 <= wanted(request)[0] // SPLIT.range_bytes <= 3:
            gate.wait(timeout=PATIENCE_S)
        return storage(request)

    client, asset = threaded(reply)
    asset.save(tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert count_held(client) == 0


def test_a_thread_that_comes_late_writes_nothing(tmp_path: Path) -> None:
    """A save that was ended does not wait for a thread that waits for its bytes, and gets none of them later."""
    storage = Storage()
    go_on = threading.Event()
    reported = list[int]()

    def reply(request: Request) -> Response | NoReply:
        if wanted(request)[0] == SPLIT.range_bytes:
            go_on.wait(timeout=PATIENCE_S)
        return storage(request)

    def fail(size: int) -> None:
        reported.append(size)
        raise KeyError(size)

    _, asset = threaded(reply)
    with pytest.raises(KeyError):
        asset.save(tmp_path / "f", progress=fail)
    assert list(tmp_path.iterdir()) == []
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "callwell-ahead":
            thread.join()
    assert len(reported) == 1
