# SPDX-License-Identifier: Apache-2.0
"""How many permits a second one process gets, alone: `python -m bench.takes WORKLOAD`.

Callwell's are taken and given back as a call does it, from what the process holds of a shared state; the others are
acquired in the store that is shared.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from typing import Final

from bench.limiters import LIMITERS
from bench.members import Workload

TAKES_S: Final = 1.0
WARM_UP_S: Final = 1.5
PATIENCE_S: Final = 10.0


def callwell(workload: Workload) -> float:
    """Permits a second that a process takes from its lease."""
    from callwell.client.quota.leases.account import LeasedAccount
    from callwell.client.quota.leases.keeper import Keeper, Kept
    from callwell.clock import SystemClock
    from callwell.core.quota.permits import Permit
    from callwell.core.quota.record import PLAIN_SUCCESS
    from callwell.providers import load
    from callwell.state import open_state

    names = ("calls",)
    arrived = threading.Event()
    waiting: dict[tuple[str, ...], int] = {}
    clock = SystemClock()
    state = open_state(workload.store)
    keeper = Keeper(state, clock)
    account = LeasedAccount(load(workload.folder).profile, "bench", clock, keeper.wake)
    keeper.add(Kept(account, lambda: None, lambda: dict(waiting), arrived.set))

    def take() -> None:
        permit = account.acquire(names, retrying=False)
        while not isinstance(permit, Permit):
            waiting[names] = 1
            arrived.clear()
            keeper.wake()
            if not arrived.wait(PATIENCE_S):
                raise SystemExit("bench: no permit came")
            permit = account.acquire(names, retrying=False)
        waiting.clear()
        account.release(names, permit, PLAIN_SUCCESS)

    def rate(seconds: float) -> float:
        begun = time.perf_counter()
        count = 0
        while time.perf_counter() - begun < seconds:
            take()
            count += 1
        return count / (time.perf_counter() - begun)

    rate(WARM_UP_S)
    found = rate(TAKES_S)
    keeper.close()
    state.close()
    return found


async def shared(workload: Workload) -> float:
    """Permits a second that a limiter gives."""
    async with LIMITERS[workload.variant](workload) as acquire:
        await acquire()
        begun = time.perf_counter()
        count = 0
        while time.perf_counter() - begun < TAKES_S:
            await acquire()
            count += 1
        return count / (time.perf_counter() - begun)


def main() -> None:
    """Measure, and print."""
    workload = Workload(**json.loads(sys.argv[1]))
    rate = callwell(workload) if workload.variant == "callwell" else asyncio.run(shared(workload))
    print(json.dumps({"takes_per_s": rate}), flush=True)


if __name__ == "__main__":
    main()
