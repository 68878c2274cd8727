# SPDX-License-Identifier: Apache-2.0
"""One walk of the pages benchmark in its own process: `python -m bench.walkers WORKLOAD`."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.described import ITEMS
from bench.rounds import KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KIB: Final = 1024


class Workload(NamedTuple):
    """What to measure.

    Attributes:
        variant: `walk`, `one_by_one` or `bare`.
        address: of the server.
        folder: of the provider's description.
        pages: that the list has.
        depth: pages that a walk may have under way.
    """

    variant: str
    address: str
    folder: str
    pages: int
    depth: int


async def walk(workload: Workload) -> dict[str, Any]:
    """Callwell's pager over the whole list. Nothing is kept; each item is checked as it comes."""
    from callwell import AsyncClient

    expected = 0
    in_order = True
    async with AsyncClient(workload.folder, base_url=workload.address) as client:
        await client.call("items.list", page=1, per_page=ITEMS, total=1)
        before_mib = _peak_mib()
        began = time.perf_counter()
        pager = client.pages("items.list", total=workload.pages).ahead(workload.depth)
        async for item in pager:
            in_order = in_order and item["id"] == expected
            expected += 1
        real_s = time.perf_counter() - began
    complete = pager.verdict.end == "complete" and expected == workload.pages * ITEMS
    return {
        "page_ms": real_s / workload.pages * 1e3,
        "in_order": in_order and complete,
        "depth": workload.depth,
        "peak_mib": _peak_mib(),
        "growth_mib": _peak_mib() - before_mib,
    }


async def one_by_one(workload: Workload) -> dict[str, Any]:
    """Callwell, one call for each page, one after the other."""
    from callwell import AsyncClient

    async with AsyncClient(workload.folder, base_url=workload.address) as client:

        async def page(number: int) -> Any:
            return await client.call("items.list", page=number, per_page=ITEMS, total=workload.pages)

        return await _sequential(page, workload.pages)


async def bare(workload: Workload) -> dict[str, Any]:
    """The transport's own library in a plain loop."""
    from msgspec.json import decode
    from pyreqwest.client import ClientBuilder

    headers = {"authorization": f"Bearer {os.environ[KEY_VARIABLE]}"}
    async with ClientBuilder().http1_only().no_proxy().default_headers(headers).build() as client:

        async def page(number: int) -> Any:
            url = f"{workload.address}/items?page={number}&per_page={ITEMS}&total={workload.pages}"
            answer = await client.get(url).build().send()
            return decode(await answer.bytes())["data"]

        return await _sequential(page, workload.pages)


async def _sequential(page: Callable[[int], Awaitable[Any]], pages: int) -> dict[str, Any]:
    await page(1)
    began = time.perf_counter()
    for number in range(1, pages + 1):
        if len((await page(number))["items"]) != ITEMS:
            raise SystemExit(f"bench: page {number} is not whole")
    return {"page_ms": (time.perf_counter() - began) / pages * 1e3}


def _peak_mib() -> float:
    """The most memory that the process has held so far.

    Where there is no /proc, it is what the system says of it, which may include the moments before it was this program.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / KIB
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB / KIB


def main() -> None:
    """Measure one workload, and print what it took."""
    from callwell.client.concurrency.event_loop import run

    workload = Workload(**json.loads(sys.argv[1]))
    measure = {"walk": walk, "one_by_one": one_by_one, "bare": bare}[workload.variant]
    print(json.dumps(run(measure(workload))), flush=True)


if __name__ == "__main__":
    main()
