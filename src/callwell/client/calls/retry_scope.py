# SPDX-License-Identifier: Apache-2.0
"""How a client tells those inside and beyond its transport that it retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from callwell.client.calls.nested import outer_retries
from callwell.client.calls.options import RETRIES_HEADER
from callwell.client.concurrency.primitives import AsyncDefaultTransport
from callwell.transport.base import RequestHeaders

if TYPE_CHECKING:
    from callwell.transport.base import AsyncTransport, NoReply, Request, Response


class AsyncExchange(Protocol):
    """What sends a request."""

    async def __call__(self, request: Request) -> Response | NoReply:
        """Make one arrival and read the whole answer."""
        ...


def announce_retries(transport: AsyncTransport, *, tells: bool) -> AsyncExchange:
    """The transport's `send`, inside of which other clients stand down.

    Args:
        transport: the default one calls nobody.
        tells: the server is told as well.
    """
    send = transport.send
    if isinstance(transport, AsyncDefaultTransport) and not tells:
        return send

    async def inside(request: Request) -> Response | NoReply:
        if tells:
            request = replace(request, headers=RequestHeaders((*request.headers, (RETRIES_HEADER, "1"))))
        with outer_retries():
            return await send(request)

    return inside
