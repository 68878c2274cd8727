# SPDX-License-Identifier: Apache-2.0
"""Two clients that know nothing of each other spend one emulated account, and each leaves the other its share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from callwell.client import AsyncClient
from callwell.clock import scaled_clock
from callwell.emulator.options import EmulatorOptions
from callwell.keys import Key
from callwell.observe.notices import AttemptEnded, ForeignSpending
from tests.processes.program import start
from tests.processes.scaled_clock import scale

if TYPE_CHECKING:
    from callwell.clock import Clock
    from callwell.observe.notices import Notice

WINDOWS = 4
AT_ONCE = 2


async def _spend(clients: list[AsyncClient], operation: str, clock: Clock, until: float) -> None:
    """Call without a pause until then."""

    async def work(client: AsyncClient) -> None:
        while clock.now() < until:
            await client.call(operation)

    await asyncio.gather(*[work(client) for client in clients for _ in range(AT_ONCE)])


def spend(clock: Clock, operation: str, provider: str, **options: Any) -> list[Notice]:
    """Two clients, each with a state of its own; what they noticed."""
    notices: list[Notice] = []

    async def both() -> None:
        made: list[AsyncClient] = [
            AsyncClient(provider, clock=clock, priority="batch", on_notice=notices.append, **options) for _ in range(2)
        ]
        try:
            await _spend(made, operation, clock, clock.now() + WINDOWS * 60.0)
        finally:
            for client in made:
                await client.aclose()

    asyncio.run(both())
    return notices


def counts(notices: list[Notice]) -> tuple[int, int]:
    """Attempts, and those that were refused."""
    attempts = [notice for notice in notices if isinstance(notice, AttemptEnded)]
    return len(attempts), sum(notice.status == 429 for notice in attempts)


@pytest.mark.parametrize("form", ["draft", "delta"])
@pytest.mark.parametrize("window", ["sliding", "fixed"])
def test_two_clients_share_an_account_unseen(form: Any, window: Any) -> None:
    """Hardly a request is refused, although neither knows of the other but by the headers of its own responses."""
    clock = scaled_clock(scale(40.0))
    options = EmulatorOptions(provider=("userplane",), rate_headers=form, window=window, clock=str(clock))
    with start(options) as running:
        point = running.endpoint("userplane", "production")
        notices = spend(clock, "me.get", "userplane", base_url=point.base_url, key=Key(point.key))
    attempts, refused = counts(notices)
    assert any(isinstance(notice, ForeignSpending) for notice in notices)
    assert attempts - refused > 0.6 * 120 * WINDOWS, (attempts, refused)
    assert refused < 0.05 * attempts, (attempts, refused)


def test_one_client_uses_fixed_windows_to_the_end() -> None:
    """With the ends of windows known, more goes through than permits that cool for a whole one would allow."""
    clock = scaled_clock(scale(40.0))
    with start(EmulatorOptions(provider=("apivideo",), clock=str(clock))) as running:
        point = running.endpoint("apivideo", "sandbox")
        notices = spend(
            clock, "tags.list", "apivideo", environment="sandbox", base_url=point.base_url, key=Key(point.key)
        )
    attempts, refused = counts(notices)
    assert refused < 0.05 * attempts, (attempts, refused)
    assert attempts - refused > 0.6 * 100 * WINDOWS, (attempts, refused)
