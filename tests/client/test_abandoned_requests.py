# SPDX-License-Identifier: Apache-2.0
"""Requests that go on after their caller has gone: their permits are settled by how they end, and no later."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from callwell.core.types import Outcome
from callwell.transport.base import NoReply
from tests.client.many_callers import get, make_client, most_in
from tests.client.virtual import LoopClock, SlowTransport, run_in_virtual_time
from tests.client.world import LOST, OK, REFUSED, count_held, make_error_response

if TYPE_CHECKING:
    from callwell.client import AsyncClient
    from callwell.transport.base import Request, Response

WINDOW_S = 10.0
TRANSIT_S = 60.0
ATTEMPT_S = 60.0
HALF_S = 0.5
"""From the sending to the arrival."""


class GoingOn(SlowTransport):
    """A transport that goes on with a request after its caller has left, and reports how it ends.

    Args:
        replies: in order; the rest of the requests are fine.
        took: seconds from a request to its reply.

    Attributes:
        left: the ends of requests without a caller.
        silent: such an end is never known.
    """

    def __init__(self, *replies: Response | NoReply, took: float) -> None:
        script = iter(replies)
        super().__init__(lambda _: next(script, OK), took)
        self.left: list[asyncio.Future[Response | NoReply]] = []
        self.silent = False

    async def send(self, request: Request) -> Response | NoReply:
        """The reply, in time."""
        task = asyncio.create_task(super().send(request))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self.left.append(asyncio.get_running_loop().create_future() if self.silent else task)
            assert request.on_abandoned is not None
            request.on_abandoned(self.left[-1])
            raise


async def cancelled(client: AsyncClient, after_s: float = 0.1) -> None:
    """Make a call and cancel it while its request is under way."""
    call = asyncio.create_task(get(client, "gone"))
    await asyncio.sleep(after_s)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


async def waited(client: AsyncClient) -> float:
    """Seconds until the next call could be made."""
    began = LoopClock().now()
    transport = client._engine.transport
    assert isinstance(transport, SlowTransport)
    await get(client.with_options(deadline_s=None), "next")
    return transport.arrivals[-1] - began


@pytest.mark.parametrize(
    ("reply", "least_s", "most_s"),
    [
        (OK, 0.9 + WINDOW_S, 1.0 + WINDOW_S),
        (make_error_response(404, "MISSING"), 0.9 + WINDOW_S, 1.0 + WINDOW_S),
        (make_error_response(503, "BUSY"), 0.9 + WINDOW_S, 1.0 + WINDOW_S),
        (REFUSED, 0.9, 1.0),
        (NoReply(Outcome.UNKNOWN, "the response broke off", headers_arrived=True), 0.9 + WINDOW_S, 1.0 + WINDOW_S),
        (LOST, 0.9 + WINDOW_S + TRANSIT_S, 1.0 + WINDOW_S + TRANSIT_S),
    ],
    ids=["done", "refused", "failed", "no connection", "half an answer", "no answer"],
)
def test_a_cancelled_call_costs_what_its_request_came_to(
    reply: Response | NoReply, least_s: float, most_s: float
) -> None:
    """W from a final response or its head, nothing without a connection, W + D only where no response began."""

    async def work() -> None:
        transport = GoingOn(reply, took=1.0)
        client, _ = make_client(transport=transport)
        await cancelled(client)
        assert count_held(client) == 1
        assert least_s - 0.01 <= await waited(client) - HALF_S <= most_s * 1.02 + 0.1
        assert count_held(client) == 0

    run_in_virtual_time(work)


def test_a_call_waits_for_a_request_that_nobody_wants_any_more() -> None:
    """While a request is under way no call is refused because of it: it may end any moment."""

    async def work() -> None:
        transport = GoingOn(OK, took=1.0)
        client, _ = make_client(transport=transport)
        await cancelled(client)
        began = LoopClock().now()
        assert (await get(client.with_options(deadline_s=20), "next"))["id"] == "1"
        assert LoopClock().now() - began <= 15.0
        assert most_in(WINDOW_S, transport.arrivals) == 1

    run_in_virtual_time(work)


def test_a_throttled_request_of_a_caller_who_left_is_heeded() -> None:
    """A 429 that no caller waits for still throttles the quota."""

    async def work() -> None:
        transport = GoingOn(make_error_response(429, "SLOW", retry_after="40"), took=1.0)
        client, _ = make_client(transport=transport)
        await cancelled(client)
        assert await waited(client) >= 40.0

    run_in_virtual_time(work)


def test_an_end_that_nobody_will_learn_costs_the_most() -> None:
    """When the loop ends first, the permit cools W + D from the latest time at which the connection can close."""

    async def work() -> None:
        transport = GoingOn(OK, took=1.0)
        client, _ = make_client(transport=transport)
        await cancelled(client)
        transport.left[0].cancel()
        await asyncio.sleep(0)
        assert await waited(client) >= ATTEMPT_S - 0.2 + WINDOW_S + TRANSIT_S

    run_in_virtual_time(work)


def test_an_end_that_is_never_known_costs_no_more() -> None:
    """A loop that is closed with the request under way loses no permit: it comes back by itself."""

    async def work() -> None:
        transport = GoingOn(OK, took=1.0)
        client, _ = make_client(transport=transport)
        transport.silent = True
        await cancelled(client)
        transport.silent = False
        seconds = await waited(client)
        most_s = ATTEMPT_S + WINDOW_S + TRANSIT_S
        assert most_s - 0.2 <= seconds <= most_s * 1.02 + 1.0

    run_in_virtual_time(work)


def test_many_callers_who_leave_stay_within_the_quota() -> None:
    """Callers that are cancelled at any moment, however their requests end, never make more than L arrive in W."""

    async def work() -> None:
        replies: list[Response | NoReply] = [OK, make_error_response(500, "X"), LOST, OK, make_error_response(404, "X")]
        transport = GoingOn(*replies * 20, took=1.0)
        client, _ = make_client(transport=transport)
        client = client.with_options(deadline_s=None)
        for number in range(12):
            call = asyncio.create_task(get(client, str(number)))
            await asyncio.sleep(0.07 + number * 0.31)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        await get(client, "last")
        assert most_in(WINDOW_S, transport.arrivals) == 1
        assert count_held(client) == 0

    run_in_virtual_time(work)
