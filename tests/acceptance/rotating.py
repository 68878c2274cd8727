# SPDX-License-Identifier: Apache-2.0
"""A program of `test_rotation`: makes calls until it is stopped, and prints which key is in use and what has failed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

from msgspec.structs import replace

from callwell import AsyncClient, CallwellError
from callwell.observe.notices import KeyChanged, Waiting
from callwell.providers import load

WORKERS = 4
PLENTY = 10_000_000
"""Permits of each quota: the load is on the keys."""


def say(event: str, **values: Any) -> None:
    """Print an event as a line of JSON."""
    sys.stdout.write(json.dumps({"event": event, "at": time.time(), **values}) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Call until the stop file is there, or a call has failed."""
    described = load("userplane")
    profile = described.profile
    quotas = {name: replace(quota, limit=PLENTY) for name, quota in profile.quotas.items()}
    stop = os.environ["STOP_FILE"]
    failures: list[str] = []
    done = 0

    def on_notice(notice: object) -> None:
        if isinstance(notice, KeyChanged):
            say("key", fingerprint=notice.fingerprint)
        elif isinstance(notice, Waiting) and notice.reason == "key":
            say("waiting")

    async def work(client: AsyncClient) -> None:
        nonlocal done
        while not os.access(stop, os.F_OK) and not failures:
            try:
                await client.call("workspaces.list")
            except CallwellError as error:
                failures.append(f"{type(error).__name__}: {error}")
            done += 1
            if done % 50 == 0:
                say("calling")
            await asyncio.sleep(0.005)

    async with AsyncClient(
        replace(described, profile=replace(profile, quotas=quotas)),
        base_url=os.environ["USERPLANE_BASE_URL"],
        key=os.environ["USERPLANE_KEY"],
        state=os.environ["CALLWELL_STATE"],
        on_notice=on_notice,
    ) as client:
        await asyncio.gather(*(work(client) for _ in range(WORKERS)))
    say("end", failed=len(failures), done=done, failures=failures[:3])


asyncio.run(main())
