# SPDX-License-Identifier: Apache-2.0
"""A call that is made exactly once and is cancelled, wherever it waits, is taken up by the next one of its name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from callwell.client import AsyncClient
from callwell.keys import Key
from callwell.state import MemoryState
from callwell.testing import AsyncScriptedTransport
from tests.client.acme import KEY
from tests.client.shop import Shop, provider, unsettled
from tests.client.virtual import CancelledAt, LoopClock, run_in_virtual_time
from tests.client.world import count_held

if TYPE_CHECKING:
    from callwell.transport.base import NoReply, Request, Response

NAME = "order-1"


class Half(AsyncScriptedTransport):
    """Requests arrive half-way. Who leaves before has let go of one that may be carried out very late.

    Args:
        shop: who answers.
        stray_s: when a request that was let go of is carried out, from its beginning; None if it never is.
    """

    def __init__(self, shop: Shop, stray_s: float | None) -> None:
        super().__init__(shop.answered)
        self._shop = shop
        self._stray_s = stray_s

    async def send(self, request: Request) -> Response | NoReply:
        """The reply, in time."""
        try:
            await asyncio.sleep(self._shop.took / 2)
        except asyncio.CancelledError:
            if self._stray_s is not None and request.method == "POST":
                self._shop.stray(request, self._stray_s - self._shop.took / 2)
            raise
        reply = await super().send(request)
        await asyncio.sleep(self._shop.took / 2)
        return reply


def make(shop: Shop, state: MemoryState, stray_s: float | None) -> Any:
    """A client of the shop in the loop's time."""
    api = AsyncClient(
        provider(),
        key=Key(KEY),
        clock=LoopClock(),
        transport=Half(shop, stray_s),
        state=state,
        deadline_s=None,
        exactly_once=NAME,
    )
    api._engine.roll = lambda: 0.5
    return api


async def _awaited(work: Any) -> Any:
    return await work


@pytest.mark.parametrize("stray_s", [None, 1.0, 60.0 + 89.0])
@pytest.mark.parametrize("fates", [(), ("throttled", "gone", "late"), ("lost",), ("error", "ok"), ("refused",)])
def test_a_cancelled_call_is_taken_up(fates: tuple[str, ...], stray_s: float | None) -> None:
    """At each of its waits: there is one thing in the end, and nothing stays lent or unsettled."""

    async def cancelled_at(step: int) -> bool:
        shop = Shop(fates)
        state = MemoryState()
        shop.clock = LoopClock()  # type: ignore[assignment] # it is only asked for the time
        item = make(shop, state, stray_s)
        left = False
        try:
            await asyncio.create_task(_awaited(CancelledAt(item.call("goods.make", title="t"), step)))
        except asyncio.CancelledError:
            left = True
        assert count_held(item) == 0
        result = await make(shop, state, stray_s).call("goods.make", title="t")
        assert shop.ever == [result]
        assert unsettled(item) == 0
        return left

    async def work() -> int:
        step = 1
        while await cancelled_at(step):
            step += 1
        return step

    assert run_in_virtual_time(work) >= 3
