# SPDX-License-Identifier: Apache-2.0
"""A program that calls without a pause until a time of the shared clock; its job is JSON on the command line."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from callwell.client import AsyncClient
from callwell.clock import parse_clock

AT_ONCE = 6


async def _call(job: dict[str, Any]) -> int:
    clock = parse_clock(job["clock"])
    until = job["until"]

    async def work(client: AsyncClient) -> int:
        done = 0
        while clock.now() < until:
            await client.call("me.get")
            done += 1
        return done

    async with AsyncClient(
        "userplane", key=job["key"], base_url=job["base_url"], state=job["state"], clock=clock, priority="batch"
    ) as client:
        return sum(await asyncio.gather(*[work(client) for _ in range(AT_ONCE)]))


if __name__ == "__main__":
    sys.stdout.write(str(asyncio.run(_call(json.loads(sys.argv[1])))))
