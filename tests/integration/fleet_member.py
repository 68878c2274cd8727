# SPDX-License-Identifier: Apache-2.0
"""A program that calls one provider with several tasks until it is terminated: one process of a fleet.

Its job is JSON on the command line. At the end it prints how many calls it has made, and how many have failed.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any

from callwell import AsyncClient
from callwell.clock import parse_clock
from callwell.core.rules.profile import QuotaRule, RetryRule
from callwell.errors import CallwellError
from callwell.keys import Key
from tests.client.acme import KEY, acme

RETRY = RetryRule(attempt_s=5.0, max_transit_s=0.2)


async def work(job: dict[str, Any]) -> None:
    """Call until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    counts = {"calls": 0, "failed": 0}
    quotas = {name: QuotaRule(limit=limit, window_s=window_s) for name, (limit, window_s) in job["quotas"].items()}
    provider = acme(quotas, retry=RETRY)
    client = AsyncClient(
        provider,
        key=Key(KEY),
        base_url=job["url"],
        state=job["state"],
        clock=parse_clock(job["clock"]),
        deadline_s=None,
    )

    async def call() -> None:
        while True:
            try:
                await client.call("things.get", thing_id=job["name"])
            except CallwellError as error:
                counts["failed"] += 1
                sys.stderr.write(f"{error!r}\n")
            counts["calls"] += 1
            await asyncio.sleep(job["pause_s"])

    async with client:
        tasks = [asyncio.create_task(call()) for _ in range(job["tasks"])]
        await ended.wait()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    sys.stdout.write(json.dumps(counts) + "\n")


if __name__ == "__main__":
    asyncio.run(work(json.loads(sys.argv[1])))
