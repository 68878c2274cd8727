# SPDX-License-Identifier: Apache-2.0
"""Callers that leave, and callers that wait for one another: no permit stays held, no caller is forgotten."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from callwell import errors
from callwell.core.rules.profile import QuotaRule
from tests.client._async.scripted_client import connect
from tests.client.acme import KEY, acme
from tests.client.many_callers import get, make_client, most_in
from tests.client.storage import Storage
from tests.client.virtual import CancelledAt, LoopClock, run_in_virtual_time
from tests.client.world import (
    DEAD,
    OK,
    ListSource,
    ScriptedProvider,
    count_held,
    make_error_response,
    make_response,
    tried,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.transport.base import NoReply, Request, Response


def script_for_cancelling() -> Callable[[Request], Response | NoReply]:
    """For one of the callers: throttled, dead key, failed, fine."""
    replies = iter([make_error_response(429, "X"), DEAD, make_error_response(500, "X"), OK])
    return lambda request: next(replies, OK) if request.url.endswith("mine") else OK


def test_nothing_stays_lent_wherever_a_call_is_cancelled() -> None:
    """A call that waits for its turn, a quota, a new key and a repetition is cancelled at each of its waits."""

    async def cancelled_at(step: int) -> bool:
        client, transport = make_client(
            script_for_cancelling(), provider=acme({"ten": QuotaRule(limit=2, window_s=10)})
        )
        keys = ListSource([KEY, "", "acme_second"])
        client._engine.keys = type(client._engine.keys)(
            "acme", client.provider.profile.key, source=keys, clock=LoopClock(), uses=tried(KEY), notify=lambda _: None
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
            assert count_held(client) == 0
            last = len(transport.requests)
            assert (await get(client, "after"))["id"] == "1"
            assert len(transport.requests) == last + 1
            assert most_in(10.0, transport.arrivals) <= 2
            assert count_held(client) == 0

    async def work() -> int:
        step = 1
        while await cancelled_at(step):
            step += 1
        return step

    assert run_in_virtual_time(work) > 5


async def _awaited(work: Any) -> Any:
    return await work


def test_a_cancelled_request_may_still_arrive() -> None:
    """Its permit cools for W + D after the time at which the transport lets go of it for sure."""

    async def work() -> None:
        client, transport = make_client(took=1.0)
        call = asyncio.create_task(get(client, "0"))
        await asyncio.sleep(0.1)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        began = LoopClock().now()
        await get(client.with_options(deadline_s=None), "1")
        waited_s = transport.arrivals[-1] - began
        assert waited_s >= 60.0 - 0.1 + 60.0 + 10.0
        assert waited_s <= (60.0 + 60.0 + 10.0) * 1.01 + 1.0

    run_in_virtual_time(work)


def test_one_caller_reads_the_key_and_all_others_wait() -> None:
    """However many calls find the key dead, its source is read by one, and each call is sent once more."""

    def reply(request: Request) -> Response:
        return OK if "acme_second" in dict(request.headers)["authorization"] else DEAD

    async def work() -> None:
        client, transport = make_client(reply, provider=acme({}))
        source = ListSource([KEY, *[KEY] * 20, "acme_second"])
        client._engine.keys = type(client._engine.keys)(
            "acme",
            client.provider.profile.key,
            source=source,
            clock=LoopClock(),
            uses=tried(KEY),
            notify=lambda _: None,
        )
        began = LoopClock().now()
        results = await asyncio.gather(*(get(client, str(number)) for number in range(50)))
        assert results == [{"id": "1"}] * 50
        assert (source.read_times, len(transport.requests)) == (22, 100)
        assert LoopClock().now() - began <= 2.0 + 20 * 0.25 + 0.1
        assert count_held(client) == 0

    run_in_virtual_time(work)


def test_the_reader_of_a_key_may_leave() -> None:
    """When the one that reads is cancelled or out of time, another takes over."""

    def reply(request: Request) -> Response:
        return OK if "acme_second" in dict(request.headers)["authorization"] else DEAD

    async def work() -> None:
        client, _ = make_client(reply, provider=acme({}))
        client._engine.keys = type(client._engine.keys)(
            "acme",
            client.provider.profile.key,
            source=ListSource([KEY, *[""] * 60, "acme_second"]),
            clock=LoopClock(),
            uses=tried(KEY),
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
        assert count_held(client) == 0

    run_in_virtual_time(work)


def test_a_new_key_is_tried_by_one_and_then_used_by_all() -> None:
    """Until the provider has accepted it, a new key is risked by one call at a time."""
    keys: list[str] = []

    def reply(request: Request) -> Response:
        keys.append(dict(request.headers)["authorization"].removeprefix("Bearer "))
        return OK

    async def work() -> None:
        client, _ = make_client(reply, provider=acme({}))
        client._engine.keys = type(client._engine.keys)(
            "acme",
            client.provider.profile.key,
            source=ListSource([KEY, "acme_second"], marked=True),
            clock=LoopClock(),
            uses=tried(KEY),
            notify=lambda _: None,
        )
        await asyncio.sleep(2)
        await asyncio.gather(*(get(client, str(number)) for number in range(4)))
        assert sorted(keys) == [KEY, KEY, KEY, "acme_second"]
        await asyncio.gather(*(get(client, str(number)) for number in range(4)))
        assert keys[4:] == ["acme_second"] * 4

    run_in_virtual_time(work)


def test_a_page_ahead_is_dropped_with_its_walk() -> None:
    """Whoever closes a walk, over pages or items, leaves no task behind, and what was lent comes back."""
    page = make_response(200, {"data": {"items": [{"id": "0"}], "more": True}})

    async def work() -> None:
        client, transport = make_client(lambda _: page, provider=acme())
        for walk in (client.pages("things.list").pages(), aiter(client.pages("things.list"))):
            await anext(walk)
            await asyncio.sleep(0.1)
            await walk.aclose()
        await asyncio.sleep(0)
        assert len(transport.order) == 4
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert count_held(client) == 0

    run_in_virtual_time(work)


def test_a_cancelled_reader_drops_its_page_ahead() -> None:
    """A task that is cancelled while it waits for a page takes the request with it."""
    page = make_response(200, {"data": {"items": [{"id": "0"}], "more": True}})

    async def work() -> None:
        client, _ = make_client(lambda _: page, provider=acme())

        async def read() -> None:
            async for _ in client.pages("things.list"):
                pass

        for moment in (0.1, 1.1, 1.9):
            task = asyncio.create_task(read())
            await asyncio.sleep(moment)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            assert count_held(client) == 0

    run_in_virtual_time(work)


def test_a_closed_file_closes_its_answer() -> None:
    """Leaving bytes unread closes the storage's response at once, and not when the garbage is collected."""

    async def work() -> None:
        api = connect(ScriptedProvider(Storage()))
        pieces = api.asset("things.file", thing_id="1").iter_bytes()
        await anext(pieces)
        assert api._engine.transport.streams == 1
        await pieces.aclose()
        assert api._engine.transport.streams == 0

    asyncio.run(work())
