# SPDX-License-Identifier: Apache-2.0
"""`exactly_once` holds for requests outside the description, too."""

from __future__ import annotations

from typing import Any

import pytest

from callwell import errors
from callwell.state import MemoryState
from tests.client._async.scripted_client import connect
from tests.client.running import run
from tests.client.world import LOST, OK, ScriptedProvider


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_named_request_is_made_once(method: str) -> None:
    """Run again under its name, nothing is sent; another request of that name is refused; another name is sent."""
    world = ScriptedProvider(lambda _: OK)

    async def scenario() -> None:
        async with connect(world, state=MemoryState()) as api:
            named = api.with_options(exactly_once="order-1")
            assert (await named.request(method, "/orders", json={"a": 1})).status == 200
            with pytest.raises(errors.NameTaken, match="was made before"):
                await named.request(method, "/orders", json={"a": 1})
            with pytest.raises(errors.NameTaken, match="is the name of another request"):
                await named.request(method, "/orders", json={"a": 2})
            assert len(world.sent) == 1
            await api.with_options(exactly_once="order-2").request(method, "/orders", json={"a": 1})
            assert len(world.sent) == 2

    run(scenario)


def test_a_request_in_doubt_stays_in_the_ledger() -> None:
    """Its response was lost, and there is nothing to find it by: it is not sent again until a person has settled it."""
    world = ScriptedProvider(lambda _: LOST)

    async def scenario() -> None:
        async with connect(world, state=MemoryState()) as api:
            named = api.with_options(exactly_once="order-1")
            for _ in range(2):
                with pytest.raises(errors.OutcomeUnknown):
                    await named.request("POST", "/orders", json={"a": 1})
            (entry,) = api.ledger.entries()
            assert (entry.name, entry.operation, entry.sent) == ("order-1", "POST", "POST /orders")
            assert len(world.sent) == 1
            api.ledger.settle("order-1", done=True)
            with pytest.raises(errors.NameTaken):
                await named.request("POST", "/orders", json={"a": 1})
            assert len(world.sent) == 1

    run(scenario)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_can_be_repeated_needs_no_record(method: str) -> None:
    """It is sent each time, as without the option."""
    world = ScriptedProvider(lambda _: OK)

    async def scenario() -> Any:
        async with connect(world, state=MemoryState(), exactly_once=True) as api:
            for _ in range(2):
                await api.request(method, "/orders")
            return api.ledger.entries(settled=True)

    assert run(scenario) == ()
    assert len(world.sent) == 2
