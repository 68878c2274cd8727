# SPDX-License-Identifier: Apache-2.0
"""Either client is closed by either name, awaited or not, and shows what can be called."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from callwell import AsyncClient, Client, Key
from callwell.core.rules.profile import QuotaRule
from callwell.errors import ClosedError
from callwell.providers import names
from callwell.testing import AsyncScriptedTransport, ScriptedTransport
from tests.client.acme import KEY, acme
from tests.client.world import OK, ScriptedProvider
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path


class Transports:
    """How often transports were closed."""

    def __init__(self) -> None:
        self.closed = 0
        count = self

        class Async(AsyncScriptedTransport):
            async def aclose(self) -> None:
                """Count it."""
                count.closed += 1

        class Sync(ScriptedTransport):
            def close(self) -> None:
                """Count it."""
                count.closed += 1

        world = ScriptedProvider()
        self.asynchronous = Async(world.reply)
        self.synchronous = Sync(world.reply)


def opened(transports: Transports) -> tuple[Any, Any]:
    """A client of either kind."""
    return (
        AsyncClient(acme(), key=Key(KEY), transport=transports.asynchronous),
        Client(acme(), key=Key(KEY), transport=transports.synchronous),
    )


@pytest.mark.parametrize("name", ["close", "aclose"])
def test_either_name_closes_either_client(name: str) -> None:
    """Awaited in a loop."""
    transports = Transports()

    async def work() -> None:
        one, other = opened(transports)
        await getattr(one, name)()
        assert transports.closed == 1
        with pytest.raises(ClosedError):
            await one.call("things.get", thing_id="1")
        if name == "aclose":
            await other.aclose()
        else:
            other.close()
        with pytest.raises(ClosedError):
            other.call("things.get", thing_id="1")

    asyncio.run(work())
    assert transports.closed == 2


def test_close_needs_no_loop_and_no_awaiting() -> None:
    """Outside of a loop it is closed at once; inside, soon."""
    transports = Transports()
    one, other = opened(transports)
    one.close()
    other.aclose()
    assert transports.closed == 2

    async def work() -> None:
        one, _ = opened(transports)
        one.close()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
        assert transports.closed == 3

    asyncio.run(work())


def test_closing_twice_does_no_harm() -> None:
    """By whichever names."""

    async def work() -> None:
        one, other = opened(Transports())
        await one.aclose()
        await one.close()
        other.close()
        await other.aclose()

    asyncio.run(work())


@pytest.mark.parametrize("state", ["memory:", "sqlite:///{folder}/calls.db"])
def test_a_closed_client_lets_nobody_wait(state: str, tmp_path: Path) -> None:
    """Its callers who wait for permits fail at once: permits may never come, as no one asks for them any more."""
    provider = acme({"once": QuotaRule(limit=1, window_s=3600.0)})

    async def work() -> None:
        transport = AsyncScriptedTransport(lambda _: OK)
        address = state.format(folder=tmp_path)
        client = AsyncClient(provider, key=Key(KEY), transport=transport, state=address, deadline_s=None)
        await client.call("things.get", thing_id="1")
        waiting = [asyncio.create_task(client.call("things.get", thing_id="1")) for _ in range(2)]
        await asyncio.sleep(0)
        assert [len(queue.waiters) for queue in client._engine.queues.all] == [2]
        await client.aclose()
        async with asyncio.timeout(PATIENCE_S):
            results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [ClosedError, ClosedError]

    asyncio.run(work())


@pytest.mark.parametrize("kind", [AsyncClient, Client])
def test_dir_shows_groups_and_operations(kind: Any) -> None:
    """What a person sees who asks what there is, for a description of their own."""
    api = kind(acme(), key=Key(KEY))
    assert {"things", "auth", "call", "close", "aclose"} <= set(dir(api))
    assert {"get", "list", "make", "file"} <= set(dir(api.things))
    assert "issue" not in dir(api.things)


@pytest.mark.parametrize("provider", names())
def test_dir_shows_the_groups_of_bundled_providers(provider: str) -> None:
    """All of them, and their operations, whether or not the class is a generated one."""
    one: Any = Client(provider, key=Key(f"uspl_{'k' * 35}"))
    for operation in one.provider.api.operations:
        group, _, method = operation.partition(".")
        assert group in dir(one)
        assert method in dir(getattr(one, group))
