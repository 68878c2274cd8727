# SPDX-License-Identifier: Apache-2.0
"""A program that calls by tokens until a time of the shared clock; its job is JSON on the command line.

Its threads call whenever so many seconds of the clock have passed, as those of all other processes do at the same
moment: when a token has ended, they all need a new one at once.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from callwell.client import Client
from callwell.clock import parse_clock

AT_ONCE = 3
EVERY_S = 2.5


def _call(job: dict[str, Any]) -> int:
    clock = parse_clock(job["clock"])

    def work(client: Client) -> int:
        done = 0
        while clock.now() < job["until"]:
            client.call("tags.list")
            done += 1
            time.sleep(clock.real_s(EVERY_S - clock.now() % EVERY_S))
        return done

    with (
        Client(
            "apivideo", auth="token", key=job["key"], base_url=job["base_url"], state=job["state"], clock=clock
        ) as api,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        return sum(pool.map(work, [api] * AT_ONCE))


if __name__ == "__main__":
    sys.stdout.write(str(_call(json.loads(sys.argv[1]))))
