# SPDX-License-Identifier: Apache-2.0
"""A program that begins to make one video exactly once, ends the call without a record, and lives on.

Its job is JSON on the command line; `how` is the way in which the call ends. It says `left` when that has happened,
and stays until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING, Any

from callwell import AsyncClient, Client
from callwell.clock import parse_clock
from callwell.core.call import Phase
from callwell.errors import CallwellError, StateError
from callwell.state import open_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from callwell.state import Cell, State


class FailingState:
    """The state of a file, with a ledger that cannot be written once a call is in flight.

    Args:
        url: of the state.
    """

    shared = True

    def __init__(self, url: str) -> None:
        self._state = open_state(url)
        self._in_flight = False

    @property
    def call_locks(self) -> Path | None:
        """As it is."""
        return self._state.call_locks

    @property
    def address(self) -> str:
        """Its own: another process uses the same records."""
        return f"{self._state.address} of {id(self):x}"

    def clone(self) -> State:
        """What outlives the process: permits come from there."""
        return self._state.clone()

    def update(self, cell: Cell[Any], change: Callable[[Any], tuple[Any, Any]]) -> Any:
        """As long as it works."""
        if not cell.key.startswith("once:"):
            return self._state.update(cell, change)
        if self._in_flight:
            raise StateError("the disk is full")
        answer = self._state.update(cell, change)
        call = self._state.read(cell).call
        self._in_flight = call is not None and call.phase is Phase.IN_FLIGHT
        return answer

    def read(self, cell: Cell[Any]) -> Any:
        """As it is."""
        return self._state.read(cell)

    def keys(self, prefix: str) -> list[str]:
        """As they are."""
        return self._state.keys(prefix)

    def notify(self, topic: str) -> None:
        """As it does."""
        self._state.notify(topic)

    def listen(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """As it does."""
        return self._state.listen(callback)

    def remove(self, prefix: str) -> None:
        """As it is."""
        self._state.remove(prefix)

    def close(self) -> None:
        """As it is."""
        self._state.close()


def _fail(options: dict[str, Any], name: str) -> object:
    """The response is lost, and what follows cannot be recorded."""
    client = Client("apivideo", **{**options, "state": FailingState(options["state"])})
    try:
        client.with_options(exactly_once=name).videos.create(title=name)
    except CallwellError:
        return client
    raise AssertionError("the call ended well")


def _cancel(options: dict[str, Any], name: str) -> object:
    """The task is cancelled, which cannot be recorded."""
    client = AsyncClient("apivideo", **{**options, "state": FailingState(options["state"])})

    async def cancelled() -> None:
        task = await _in_flight(client, name)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(cancelled())
    return client


def _lose(options: dict[str, Any], name: str) -> object:
    """The loop is closed, and the task stays as it is."""
    client = AsyncClient("apivideo", **options)
    loop = asyncio.new_event_loop()
    task = loop.run_until_complete(_in_flight(client, name))
    loop.close()
    return client, task


async def _in_flight(client: Any, name: str) -> asyncio.Task[Any]:
    """A call that is about to send its request."""
    task = asyncio.create_task(client.with_options(exactly_once=name).videos.create(title=name))
    while not any(entry.call and entry.call.phase is Phase.IN_FLIGHT for entry in client.ledger.entries()):  # noqa: ASYNC110 - there is no event when a step is recorded
        await asyncio.sleep(0)
    return task


def main() -> None:
    """Begin, leave, and stay."""
    job = json.loads(sys.argv[1])
    ways: dict[str, Callable[[dict[str, Any], str], object]] = {"fail": _fail, "cancel": _cancel, "lose": _lose}
    options = {
        "key": job["key"],
        "base_url": job["base_url"],
        "state": job["state"],
        "clock": parse_clock(job["clock"]),
        "deadline_s": None,
    }
    kept = ways[job["how"]](options, job["name"])
    sys.stdout.write("left\n")
    sys.stdout.flush()
    while kept:
        signal.pause()


if __name__ == "__main__":
    main()
