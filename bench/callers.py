# SPDX-License-Identifier: Apache-2.0
"""One variant of the overhead benchmark in its own process: `python -m bench.callers WORKLOAD`.

Each variant is a context manager around one function, which makes the call of a given number and gives the item:
Callwell with everything on, the bare transport, and the usual stack, on both sides.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.described import ITEM, LIMIT
from bench.rounds import KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

IN_FLIGHT: Final = 64
"""Tasks that call without a pause on the async side. The sync side is one thread, one call after the other."""

TIMEOUT_S: Final = 60.0
ATTEMPTS: Final = 6
DAY_S: Final = 86_400


class Workload(NamedTuple):
    """What to measure.

    Attributes:
        variant: one of `ASYNC` or `SYNC`.
        address: of the server.
        folder: of the provider's description.
        warm_up: calls that are made first, and not measured.
        calls: that are measured.
    """

    variant: str
    address: str
    folder: str
    warm_up: int
    calls: int


def _headers() -> dict[str, str]:
    return {"authorization": f"Bearer {os.environ[KEY_VARIABLE]}", "accept": "application/json"}


@asynccontextmanager
async def callwell_async(workload: Workload) -> AsyncIterator[Callable[[int], Awaitable[Any]]]:
    """Callwell with its defaults: quotas, retries, budget, key."""
    from callwell import AsyncClient

    async with AsyncClient(workload.folder, base_url=workload.address) as client:
        yield lambda number: client.call("items.get", item_id=number)


@contextmanager
def callwell_sync(workload: Workload) -> Iterator[Callable[[int], Any]]:
    """Callwell with its defaults: quotas, retries, budget, key."""
    from callwell import Client

    with Client(workload.folder, base_url=workload.address) as client:
        yield lambda number: client.call("items.get", item_id=number)


@asynccontextmanager
async def bare_async(workload: Workload) -> AsyncIterator[Callable[[int], Awaitable[Any]]]:
    """The transport's own library: request, read the body, decode."""
    from msgspec.json import decode
    from pyreqwest.client import ClientBuilder

    builder = ClientBuilder().http1_only().no_proxy().default_headers(_headers()).timeout(timedelta(seconds=TIMEOUT_S))
    async with builder.build() as client:

        async def call(number: int) -> Any:
            answer = await client.get(f"{workload.address}/items/{number}").build().send()
            return decode(await answer.bytes())["data"]

        yield call


@contextmanager
def bare_sync(workload: Workload) -> Iterator[Callable[[int], Any]]:
    """The transport's own library: request, read the body, decode."""
    from msgspec.json import decode
    from pyreqwest.client import SyncClientBuilder

    builder = SyncClientBuilder().http1_only().no_proxy().default_headers(_headers())
    with builder.timeout(timedelta(seconds=TIMEOUT_S)).build() as client:
        yield lambda number: decode(client.get(f"{workload.address}/items/{number}").build().send().bytes())["data"]


def _retrying() -> Any:
    import httpx
    from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

    def passing(error: BaseException) -> bool:
        if isinstance(error, httpx.HTTPStatusError):
            return bool(error.response.status_code == httpx.codes.TOO_MANY_REQUESTS or error.response.is_server_error)
        return isinstance(error, httpx.TransportError)

    wait = wait_random_exponential(multiplier=0.5, max=20)
    return retry(retry=retry_if_exception(passing), stop=stop_after_attempt(ATTEMPTS), wait=wait, reraise=True)


@asynccontextmanager
async def stack_async(workload: Workload) -> AsyncIterator[Callable[[int], Awaitable[Any]]]:
    """The usual stack, with the same duties as far as it has them: httpx, tenacity, aiolimiter."""
    import httpx
    from aiolimiter import AsyncLimiter

    minute = AsyncLimiter(LIMIT, 60)
    day = AsyncLimiter(LIMIT, DAY_S)
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    session = httpx.AsyncClient(base_url=workload.address, headers=_headers(), limits=limits, timeout=TIMEOUT_S)
    async with session as client:

        async def attempt(number: int) -> Any:
            async with minute, day:
                answer = await client.get(f"/items/{number}")
            answer.raise_for_status()
            return answer.json()["data"]

        yield _retrying()(attempt)


@contextmanager
def stack_sync(workload: Workload) -> Iterator[Callable[[int], Any]]:
    """The usual stack, with the same duties as far as it has them: httpx, tenacity, pyrate-limiter."""
    import httpx
    from pyrate_limiter import Duration, Limiter, Rate

    # It takes no two limits that are the same.
    limiter = Limiter([Rate(LIMIT, Duration.MINUTE), Rate(LIMIT + 1, Duration.DAY)])
    with httpx.Client(base_url=workload.address, headers=_headers(), timeout=TIMEOUT_S) as client:

        def attempt(number: int) -> Any:
            limiter.try_acquire("bench")
            answer = client.get(f"/items/{number}")
            answer.raise_for_status()
            return answer.json()["data"]

        yield _retrying()(attempt)
    limiter.close()


ASYNC: Final[dict[str, Callable[[Workload], AbstractAsyncContextManager[Callable[[int], Awaitable[Any]]]]]] = {
    "callwell_uvloop": callwell_async,
    "bare_uvloop": bare_async,
    "stack_uvloop": stack_async,
    "callwell_asyncio": callwell_async,
    "bare_asyncio": bare_async,
}

SYNC: Final[dict[str, Callable[[Workload], AbstractContextManager[Callable[[int], Any]]]]] = {
    "callwell_sync": callwell_sync,
    "bare_sync": bare_sync,
    "stack_sync": stack_sync,
}


async def _in_flight(call: Callable[[int], Awaitable[Any]], calls: int) -> None:
    numbers = iter(range(calls))

    async def work() -> None:
        for number in numbers:
            _see(await call(number))

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(work())


def _see(item: Any) -> None:
    if item["id"] != ITEM["id"]:
        raise SystemExit(f"bench: another item: {item!r}")


async def _measured_async(workload: Workload) -> dict[str, float]:
    async with ASYNC[workload.variant](workload) as call:
        await _in_flight(call, workload.warm_up)
        gc.collect()
        before = time.perf_counter(), time.process_time()
        await _in_flight(call, workload.calls)
        return _spent(workload, before)


def _measured_sync(workload: Workload) -> dict[str, float]:
    with SYNC[workload.variant](workload) as call:
        for number in range(workload.warm_up):
            _see(call(number))
        gc.collect()
        before = time.perf_counter(), time.process_time()
        for number in range(workload.calls):
            _see(call(number))
        return _spent(workload, before)


def _spent(workload: Workload, before: tuple[float, float]) -> dict[str, float]:
    real_s = time.perf_counter() - before[0]
    cpu_s = time.process_time() - before[1]
    return {"cpu_us": cpu_s / workload.calls * 1e6, "real_us": real_s / workload.calls * 1e6}


def main() -> None:
    """Measure one workload, and print what it took."""
    workload = Workload(**json.loads(sys.argv[1]))
    if workload.variant in SYNC:
        sample = _measured_sync(workload)
    elif workload.variant.endswith("_uvloop"):
        from uvloop import new_event_loop

        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            sample = runner.run(_measured_async(workload))
    else:
        sample = asyncio.run(_measured_async(workload))
    print(json.dumps(sample), flush=True)


if __name__ == "__main__":
    main()
