# SPDX-License-Identifier: Apache-2.0
"""What a call costs: CPU time of the client process, against the bare transport and the usual stack."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from bench import described, rounds, server
from bench.callers import ASYNC, IN_FLIGHT, SYNC

if TYPE_CHECKING:
    from bench.rounds import Sample

ROUNDS: Final = 9
WARM_UP: Final = 1_000
CALLS: Final = {
    "callwell_uvloop": 6_000,
    "bare_uvloop": 15_000,
    "stack_uvloop": 1_500,
    "callwell_asyncio": 6_000,
    "bare_asyncio": 12_000,
    "callwell_sync": 5_000,
    "bare_sync": 10_000,
    "stack_sync": 2_500,
}
"""Measured calls of each variant: about a second each. Many short rounds suffer less from a busy machine than few long
ones, and what is compared runs side by side."""

VERSIONS: Final = ("callwell", "pyreqwest", "msgspec", "uvloop", "httpx", "tenacity", "aiolimiter", "pyrate-limiter")


def run() -> Sample:
    """Measure."""
    body = json.dumps({"data": described.ITEM}, separators=(",", ":"))
    with described.folder() as folder, server.Nginx(f"location /items/ {{ return 200 '{body}'; }}") as nginx:

        def measure(variant: str) -> Sample:
            calls = CALLS[variant]
            workload = {"variant": variant, "address": nginx.address, "folder": folder}
            sample = rounds.run_child("bench.callers", workload | {"warm_up": WARM_UP, "calls": calls})
            return sample | {"connections": nginx.check_requests(WARM_UP + calls)}

        done = rounds.run_interleaved(list(CALLS), ROUNDS, measure)
    ratios = {
        "async_vs_stack": rounds.ratio(done, "stack_uvloop", "callwell_uvloop", "cpu_us"),
        "async_vs_bare": rounds.ratio(done, "callwell_uvloop", "bare_uvloop", "cpu_us"),
        "async_vs_bare_asyncio": rounds.ratio(done, "callwell_asyncio", "bare_asyncio", "cpu_us"),
        "sync_vs_stack": rounds.ratio(done, "stack_sync", "callwell_sync", "cpu_us"),
        "sync_vs_bare": rounds.ratio(done, "callwell_sync", "bare_sync", "cpu_us"),
    }
    return rounds.summarize(ratios) | {
        "cpu_us_per_call": {name: round(rounds.median(done, name, "cpu_us"), 1) for name in (*ASYNC, *SYNC)},
        "real_us_per_call": {name: round(rounds.median(done, name, "real_us"), 1) for name in (*ASYNC, *SYNC)},
        "connections": {name: max(run[name]["connections"] for run in done) for name in (*ASYNC, *SYNC)},
        "in_flight": {"async": IN_FLIGHT, "sync": 1},
        "rounds": ROUNDS,
        "calls": CALLS,
        "aborted_at_exit": rounds.count_aborted(done),
        "counted": "every call, in nginx's access log",
        "versions": {name: version(name) for name in VERSIONS} | {"nginx": server.version()},
    }
