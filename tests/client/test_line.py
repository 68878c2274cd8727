# SPDX-License-Identifier: Apache-2.0
"""Many callers at once: who is served when, and what becomes of permits when callers leave."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.client import AsyncClient
from callwell.core.rules import OperationRule, QuotaRule
from callwell.keys import Key
from callwell.state import MemoryState
from tests.client.acme import KEY, acme
from tests.client.virtual import CancelledAt, LoopClock, SlowTransport, leap
from tests.client.world import DEAD, OK, ListSource, code, held

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.spec.provider import Provider
    from callwell.transport.base import NoReply, Request, Response

NARROW = {"ten": QuotaRule(limit=1, window_s=10)}


def make(
    reply: Callable[[Request], Response | NoReply] = lambda _: OK, *, took: float = 1.0, **options: Any
) -> tuple[AsyncClient, SlowTransport]:
    """A client in virtual time and its transport."""
    transport = SlowTransport(reply, took)
    provider: Provider = options.pop("provider", None) or acme(NARROW)
    return AsyncClient(provider, **{"key": Key(KEY), "clock": LoopClock(), "transport": transport} | options), transport


def get(client: AsyncClient, name: str) -> Any:
    """A call that is told apart by its name."""
    return client.call("things.get", thing_id=name)


def most_in(window_s: float, arrivals: list[float]) -> int:
    """The most arrivals in any window, however aligned."""
    return max(sum(1 for other in arrivals if at <= other < at + window_s) for at in arrivals)


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_many_callers_keep_the_quota_and_lose_no_time(limit: int) -> None:
    """However many wait, no window holds more than the limit, and each window is used."""

    async def work() -> None:
        client, transport = make(provider=acme({"ten": QuotaRule(limit=limit, window_s=10)}), priority="batch")
        await asyncio.gather(*(get(client, str(number)) for number in range(30)))
        assert most_in(10.0, transport.arrivals) == limit
        windows = -(-30 // limit) - 1
        assert transport.arrivals[-1] - transport.arrivals[0] <= windows * (10.0 * 1.002 + 1.0) + 0.1
        assert transport.order == [str(number) for number in range(30)]
        assert held(client) == 0

    leap(work)


def test_interactive_goes_before_batch() -> None:
    """Who is waited for goes first, each kind in its order."""

    async def work() -> None:
        client, transport = make(deadline_s=None)
        batch = client.with_options(priority="batch")
        await asyncio.gather(
            *(get(batch, f"b{n}") for n in range(2)), *(get(client, f"i{n}") for n in range(2)), get(batch, "b2")
        )
        assert transport.order == ["b0", "i0", "i1", "b1", "b2"]

    leap(work)


def test_batch_is_not_starved() -> None:
    """A batch call that has waited thirty seconds longer goes before interactive ones."""

    async def work() -> None:
        client, transport = make(deadline_s=None)
        batch = client.with_options(priority="batch")
        calls = [asyncio.create_task(get(client, "first")), asyncio.create_task(get(batch, "batch"))]
        for number in range(9):
            calls.append(asyncio.create_task(get(client, f"i{number}")))
            await asyncio.sleep(8)
        await asyncio.gather(*calls)
        served = transport.order
        assert served.index("batch") == served.index("i3") + 1

    leap(work)


def test_a_wait_that_cannot_fit_is_told_at_once() -> None:
    """The first in line and those behind it are told at once, with a time that is right."""

    async def work() -> None:
        client, transport = make()
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
        assert held(client) == 0

    leap(work)


def test_a_deadline_ends_the_wait_for_a_permit_that_is_lent() -> None:
    """Nobody knows when a permit comes back that somebody holds: the wait for it ends with the deadline."""

    async def work() -> None:
        client, _ = make(took=50.0)
        slow = asyncio.create_task(get(client, "slow"))
        await asyncio.sleep(0)
        began = LoopClock().now()
        with pytest.raises(errors.DeadlineExceeded):
            await get(client.with_options(deadline_s=5), "hasty")
        assert LoopClock().now() - began == pytest.approx(5.0)
        await slow

    leap(work)


def test_a_cancelled_waiter_wakes_the_next() -> None:
    """Who leaves the line is not waited for."""

    async def work() -> None:
        client, transport = make(deadline_s=None)
        calls = [asyncio.create_task(get(client, str(number))) for number in range(4)]
        await asyncio.sleep(3)
        calls[1].cancel()
        calls[2].cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert transport.order == ["0", "3"]
        assert transport.arrivals[1] - transport.arrivals[0] <= 11.1
        assert held(client) == 0

    leap(work)


def test_lines_and_clients_that_share_a_quota_wake_each_other() -> None:
    """A permit that is settled in one line, or by another client of the same state, is found by those who wait."""

    async def work() -> None:
        quotas = {"a": QuotaRule(limit=1, window_s=1), "b": QuotaRule(limit=5, window_s=1)}
        provider = acme(quotas, operations={"things.get": OperationRule(quotas=("a",))})
        state = MemoryState()
        one, first = make(provider=provider, state=state, deadline_s=None, took=20.0)
        two, second = make(provider=provider, state=state, deadline_s=None)
        await asyncio.gather(get(one, "0"), one.request("GET", "/x"), get(two, "1"))
        assert first.arrivals[0] == pytest.approx(1010.0)
        times = sorted([*first.arrivals, *second.arrivals])
        assert times[1] - times[0] <= 20.0 + 1.1 + 0.6
        assert times[-1] <= 1000.0 + 20.0 + 1.1 + 0.6 + 20.0 + 1.6

    leap(work)


def script_for_cancelling() -> Callable[[Request], Response | NoReply]:
    """For one of the callers: throttled, dead key, failed, fine."""
    replies = iter([code(429, "X"), DEAD, code(500, "X"), OK])
    return lambda request: next(replies, OK) if request.url.endswith("mine") else OK


def test_nothing_stays_lent_wherever_a_call_is_cancelled() -> None:
    """A call that waits for its turn, a throttled quota, a new key and a repetition is cancelled at each of its waits."""

    async def cancelled_at(step: int) -> bool:
        client, transport = make(script_for_cancelling(), provider=acme({"ten": QuotaRule(limit=2, window_s=10)}))
        keys = ListSource([KEY, "", "acme_second"])
        client._engine.keys = type(client._engine.keys)(
            "acme", client.provider.profile.key, source=keys, clock=LoopClock(), notify=lambda _: None
        )
        client = client.with_options(deadline_s=None)
        others = [asyncio.create_task(get(client, "other")) for _ in range(2)]
        await asyncio.sleep(0)
        try:
            await asyncio.create_task(_awaited(CancelledAt(get(client, "mine"), step)))
            return False
        except asyncio.CancelledError:
            return True
        finally:
            await asyncio.gather(*others)
            assert held(client) == 0
            last = len(transport.requests)
            assert (await get(client, "after"))["id"] == "1"
            assert len(transport.requests) == last + 1
            assert most_in(10.0, transport.arrivals) <= 2
            assert held(client) == 0

    async def work() -> int:
        step = 1
        while await cancelled_at(step):
            step += 1
        return step

    assert leap(work) > 5


async def _awaited(work: Any) -> Any:
    return await work


def test_a_cancelled_request_may_still_arrive() -> None:
    """Its permit cools for W + D after the time at which the transport lets go of it for sure."""

    async def work() -> None:
        client, transport = make(took=1.0)
        call = asyncio.create_task(get(client, "0"))
        await asyncio.sleep(0.1)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        began = LoopClock().now()
        await get(client.with_options(deadline_s=None), "1")
        waited_s = transport.arrivals[-1] - began
        assert waited_s >= 60.0 - 0.1 + 60.0 + 10.0
        assert waited_s <= (60.0 + 60.0 + 10.0) * 1.01 + 1.0

    leap(work)


def test_one_caller_reads_the_key_and_all_others_wait() -> None:
    """However many calls find the key dead, its source is read by one, and each call is sent once more."""

    def reply(request: Request) -> Response:
        return OK if "acme_second" in dict(request.headers)["authorization"] else DEAD

    async def work() -> None:
        client, transport = make(reply, provider=acme({}))
        source = ListSource([KEY, *[KEY] * 20, "acme_second"])
        client._engine.keys = type(client._engine.keys)(
            "acme", client.provider.profile.key, source=source, clock=LoopClock(), notify=lambda _: None
        )
        began = LoopClock().now()
        results = await asyncio.gather(*(get(client, str(number)) for number in range(50)))
        assert results == [{"id": "1"}] * 50
        assert (source.read_times, len(transport.requests)) == (22, 100)
        assert LoopClock().now() - began <= 2.0 + 20 * 0.25 + 0.1
        assert held(client) == 0

    leap(work)


def test_the_reader_of_a_key_may_leave() -> None:
    """When the one that reads is cancelled or out of time, another takes over."""

    def reply(request: Request) -> Response:
        return OK if "acme_second" in dict(request.headers)["authorization"] else DEAD

    async def work() -> None:
        client, _ = make(reply, provider=acme({}))
        client._engine.keys = type(client._engine.keys)(
            "acme",
            client.provider.profile.key,
            source=ListSource([KEY, *[""] * 60, "acme_second"]),
            clock=LoopClock(),
            notify=lambda _: None,
        )
        reader = asyncio.create_task(get(client, "reader"))
        hasty = asyncio.create_task(get(client.with_options(deadline_s=6), "hasty"))
        others = [asyncio.create_task(get(client, str(number))) for number in range(5)]
        await asyncio.sleep(3)
        reader.cancel()
        assert await asyncio.gather(*others) == [{"id": "1"}] * 5
        results = await asyncio.gather(reader, hasty, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError, errors.KeyRefused]
        assert held(client) == 0

    leap(work)


def test_all_go_on_as_soon_as_the_provider_is_back() -> None:
    """While one attempt tries a provider that was dead, the others wait for its end and no longer."""
    back_at = 1040.0

    def reply(_: Request) -> Response:
        return OK if LoopClock().now() >= back_at else code(500, "X")

    async def work() -> None:
        client, transport = make(reply, provider=acme({}), priority="batch", took=0.1)
        results = await asyncio.gather(*(get(client, str(number)) for number in range(20)), return_exceptions=True)
        failed = sum(isinstance(result, errors.ServerError) for result in results)
        before = len(transport.requests)
        assert failed < 20
        assert LoopClock().now() <= back_at + 60.0 + 5.0
        await asyncio.gather(*(get(client, str(number)) for number in range(20)))
        assert len(transport.requests) == before + 20
        assert held(client) == 0

    leap(work)


def test_a_trial_that_is_under_way_is_no_reason_to_give_up() -> None:
    """A call with a deadline waits for the end of the trial, and then is made."""
    dead = True

    async def work() -> None:
        nonlocal dead
        client, transport = make(lambda _: code(500, "X") if dead else OK, provider=acme({}), took=2.0)
        await asyncio.gather(*(get(client, str(n)) for n in range(10)), return_exceptions=True)
        dead = False
        state = client._engine.account._state.read(client._engine.account._cell)
        await asyncio.sleep(max(0.0, state.breaker.open_until - LoopClock().now()))
        began = LoopClock().now()
        before = len(transport.requests)
        await asyncio.gather(*(get(client.with_options(deadline_s=5), str(n)) for n in range(5)))
        assert LoopClock().now() - began == pytest.approx(4.0)
        assert len(transport.requests) == before + 5

    leap(work)
