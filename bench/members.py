# SPDX-License-Identifier: Apache-2.0
"""One process of a fleet: `python -m bench.members WORKLOAD`. It calls as it was asked to, and prints what came of it.

Operations of the store are counted at Callwell's state: each change or reading of records is one, whatever it takes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.limiters import LIMITERS
from bench.rounds import KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from callwell import AsyncClient

WORKERS: Final = 16
"""Tasks of a process that wants everything."""

END_S: Final = 1.0
"""Seconds in which cancelled calls must have ended."""

FAILED_S: Final = 0.05
"""Seconds after a failed call in which its task makes no other."""

RETRY_S: Final = 0.2
"""Seconds after which a process that found no store tries again."""

OPERATIONS: Final = ("update", "read", "keys", "remove")


class Workload(NamedTuple):
    """What a process does.

    Attributes:
        variant: `callwell` or one of `LIMITERS`.
        address: of the server.
        folder: of the provider's description.
        store: URL or path of what the processes share.
        limit: calls that all may make in a window.
        window_s: the window, in seconds.
        members: processes.
        rate: calls a second; 0 if it wants everything.
        begin_at: when it begins, in seconds of the epoch.
        lasts_s: for how long it calls.
        calls: after this many calls it ends; 0 for no end.
        key: source of the key; empty for the variable.
        first: the number of its first call, by which the server knows it.
    """

    variant: str
    address: str
    folder: str
    store: str
    limit: int
    window_s: float
    members: int
    rate: float
    begin_at: float
    lasts_s: float
    calls: int = 0
    key: str = ""
    first: int = 0


class Counted:
    """How often the state was used."""

    operations = 0


def count_operations(counted: Counted) -> None:
    """Count all uses of both states that processes can share."""
    from callwell.state.postgres import PostgresState
    from callwell.state.sqlite import SqliteState

    def wrap(plain: Callable[..., Any]) -> Callable[..., Any]:
        def use(*args: Any, **kwargs: Any) -> Any:
            counted.operations += 1
            return plain(*args, **kwargs)

        return use

    for state in (SqliteState, PostgresState):
        for name in OPERATIONS:
            setattr(state, name, wrap(getattr(state, name)))


@asynccontextmanager
async def callwell(workload: Workload) -> AsyncIterator[Callable[[int], Awaitable[Any]]]:
    """Callwell with its defaults."""
    from callwell import AsyncClient

    key = workload.key or None
    async with AsyncExitStack() as stack:
        client = await enter_when_there(
            stack, lambda: AsyncClient(workload.folder, base_url=workload.address, state=workload.store, key=key)
        )
        yield lambda number: client.call("items.get", item_id=number)


async def enter_when_there(stack: AsyncExitStack, make: Callable[[], AsyncClient]) -> AsyncClient:
    """Open a client as soon as its store is there: a supervisor would start the process again until then.

    Args:
        stack: closes the client.
        make: makes it.
    """
    from callwell.errors import StateError

    while True:
        try:
            return await stack.enter_async_context(make())
        except StateError:
            await asyncio.sleep(RETRY_S)


@asynccontextmanager
async def stack(workload: Workload) -> AsyncIterator[Callable[[int], Awaitable[Any]]]:
    """httpx, after a permit of a limiter."""
    import httpx

    headers = {"authorization": f"Bearer {os.environ[KEY_VARIABLE]}"}
    async with (
        httpx.AsyncClient(base_url=workload.address, headers=headers) as client,
        LIMITERS[workload.variant](workload) as acquire,
    ):

        async def call(number: int) -> None:
            await acquire()
            answer = await client.get(f"/items/{number}")
            answer.raise_for_status()

        yield call


class Member:
    """The calls of one process.

    Args:
        workload: what it does.
        call: makes the call of a number.
    """

    def __init__(self, workload: Workload, call: Callable[[int], Awaitable[Any]]) -> None:
        self.made = 0
        self.failed = 0
        self._workload = workload
        self._call = call
        self._end = workload.begin_at + workload.lasts_s
        self._said: set[type[Exception]] = set()

    async def run(self) -> None:
        """Call until the end; what still waits then is cancelled."""
        await asyncio.sleep(max(0.0, self._workload.begin_at - time.time()))
        if self._workload.rate:
            tasks = [asyncio.create_task(self._call_evenly())]
        else:
            tasks = [asyncio.create_task(self._call_on()) for _ in range(WORKERS)]
        await asyncio.wait(tasks, timeout=max(0.0, self._end - time.time()))
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=END_S)

    async def _once(self) -> None:
        try:
            await self._call(self._workload.first + self.made)
        except Exception as error:  # noqa: BLE001 - whatever a client raises is a failed call
            if time.time() > self._end:  # the client is closing
                return
            self.failed += 1
            if type(error) not in self._said:
                self._said.add(type(error))
                print(f"{self._workload.variant}: {error!r}"[:300], file=sys.stderr)
            await asyncio.sleep(FAILED_S)
        self.made += 1

    async def _call_on(self) -> None:
        while not self._workload.calls or self.made < self._workload.calls:
            await self._once()

    async def _call_evenly(self) -> None:
        begun = time.time()
        async with asyncio.TaskGroup() as group:
            number = 0
            while True:
                group.create_task(self._once())
                number += 1
                await asyncio.sleep(max(0.0, begun + number / self._workload.rate - time.time()))


async def measure(workload: Workload) -> dict[str, float]:
    """Make the calls."""
    counted = Counted()
    count_operations(counted)
    variant = callwell if workload.variant == "callwell" else stack
    async with variant(workload) as call:
        if workload.calls:
            warm = Member(workload._replace(calls=workload.calls // 5), call)
            await warm.run()
        member = Member(workload, call)
        before = (time.process_time(), time.time(), counted.operations)
        await member.run()
        cpu_s = time.process_time() - before[0]
        real_s = time.time() - before[1]
        operations = counted.operations - before[2]
    return {
        "calls": member.made,
        "failed": member.failed,
        "cpu_s": cpu_s,
        "real_s": real_s,
        "operations": operations,
    }


def main() -> None:
    """Run one process, and print what came of it."""
    from uvloop import new_event_loop

    workload = Workload(**json.loads(sys.argv[1]))
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        print(json.dumps(runner.run(measure(workload))), flush=True)
        os._exit(0)  # threads of a limiter may still wait for a permit, which nothing ends


if __name__ == "__main__":
    main()
