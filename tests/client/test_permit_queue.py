# SPDX-License-Identifier: Apache-2.0
"""Many callers at once: who is served when, and who is woken by whom."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from callwell import errors
from callwell.core.rules.operations import OperationRule
from callwell.core.rules.profile import QuotaRule
from callwell.state import MemoryState
from tests.client.acme import acme
from tests.client.many_callers import get, make_client, most_in
from tests.client.virtual import LoopClock, run_in_virtual_time
from tests.client.world import OK, count_held, make_error_response

if TYPE_CHECKING:
    from callwell.transport.base import Request, Response


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_many_callers_keep_the_quota_and_lose_no_time(limit: int) -> None:
    """However many wait, no window holds more than the limit, and each window is used."""

    async def work() -> None:
        client, transport = make_client(provider=acme({"ten": QuotaRule(limit=limit, window_s=10)}), priority="batch")
        await asyncio.gather(*(get(client, str(number)) for number in range(30)))
        assert most_in(10.0, transport.arrivals) == limit
        windows = -(-30 // limit) - 1
        assert transport.arrivals[-1] - transport.arrivals[0] <= windows * (10.0 * 1.002 + 1.0) + 0.1
        assert transport.order == [str(number) for number in range(30)]
        assert count_held(client) == 0

    run_in_virtual_time(work)


def test_interactive_goes_before_batch() -> None:
    """Interactive calls go first, each kind in its order."""

    async def work() -> None:
        client, transport = make_client(deadline_s=None)
        batch = client.with_options(priority="batch")
        await asyncio.gather(
            *(get(batch, f"b{n}") for n in range(2)), *(get(client, f"i{n}") for n in range(2)), get(batch, "b2")
        )
        assert transport.order == ["b0", "i0", "i1", "b1", "b2"]

    run_in_virtual_time(work)


def test_batch_is_not_starved() -> None:
    """A batch call that has waited thirty seconds longer goes before interactive ones."""

    async def work() -> None:
        client, transport = make_client(deadline_s=None)
        batch = client.with_options(priority="batch")
        calls = [asyncio.create_task(get(client, "first")), asyncio.create_task(get(batch, "batch"))]
        for number in range(9):
            calls.append(asyncio.create_task(get(client, f"i{number}")))
            await asyncio.sleep(8)
        await asyncio.gather(*calls)
        served = transport.order
        assert served.index("batch") == served.index("i3") + 1

    run_in_virtual_time(work)


def test_a_wait_that_cannot_fit_fails_at_once() -> None:
    """The first in the queue and those behind it fail at once, with a time that is right."""

    async def work() -> None:
        client, transport = make_client()
        clock = LoopClock()
        await get(client, "first")
        patient = asyncio.create_task(get(client, "patient"))
        await asyncio.sleep(0)
        began = clock.now()
        with pytest.raises(errors.WouldExceedDeadline) as caught:
            await get(client.with_options(deadline_s=5), "hasty")
        assert clock.now() == began
        assert caught.value.at == pytest.approx(clock.wall() + 10.0, abs=0.1)
        await asyncio.sleep(caught.value.at - clock.wall())
        await patient
        assert transport.order == ["first", "patient"]
        assert count_held(client) == 0

    run_in_virtual_time(work)


def test_a_deadline_ends_the_wait_for_a_permit_that_is_held() -> None:
    """When a held permit comes back is unknown: the wait for it ends with the deadline."""

    async def work() -> None:
        client, _ = make_client(took=50.0)
        slow = asyncio.create_task(get(client, "slow"))
        await asyncio.sleep(0)
        began = LoopClock().now()
        with pytest.raises(errors.DeadlineExceeded):
            await get(client.with_options(deadline_s=5), "hasty")
        assert LoopClock().now() - began == pytest.approx(5.0)
        await slow

    run_in_virtual_time(work)


def test_a_permit_that_is_held_may_come_back_before_its_holder_can_have_died() -> None:
    """Where others see the record a held permit expires: no call with an earlier deadline is refused for that."""

    async def work() -> None:
        client, transport = make_client(took=5.0, state=MemoryState())
        began = LoopClock().now()
        await asyncio.gather(*(get(client, name) for name in ("first", "second", "third")))
        assert LoopClock().now() - began == pytest.approx(35.0, abs=0.2)
        assert transport.order == ["first", "second", "third"]

    run_in_virtual_time(work)


def test_a_cancelled_waiter_wakes_the_next() -> None:
    """No caller waits for one that has left the queue."""

    async def work() -> None:
        client, transport = make_client(deadline_s=None)
        calls = [asyncio.create_task(get(client, str(number))) for number in range(4)]
        await asyncio.sleep(3)
        calls[1].cancel()
        calls[2].cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert transport.order == ["0", "3"]
        assert transport.arrivals[1] - transport.arrivals[0] <= 11.1
        assert count_held(client) == 0

    run_in_virtual_time(work)


def test_queues_and_clients_that_share_a_quota_wake_each_other() -> None:
    """A permit that is released by one queue, or by another client of the same state, is found by those who wait."""

    async def work() -> None:
        quotas = {"a": QuotaRule(limit=1, window_s=0.1), "b": QuotaRule(limit=5, window_s=0.1)}
        provider = acme(quotas, operations={"things.get": OperationRule(quotas=("a",))})
        state = MemoryState()
        one, first = make_client(provider=provider, state=state, deadline_s=None, took=20.1)
        two, second = make_client(provider=provider, state=state, deadline_s=None)
        await asyncio.gather(get(one, "0"), one.request("GET", "/x"))
        assert first.arrivals == pytest.approx([1010.05, 1030.25], abs=0.02)
        await asyncio.gather(get(one, "1"), get(two, "2"))
        assert second.arrivals[0] - first.arrivals[-1] <= 10.05 + 0.1 + 0.5 + 0.5 + 0.02

    run_in_virtual_time(work)


def test_all_go_on_as_soon_as_the_provider_is_back() -> None:
    """While one attempt tries a provider that was dead, the others wait for its end and no longer."""
    back_at = 1040.0

    def reply(_: Request) -> Response:
        return OK if LoopClock().now() >= back_at else make_error_response(500, "X")

    async def work() -> None:
        client, transport = make_client(reply, provider=acme({}), priority="batch", took=0.1)
        results = await asyncio.gather(*(get(client, str(number)) for number in range(20)), return_exceptions=True)
        failed = sum(isinstance(result, errors.ServerError) for result in results)
        before = len(transport.requests)
        assert failed < 20
        assert LoopClock().now() <= back_at + 60.0 + 5.0
        await asyncio.gather(*(get(client, str(number)) for number in range(20)))
        assert len(transport.requests) == before + 20
        assert count_held(client) == 0

    run_in_virtual_time(work)


def test_a_trial_that_is_under_way_is_no_reason_to_give_up() -> None:
    """A call with a deadline waits for the end of the trial, and then is made."""
    dead = True

    async def work() -> None:
        nonlocal dead
        client, transport = make_client(
            lambda _: make_error_response(500, "X") if dead else OK, provider=acme({}), took=2.0
        )
        await asyncio.gather(*(get(client, str(n)) for n in range(10)), return_exceptions=True)
        dead = False
        await asyncio.sleep(60.0)  # no opening is longer
        began = LoopClock().now()
        before = len(transport.requests)
        await asyncio.gather(*(get(client.with_options(deadline_s=5), str(n)) for n in range(5)))
        assert LoopClock().now() - began == pytest.approx(4.0)
        assert len(transport.requests) == before + 5

    run_in_virtual_time(work)
