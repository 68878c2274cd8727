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

NAMES: Final = ("calls",)
TAKES_S: Final = 1.0
WARM_UP_S: Final = 1.5
PATIENCE_S: Final = 10.0


class OneCaller:
    """A caller that waits for permits."""

    names = NAMES

    def __init__(self) -> None:
        self.waiting = 0
        self.arrived = threading.Event()

    def count_waiting(self) -> int:
        """How many callers wait."""
        return self.waiting

    def wake_first(self) -> None:
        """Permits may have arrived."""
        self.arrived.set()


def callwell(workload: Workload) -> float:
    """Permits a second that a process takes from its lease."""
    from callwell.client.quota.shared_accounts import ACCOUNTS
    from callwell.clock import SystemClock
    from callwell.core.quota.permits import Permit
    from callwell.core.quota.record import PLAIN_SUCCESS
    from callwell.providers import load
    from callwell.state import open_state

    state = open_state(workload.store)
    account_handle = ACCOUNTS.join(load(workload.folder).profile, "bench", state, SystemClock())
    account = account_handle.account
    queue = OneCaller()
    account.add_queue(queue)

    def take() -> None:
        permit = account.acquire(NAMES, retrying=False)
        while not isinstance(permit, Permit):
            queue.waiting = 1
            queue.arrived.clear()
            permit = account.acquire(NAMES, retrying=False)
            if not isinstance(permit, Permit) and not queue.arrived.wait(PATIENCE_S):
                raise SystemExit("bench: no permit came")
        queue.waiting = 0
        account.release(NAMES, permit, PLAIN_SUCCESS)

    def rate(seconds: float) -> float:
        begun = time.perf_counter()
        count = 0
        while time.perf_counter() - begun < seconds:
            take()
            count += 1
        return count / (time.perf_counter() - begun)

    rate(WARM_UP_S)
    found = rate(TAKES_S)
    account_handle.release()
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
