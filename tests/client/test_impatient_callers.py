# SPDX-License-Identifier: Apache-2.0
"""Callers that leave or are in a hurry: the provider has not failed, and no other caller is shut out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.core.rules.profile import QuotaRule
from callwell.core.types import Outcome
from callwell.transport.base import NoReply
from tests.client.acme import acme
from tests.client.many_callers import get, make_client
from tests.client.virtual import LoopClock, run_in_virtual_time
from tests.client.world import count_held

if TYPE_CHECKING:
    from callwell.client import AsyncClient
    from callwell.core.quota.record import AccountRecord

MANY = 60


def record(client: AsyncClient) -> AccountRecord:
    """What the account knows of its provider."""
    account: Any = client._engine.account
    account.spent()
    account = getattr(account, "_account", account)
    shared: AccountRecord = account._state.read(account._cell)
    return shared


async def left(client: AsyncClient, how: str) -> None:
    """A call that its caller does not wait for."""
    if how == "wait_for":
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(get(client, "1"), 0.2)
    elif how == "timeout":
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await get(client, "1")
    elif how == "cancel":
        call = asyncio.create_task(get(client, "1"))
        await asyncio.sleep(0.2)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    else:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(get(client, "1"))
            await asyncio.sleep(0.2)
            task.cancel()


@pytest.mark.parametrize("how", ["wait_for", "timeout", "cancel", "group"])
def test_calls_that_are_left_shut_nobody_out(how: str) -> None:
    """After many of them the next call is sent at once: no breaker is open and no repetition is rationed."""

    async def work() -> None:
        client, transport = make_client(took=1.0, provider=acme({}))
        for _ in range(MANY):
            await left(client, how)
        began = LoopClock().now()
        assert await get(client, "2") == {"id": "1"}
        assert transport.arrivals[-1] - began == pytest.approx(0.5)
        assert record(client).breaker.failures == 0
        assert record(client).budget.failures == 0
        assert count_held(client) == 0

    run_in_virtual_time(work)


def test_a_rate_that_is_learnt_learns_nothing_from_leaving() -> None:
    """Neither the rate of an unknown quota nor its requests in flight become fewer."""

    async def work() -> None:
        client, _ = make_client(took=1.0, provider=acme({"unknown": QuotaRule(adaptive=True)}))
        await get(client, "1")
        before = record(client).adaptives["unknown"]
        for _ in range(MANY):
            await left(client, "cancel")
        after = record(client).adaptives["unknown"]
        assert (after.rate, after.limit, after.refusals) == (before.rate, before.limit, before.refusals)
        assert after.held == ()

    run_in_virtual_time(work)


def test_a_trial_that_is_left_lets_the_next_one_try() -> None:
    """While one attempt tries whether the provider is back, its caller may leave: another tries at once."""
    replies: list[Any] = []

    async def work() -> None:
        client, transport = make_client(took=1.0, provider=acme({}))
        client = client.with_options(nested=True)
        usual = transport._reply
        transport._reply = lambda request: replies.pop() if replies else usual(request)
        replies.extend(NoReply(Outcome.UNKNOWN, "the network failed") for _ in range(10))
        for _ in range(10):
            with pytest.raises(errors.ConnectionLost):
                await get(client, "1")
        assert record(client).breaker.failures == 10
        await asyncio.sleep(6.0)
        await left(client, "cancel")
        assert record(client).breaker.failures == 10
        began = LoopClock().now()
        assert await get(client, "2") == {"id": "1"}
        assert LoopClock().now() - began == pytest.approx(1.0)
        assert record(client).breaker.failures == 0

    run_in_virtual_time(work)


@pytest.mark.parametrize(("deadline_s", "failures"), [(0.2, 0), (4.0, 0), (8.0, 9)])
def test_a_short_deadline_is_no_failure_of_the_provider(deadline_s: float, failures: int) -> None:
    """An attempt that was given less than five seconds and got no response says nothing; with more it does."""

    async def work() -> None:
        client, transport = make_client(provider=acme({}))
        client = client.with_options(nested=True, deadline_s=deadline_s)

        async def late(request: Any) -> NoReply:
            await asyncio.sleep(request.timeout_s)
            return NoReply(Outcome.UNKNOWN, "no response in time")

        transport.send = late  # type: ignore[method-assign]
        client._engine._exchange = late
        for _ in range(9):
            with pytest.raises(errors.CallwellError):
                await get(client, "1")
        assert record(client).breaker.failures == failures

    run_in_virtual_time(work)
