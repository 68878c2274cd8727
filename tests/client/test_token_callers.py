# SPDX-License-Identifier: Apache-2.0
"""Many callers that need tokens at once: one obtains them, whichever is cancelled or dies, and none is forgotten."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.client import Client
from callwell.clock import scaled_clock
from callwell.core.tokens import LEASE_S
from callwell.keys import Key
from callwell.state import MemoryState
from callwell.testing import ScriptedTransport
from tests.client.acme import KEY, KEYS, TOKENS, acme
from tests.client.many_callers import get, make_client
from tests.client.mint import PROVIDER, Mint
from tests.client.virtual import CancelledAt, LoopClock, run_in_virtual_time
from tests.client.world import LOST
from tests.processes.scaled_clock import scale


def virtual(mint: Mint, **options: Any) -> Any:
    """A client in virtual time, and its transport, which takes a second for each reply."""
    mint.clock = LoopClock()
    return make_client(mint, provider=PROVIDER, auth="token", **options)


def lent(client: Any) -> int:
    """Keys in hand, and callers that wait for tokens."""
    keys = client._engine.keys
    return int(sum(key.uses for key in keys.keys._ring.keys) + keys.keys._shared_uses + len(keys._waiting))


def test_many_tasks_trade_once() -> None:
    """At the beginning, at each renewal and after each refusal; those with a good token do not wait for a renewal."""

    async def work() -> None:
        mint = Mint()
        client, _ = virtual(mint)
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(get(client, "1") for _ in range(20)))
        assert (mint.asked.count("key"), mint.asked.count("renew")) == (1, 0)
        await asyncio.sleep(545.0)
        began = loop.time()
        await asyncio.gather(*(get(client, "1") for _ in range(20)))
        assert (mint.asked.count("key"), mint.asked.count("renew")) == (1, 1)
        assert loop.time() - began == pytest.approx(2.0)
        mint.end()
        await asyncio.gather(*(get(client, "1") for _ in range(20)))
        assert (mint.asked.count("key"), mint.asked.count("renew")) == (1, 2)
        assert lent(client) == 0

    run_in_virtual_time(work)


@pytest.mark.parametrize("step", range(1, 12))
def test_whoever_is_cancelled_is_followed_at_once(step: int) -> None:
    """Wherever the one who gets tokens is cancelled, the others go on without waiting for its lease."""

    async def work() -> None:
        mint = Mint()
        client, _ = virtual(mint)
        loop = asyncio.get_running_loop()
        began = loop.time()
        first = asyncio.create_task(_cancelled(client, step))
        await asyncio.sleep(0.1)
        await asyncio.gather(*(get(client, "1") for _ in range(5)), first)
        assert loop.time() - began < 5.0
        assert mint.asked.count("key") <= 2
        assert lent(client) == 0

    run_in_virtual_time(work)


async def _cancelled(client: Any, step: int) -> None:
    try:
        await CancelledAt(get(client, "1"), step)
    except asyncio.CancelledError:
        return


def test_who_dies_is_followed_after_its_lease() -> None:
    """Its lease is in the state; who comes next waits for its end, within its deadline, and goes by the key."""

    async def work() -> None:
        mint = Mint()
        state = MemoryState()
        client, _ = virtual(mint, state=state)
        client._engine.keys._store.decide(Key(KEY), "the dead")
        began = asyncio.get_running_loop().time()
        with pytest.raises(errors.OutOfTime):
            await get(client.with_options(deadline_s=10), "1")
        await asyncio.gather(*(get(client, "1") for _ in range(5)))
        assert asyncio.get_running_loop().time() - began == pytest.approx(LEASE_S + 2.0, abs=1.0)
        assert mint.asked.count("key") == 1
        assert lent(client) == 0

    run_in_virtual_time(work)


def test_a_trade_that_fails_fails_those_who_waited() -> None:
    """Each tries once, one after the other, and gets the reason; none waits for ever."""

    async def work() -> None:
        mint = Mint()
        mint.instead["key"] = lambda: LOST
        client, _ = virtual(mint, deadline_s=30)
        ended = await asyncio.gather(*(get(client, "1") for _ in range(3)), return_exceptions=True)
        assert all(isinstance(item, errors.CallwellError) for item in ended), ended
        assert lent(client) == 0

    run_in_virtual_time(work)


def test_many_threads_trade_once() -> None:
    """The same with threads, while tokens end all the time."""
    mint = Mint(lasts_s=5.0)
    mint.clock = clock = scaled_clock(scale(20.0))
    quick = replace(TOKENS, early_s=1.0)
    provider = acme({}, key=replace(KEYS, token=quick))
    with (
        Client(provider, key=Key(KEY), auth="token", clock=clock, transport=ScriptedTransport(mint)) as client,
        ThreadPoolExecutor(16) as pool,
    ):
        began = clock.now()
        until = clock.now() + 20.0

        def work(_: int) -> int:
            done = 0
            while clock.now() < until:
                assert client.call("things.get", thing_id="1") == {"id": "1"}
                done += 1
            return done

        assert min(pool.map(work, range(16))) > 0
        took = clock.now() - began
        assert lent(client) == 0
    assert mint.asked.count("key") + mint.asked.count("renew") <= took / 2.5 + 2
    assert mint.asked.count("key") >= 1
