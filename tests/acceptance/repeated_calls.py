# SPDX-License-Identifier: Apache-2.0
"""A program that keeps calling, whatever comes of it, until the provider is well; its job is JSON on the command line.

It prints one JSON object: every call as [began, ended, how, attempts, deadline], and by how many real seconds its own
loop was late at worst, which no deadline can make up for. Times are seconds of the shared clock.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from typing import TYPE_CHECKING, Any, TypeAlias

from callwell.client import AsyncClient
from callwell.clock import parse_clock
from callwell.errors import CallError

if TYPE_CHECKING:
    from callwell.clock import Clock

AT_ONCE = 8
DEADLINES_S = (10.0, 30.0, 60.0, 120.0)
REST_S = (2.0, 30.0)
BEAT_S = 0.02
CALM = 3
"""Calls in a row that must be done before a caller believes that the provider is well."""

Call: TypeAlias = tuple[float, float, str, int, float]


async def _knock(client: AsyncClient, clock: Clock, until: float, dice: random.Random) -> list[Call]:
    calls = list[Call]()
    calm = 0
    while clock.now() < until or calm < CALM:
        began = clock.now()
        deadline_s = dice.choice(DEADLINES_S)
        try:
            answer = await client.with_options(deadline_s=deadline_s).call_raw("me.get")
            how = "done"
            attempts = answer.attempts
        except CallError as error:
            how = type(error).__name__
            attempts = error.attempts
        calls.append((began, clock.now(), how, attempts, deadline_s))
        calm = calm + 1 if how == "done" else 0
        await asyncio.sleep(clock.real_s(dice.uniform(*REST_S)))
    return calls


async def _late(worst: list[float]) -> None:
    while True:
        began = time.monotonic()
        await asyncio.sleep(BEAT_S)
        worst.append(max(worst.pop(), time.monotonic() - began - BEAT_S))


async def _work(job: dict[str, Any]) -> dict[str, Any]:
    clock = parse_clock(job["clock"])
    worst = [0.0]
    watch = asyncio.create_task(_late(worst))
    async with AsyncClient(
        "userplane", key=job["key"], base_url=job["base_url"], state=job["state"], clock=clock
    ) as client:
        all_dice = [random.Random(f"{job['seed']} {number}") for number in range(AT_ONCE)]
        done = await asyncio.gather(*[_knock(client, clock, job["until"], dice) for dice in all_dice])
    watch.cancel()
    return {"calls": [call for calls in done for call in calls], "late_s": worst[0]}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_work(json.loads(sys.argv[1])))))
