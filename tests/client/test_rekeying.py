# SPDX-License-Identifier: Apache-2.0
"""Calls that meet a dead key while somebody else is looking for a new one, in virtual time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from callwell import errors
from callwell.client.keys.manager import AsyncKeyManager
from callwell.client.keys.usage import KeyUseLog
from callwell.clock import SystemClock
from callwell.core.rules.profile import QuotaRule
from callwell.keys import parse_source
from callwell.state import open_state
from tests.client.acme import KEY, KEYS, acme
from tests.client.many_callers import get, make_client
from tests.client.virtual import run_in_virtual_time
from tests.client.world import DEAD, count_held
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.client import AsyncClient
    from callwell.transport.base import Request, Response


async def looking(tmp_path: Path) -> tuple[AsyncClient, asyncio.Task[object]]:
    """A client, and its first call, which has met a dead key and looks for a new one for thirty seconds."""
    file = tmp_path / "key"
    file.write_text("acme_first")

    def reply(_: Request) -> Response:
        return DEAD

    provider = acme({"ten": QuotaRule(limit=5, window_s=10)})
    client, _ = make_client(reply, provider=provider, key=f"file:{file}", deadline_s=None)
    client._engine.keys._newest_accepted = 0
    first: asyncio.Task[object] = asyncio.create_task(get(client, "1"))
    await asyncio.sleep(2.0)
    assert client._engine.keys._reading
    return client, first


def test_a_call_that_begins_without_a_key_takes_one_permit(tmp_path: Path) -> None:
    """While the key is looked for it has none in hand, and none is lost."""

    async def work() -> None:
        client, first = await looking(tmp_path)
        second = asyncio.create_task(get(client, "2"))
        await asyncio.sleep(1.0)
        assert client.spent() == {"ten": (1, 5)}  # that of the first call, which cools
        for task in (first, second):
            with pytest.raises(errors.KeyRefused):
                await task
        assert count_held(client) == 0

    run_in_virtual_time(work)


def test_a_call_without_a_key_keeps_its_deadline(tmp_path: Path) -> None:
    """It ends in time, while the other one goes on looking."""

    async def work() -> None:
        client, first = await looking(tmp_path)
        began = asyncio.get_running_loop().time()
        with pytest.raises(errors.OutOfTime):
            await get(client.with_options(deadline_s=12), "2")
        assert asyncio.get_running_loop().time() - began == pytest.approx(12.0, abs=0.6)
        assert not first.done()
        with pytest.raises(errors.KeyRefused):
            await first

    run_in_virtual_time(work)


def test_a_call_that_begins_meanwhile_does_not_bring_the_dead_key_back(tmp_path: Path) -> None:
    """A shared state is asked in a thread before a new key is looked for; the refused call waits for another key."""
    file = tmp_path / "key"
    write_key(file, KEY)
    state = open_state(f"sqlite:///{tmp_path / 'state.db'}")

    async def main() -> int:
        clock = SystemClock()
        keys = AsyncKeyManager(
            "acme",
            KEYS,
            source=parse_source(f"file:{file}", ""),
            clock=clock,
            uses=KeyUseLog("acme:production:own", state, clock),
            notify=lambda _: None,
        )
        use = keys.begin_use()
        assert use is not None
        keys.end_use(use[0], accepted=True)
        renewal = asyncio.create_task(keys.renew(use[0], clock.now() + PATIENCE_S))
        await asyncio.sleep(0)  # until it waits for the state
        keys.begin_use()
        write_key(file, "acme_second")
        try:
            return await renewal
        finally:
            assert keys.poller is not None
            await asyncio.to_thread(keys.poller.close)

    try:
        assert asyncio.run(main()) == 1
    finally:
        state.close()


def write_key(file: Path, text: str) -> None:
    """Write a private file."""
    file.touch(mode=0o600)
    file.write_text(text)
