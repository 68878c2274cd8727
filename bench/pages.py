# SPDX-License-Identifier: Apache-2.0
"""How much faster a walk over pages is than one page after the other, and how much memory it needs.

A sequential loop is nothing but the same wait many times over, so its time per page is taken from a tenth of the pages.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from bench import described, rounds, server
from bench.page_server import DELAY_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.rounds import Sample

DEPTH: Final = 8
ROUNDS: Final = 3
PAGES: Final = {"walk": 2_000, "short_walk": 500, "one_by_one": 200, "bare": 200}
"""Pages of each variant."""

UPSTREAM: Final = "upstream pages { server 127.0.0.1:%d; keepalive 64; }"
LOCATION: Final = """\
location = /items {
    proxy_pass http://pages;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffers 16 16k;
    keepalive_timeout 75s;
}"""


def run() -> Sample:
    """Measure."""
    with described.folder() as folder, _page_server() as port, server.Nginx(LOCATION, more=UPSTREAM % port) as nginx:

        def measure(variant: str) -> Sample:
            pages = PAGES[variant]
            workload = {"variant": variant.removeprefix("short_"), "address": nginx.address, "folder": folder}
            sample = rounds.run_child("bench.walkers", workload | {"pages": pages, "depth": DEPTH})
            return sample | {"connections": nginx.check_requests(pages + 1)}

        done = rounds.run_interleaved(list(PAGES), ROUNDS, measure)
    ratios = {
        "vs_sequential": rounds.ratio(done, "one_by_one", "walk", "page_ms"),
        "vs_sequential_bare": rounds.ratio(done, "bare", "walk", "page_ms"),
    }
    walks = {str(PAGES[name]): name for name in ("short_walk", "walk")}
    return rounds.summarize(ratios) | {
        "in_order": all(run[name]["in_order"] for run in done for name in walks.values()),
        "peak_mib": {pages: round(rounds.median(done, name, "peak_mib"), 1) for pages, name in walks.items()},
        "growth_mib": {pages: round(rounds.median(done, name, "growth_mib"), 1) for pages, name in walks.items()},
        "depth": done[0]["walk"]["depth"],
        "depth_wanted": DEPTH,
        "page_ms": {name: round(rounds.median(done, name, "page_ms"), 2) for name in PAGES},
        "connections": {name: max(run[name]["connections"] for run in done) for name in PAGES},
        "latency_ms": DELAY_S * 1e3,
        "items_per_page": described.ITEMS,
        "pages": PAGES,
        "rounds": ROUNDS,
        "aborted_at_exit": rounds.count_aborted(done),
        "counted": "every page, in nginx's access log",
    }


@contextmanager
def _page_server() -> Iterator[int]:
    port = server.free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.page_server:app", "--port", str(port), "--log-level", "warning"]
    command += ["--no-access-log", "--lifespan", "off", "--timeout-keep-alive", "75"]
    with subprocess.Popen(command, cwd=rounds.ROOT, env=rounds.environment()) as process:
        try:
            server.answers(port, process)
            yield port
        finally:
            process.terminate()
