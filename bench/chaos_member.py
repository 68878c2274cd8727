# SPDX-License-Identifier: Apache-2.0
"""One process of the chaos run: `python -m bench.chaos_member TASK`. It reads items, and creates links exactly once.

Each link has a name, and two processes create the same ones. A process that was killed begins again with the first link
that it does not know to be done.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.members import END_S, Member, Workload, callwell, enter_when_there

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from callwell import AsyncClient

EVERY_S: Final = 6.0
"""Seconds between two links of a process: eight processes need half of the quota, and as much for looking links up."""

PAIR: Final = 2
"""Processes that create the same links."""

NAME: Final = "chaos-"
"""What the names of these links begin with: the emulator has others."""


class ChaosTask(NamedTuple):
    """What a process does.

    Attributes:
        workload: what it reads, as `Workload` has it.
        slot: the number of the process.
        address: of the emulated Userplane.
        key: of it.
        target: the workspace and the domain of the links.
        done: the file of its `DoneLinks`.
    """

    workload: dict[str, Any]
    slot: int
    address: str
    key: str
    target: dict[str, str]
    done: str


class DoneLinks:
    """The links that a process knows to be done: a file with a line for each, which outlives it.

    Args:
        path: of the file; its name is the slot of the process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()

    def names(self) -> list[str]:
        """Their names, in order."""
        numbers = range(len(self._path.read_text(encoding="ascii").splitlines()))
        return [self._name(number) for number in numbers]

    def next_name(self) -> str:
        """The name of the first link that is not known to be done."""
        return self._name(len(self.names()))

    def add(self) -> None:
        """Note that the next one is done."""
        with self._path.open("a", encoding="ascii") as file:
            file.write("done\n")

    def _name(self, number: int) -> str:
        return f"{NAME}{int(self._path.name) // PAIR}-{number}"


async def create_links(client: AsyncClient, task: ChaosTask) -> None:
    """Create one link after the other, until cancelled."""
    from callwell import CallwellError

    done = DoneLinks(Path(task.done))
    while True:
        name = done.next_name()
        with suppress(CallwellError):  # it is taken up again under the same name
            once = client.with_options(exactly_once=name)
            await once.call("links.create", **task.target, link_reference=name)
            done.add()
        await asyncio.sleep(EVERY_S)


async def open_clients(stack: AsyncExitStack, task: ChaosTask) -> tuple[Callable[[int], Awaitable[Any]], AsyncClient]:
    """The function that reads an item, and a client of Userplane, as soon as the store is there."""
    from callwell import AsyncClient, Key

    workload = Workload(**task.workload)
    key = Key(task.key)
    call = await stack.enter_async_context(callwell(workload))
    userplane = await enter_when_there(
        stack,
        lambda: AsyncClient("userplane", key=key, base_url=task.address, state=workload.store, deadline_s=None),
    )
    return call, userplane


async def run(task: ChaosTask) -> dict[str, int]:
    """Read and create until the end."""
    workload = Workload(**task.workload)
    async with AsyncExitStack() as stack:
        call, userplane = await open_clients(stack, task)
        member = Member(workload, call)
        await asyncio.sleep(max(0.0, workload.begin_at - time.time()))
        creating = asyncio.create_task(create_links(userplane, task))
        await member.run()
        creating.cancel()
        await asyncio.wait([creating], timeout=END_S)
    return {"calls": member.made, "failed": member.failed}


def main() -> None:
    """Run one process, and print what came of it."""
    from uvloop import new_event_loop

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        print(json.dumps(runner.run(run(ChaosTask(**json.loads(sys.argv[1]))))), flush=True)


if __name__ == "__main__":
    main()
