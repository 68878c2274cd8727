# SPDX-License-Identifier: Apache-2.0
"""Many callers of one client, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.client import AsyncClient
from callwell.core.rules.profile import QuotaRule
from callwell.keys import Key
from tests.client.acme import KEY, acme
from tests.client.virtual import LoopClock, SlowTransport
from tests.client.world import OK

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.description.provider import Provider
    from callwell.transport.base import NoReply, Request, Response

NARROW = {"ten": QuotaRule(limit=1, window_s=10)}


def make_client(
    reply: Callable[[Request], Response | NoReply] = lambda _: OK, *, took: float = 1.0, **options: Any
) -> tuple[AsyncClient, SlowTransport]:
    """A client in virtual time and its transport."""
    transport = SlowTransport(reply, took)
    provider: Provider = options.pop("provider", None) or acme(NARROW)
    given: dict[str, Any] = {"key": Key(KEY), "clock": LoopClock(), "transport": transport} | options
    return AsyncClient(provider, **given), transport


def get(client: AsyncClient, name: str) -> Any:
    """A call that is distinguished by its name."""
    return client.call("things.get", thing_id=name)


def most_in(window_s: float, arrivals: list[float]) -> int:
    """The most arrivals in any window, however aligned."""
    return max(sum(1 for other in arrivals if at <= other < at + window_s) for at in arrivals)
