# SPDX-License-Identifier: Apache-2.0
"""Announces that this client retries, to clients inside its transport and to the server: see `nested`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from callwell.client.calls.nested import outer_retries
from callwell.client.calls.options import RETRIES_HEADER
from callwell.transport.base import RequestHeaders
from callwell.transport.default import AsyncDefaultTransport

if TYPE_CHECKING:
    from callwell.transport.base import AsyncTransport, NoReply, Request, Response


class AsyncExchange(Protocol):
    """Sends a request."""

    async def __call__(self, request: Request) -> Response | NoReply:
        """Send one request and read the whole response."""
        ...


def announce_retries(transport: AsyncTransport, *, to_server: bool) -> AsyncExchange:
    """The transport's `send`, with other clients inside it not retrying.

    Args:
        transport: the transport; the default one has no clients inside.
        to_server: send the header that announces retries, too.
    """
    if isinstance(transport, AsyncDefaultTransport) and not to_server:
        return transport.load().send  # without the frame of `AsyncDefaultTransport.send`
    send = transport.send

    async def send_announced(request: Request) -> Response | NoReply:
        if to_server:
            request = replace(request, headers=RequestHeaders((*request.headers, (RETRIES_HEADER, "1"))))
        with outer_retries():
            return await send(request)

    return send_announced
