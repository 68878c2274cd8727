# SPDX-License-Identifier: Apache-2.0
"""Quotas that processes share, by the libraries that people use for it: each is a function that waits for a permit.

All are used as their documentation says. Two of them never wait by themselves: those are asked again when they say
that there may be a permit.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from bench.members import Workload

POLL_S: Final = 0.01
"""Seconds until a limiter that does not say when is asked again."""


@asynccontextmanager
async def pyrate_sqlite(workload: Workload) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    """PyrateLimiter in an SQLite file, with the file lock that it wants for several processes."""
    from pyrate_limiter import Limiter, Rate, SQLiteBucket

    rates = [Rate(workload.limit, round(workload.window_s * 1000))]
    limiter = Limiter(SQLiteBucket.init_from_file(rates, db_path=workload.store, use_file_lock=True))
    yield lambda: asyncio.to_thread(limiter.try_acquire, "bench")
    limiter.close()


@asynccontextmanager
async def pyrate_postgres(workload: Workload) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    """PyrateLimiter in a table of PostgreSQL."""
    from psycopg_pool import ConnectionPool
    from pyrate_limiter import Limiter, PostgresBucket, Rate

    with ConnectionPool(workload.store, min_size=1, max_size=2, open=True) as pool:
        rates = [Rate(workload.limit, round(workload.window_s * 1000))]
        limiter = Limiter(PostgresBucket(pool, "bench", rates))
        yield lambda: asyncio.to_thread(limiter.try_acquire, "bench")
        limiter.close()


@asynccontextmanager
async def limits_redis(workload: Workload) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    """`limits` in Redis, with its exact strategy, the moving window."""
    from limits import RateLimitItemPerSecond
    from limits.aio.storage import RedisStorage
    from limits.aio.strategies import MovingWindowRateLimiter

    item = RateLimitItemPerSecond(workload.limit, round(workload.window_s))
    limiter = MovingWindowRateLimiter(RedisStorage(f"async+{workload.store}", implementation="redispy"))

    async def acquire() -> None:
        while not await limiter.hit(item, "bench"):
            stats = await limiter.get_window_stats(item, "bench")
            await asyncio.sleep(max(POLL_S, stats.reset_time - time.time()))

    yield acquire


@asynccontextmanager
async def divided(workload: Workload) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    """This process's part of the quota in aiolimiter: each gets the same."""
    from aiolimiter import AsyncLimiter

    limiter = AsyncLimiter(workload.limit / workload.members, workload.window_s)
    yield limiter.acquire


LIMITERS: Final[dict[str, Callable[[Workload], AbstractAsyncContextManager[Callable[[], Awaitable[Any]]]]]] = {
    "pyrate_sqlite": pyrate_sqlite,
    "pyrate_postgres": pyrate_postgres,
    "limits_redis": limits_redis,
    "divided": divided,
}
