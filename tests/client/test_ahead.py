# SPDX-License-Identifier: Apache-2.0
"""Walks with several pages under way: in order, at the depth that was requested, and nothing left behind."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.client import Client
from callwell.core.rules.operations import OperationRule, PagingRule
from callwell.core.verdict import End
from callwell.keys import Key
from callwell.testing import ScriptedTransport
from tests.client.acme import KEY, LISTED, acme
from tests.client.many_callers import make_client
from tests.client.virtual import LoopClock, SlowTransport, run_in_virtual_time
from tests.client.world import count_held, make_error_response, make_response, query
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.transport.base import NoReply, Request, Response

SIZE = 2


def number(request: Request) -> int:
    """The page that is requested."""
    return int(query(request.url).get("page", 1))


def shelf(pages: int, *, total: bool = True) -> Callable[[Request], Response]:
    """A list of full pages; what is beyond its end is not found."""

    def reply(request: Request) -> Response:
        page = number(request)
        if page > pages:
            return make_error_response(404, "NO_SUCH_PAGE")
        items = [{"id": str((page - 1) * SIZE + index)} for index in range(SIZE)]
        reported = {"total": pages * SIZE} if total else {}
        return make_response(200, {"data": {"items": items, "more": page < pages} | reported})

    return reply


class Overtaking(SlowTransport):
    """A transport on which every page arrives before the one that was requested just before it."""

    async def send(self, request: Request) -> Response | NoReply:
        """The reply, the sooner the higher the page."""
        self.took = 1.0 - number(request) / 1000
        return await super().send(request)


def ids(pages: int) -> list[str]:
    """All of a list."""
    return [str(index) for index in range(pages * SIZE)]


@pytest.mark.parametrize(("depth", "seconds"), [(0, 20), (1, 20), (4, 6), (8, 4), (64, 2)])
def test_as_many_pages_are_under_way_as_were_requested(depth: int, seconds: int) -> None:
    """Items come in order although the responses do not, and a walk takes as long as its pages divided by the depth."""

    async def work() -> None:
        client, transport = make_client(shelf(20), provider=acme({}))
        began = LoopClock().now()
        pager = client.pages("things.list").ahead(depth)
        assert [item["id"] async for item in pager] == ids(20)
        assert pager.verdict.end is End.COMPLETE
        assert LoopClock().now() - began == pytest.approx(seconds, abs=0.1)
        assert sorted(number(request) for request in transport.requests) == list(range(1, 21))

    run_in_virtual_time(work)


def test_answers_that_overtake_each_other_are_read_in_order() -> None:
    """A page that came early is read when its turn comes."""

    async def work() -> None:
        transport = Overtaking(shelf(9))
        client, _ = make_client(provider=acme({}), transport=transport)
        pager = client.pages("things.list").ahead(8)
        assert [item["id"] async for item in pager] == ids(9)
        assert [number(request) for request in transport.requests] == [1, *range(9, 1, -1)]

    run_in_virtual_time(work)


def test_a_slow_reader_has_no_more_than_the_depth_before_it() -> None:
    """Memory is bounded by the depth, however long the reader takes."""

    async def work() -> None:
        client, transport = make_client(shelf(50), provider=acme({}))
        async for _ in client.pages("things.list").ahead(3).pages():
            read = len(transport.requests)
            await asyncio.sleep(10)
            assert len(transport.requests) <= read + 3
        assert len(transport.requests) == 50

    run_in_virtual_time(work)


def test_pages_beyond_an_unknown_end_disturb_nothing() -> None:
    """Without totals some pages are requested in vain; their errors are never seen."""

    async def work() -> None:
        rule = {"things.list": OperationRule(paging=PagingRule(items="data.items", key="id", more="data.more"))}
        client, transport = make_client(shelf(5, total=False), provider=acme({}, operations=rule))
        pager = client.pages("things.list").ahead(8)
        assert [item["id"] async for item in pager] == ids(5)
        assert (pager.verdict.end, pager.verdict.pages) == (End.COMPLETE, 5)
        assert sorted(transport.order) == sorted(f"things{f'?page={page}' * (page > 0)}" for page in range(1, 10))
        assert count_held(client) == 0

    run_in_virtual_time(work)


def test_an_error_comes_in_its_turn() -> None:
    """What is before the page that failed is delivered, and the walk goes on from there when it is read again."""
    broken = [4]

    def reply(request: Request) -> Response:
        return make_error_response(403, "X") if number(request) in broken else shelf(9)(request)

    async def work() -> None:
        client, _ = make_client(reply, provider=acme({}))
        pager = client.pages("things.list").ahead(8)
        walk = pager.pages()
        first = [ids(1), ids(2)[2:], ids(3)[4:]]
        assert [[item["id"] for item in await anext(walk)] for _ in range(3)] == first
        with pytest.raises(errors.Forbidden):
            await anext(walk)
        assert count_held(client) == 0
        position = pager.position
        broken.clear()
        again = client.pages("things.list").resume(position).ahead(8)
        assert [item["id"] async for item in again] == ids(9)[6:]
        assert again.verdict.items == 18

    run_in_virtual_time(work)


@pytest.mark.parametrize("moment", [0.5, 1.5, 2.5])
def test_a_reader_that_leaves_takes_all_pages_with_it(moment: float) -> None:
    """Cancelled while it waits, or closed between two pages: no task is left, and nothing stays lent."""

    async def work() -> None:
        client, _ = make_client(shelf(99), provider=acme())
        walk = client.pages("things.list").ahead(8).pages()

        async def read() -> None:
            async for _ in walk:
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(moment)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert count_held(client) == 0
        other = client.with_options(deadline_s=None).pages("things.list").ahead(8).pages()
        await anext(other)
        await other.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert count_held(client) == 0

    run_in_virtual_time(work)


def test_offsets_that_were_reckoned_wrong_are_dropped() -> None:
    """A short page in the middle: what was requested behind it is not read, and from there one page ahead is enough."""
    asked = list[int]()

    def reply(request: Request) -> Response:
        offset = int(query(request.url).get("page", 0))
        asked.append(offset)
        until = 3 if offset == 2 else offset + SIZE
        items = [{"id": str(index)} for index in range(offset, min(until, 12))]
        return make_response(200, {"data": {"items": items, "more": until < 12}})

    rule = PagingRule(style="offset", items="data.items", key="id", position="page", first=0, more="data.more")

    async def work() -> None:
        client, _ = make_client(reply, provider=acme({}, operations={"things.list": OperationRule(paging=rule)}))
        pager = client.pages("things.list").ahead(3)
        assert [item["id"] async for item in pager] == [str(index) for index in range(12)]
        assert pager.verdict.end is End.COMPLETE
        assert {0, 2, 3, 5, 7, 9, 11} <= set(asked) <= {0, 2, 3, 5, 7, 9, 11, 4, 6}
        assert len(asked) == len(set(asked))

    run_in_virtual_time(work)


@pytest.mark.parametrize("pages", [-1, 65, 1.5, None, "8"])
def test_a_depth_that_is_none_is_reported(pages: Any) -> None:
    """Only a number of pages will do."""
    client = Client(acme({}), key=Key(KEY), transport=ScriptedTransport([]))
    with pytest.raises(errors.InvalidOption, match="a number from 0 to 64"):
        client.pages("things.list").ahead(pages)


def test_threads_fetch_as_many_pages_at_once() -> None:
    """The sync side has as many under way: the responses come only when all eight have been requested."""
    gate = threading.Barrier(8)

    def reply(request: Request) -> Response:
        if number(request) > 1:
            gate.wait(timeout=PATIENCE_S)
        return shelf(9)(request)

    client = Client(acme({}), key=Key(KEY), transport=ScriptedTransport(reply))
    assert [item["id"] for item in client.pages("things.list").ahead(8)] == ids(9)
    assert count_held(client) == 0


def test_a_long_walk_is_taken_up_where_it_stopped() -> None:
    """More was delivered than is kept in memory: a stored position knows all of it."""
    rule = OperationRule(paging=LISTED)
    pages = 40
    per_page = 500

    def reply(request: Request) -> Response:
        page = number(request)
        items = [{"id": str((page - 1) * per_page + index)} for index in range(per_page)]
        return make_response(200, {"data": {"items": [*items, {"id": "0"}], "more": page < pages}})

    def client() -> Client:
        return Client(acme({}, operations={"things.list": rule}), key=Key(KEY), transport=ScriptedTransport(reply))

    pager = client().pages("things.list").ahead(4)
    walk = pager.pages()
    first = [item["id"] for _ in range(38) for item in next(walk)]
    walk.close()
    again = client().pages("things.list").resume(pager.position)
    rest = [item["id"] for item in again]
    assert first + rest == [str(index) for index in range(pages * per_page)]
    assert again.verdict.repeated == ("0",) * 40
