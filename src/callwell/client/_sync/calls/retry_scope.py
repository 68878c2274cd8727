# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/calls/retry_scope.py by tools/unasync.py; do not edit
"""How a client tells those inside and beyond its transport that it retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from callwell.client._sync.concurrency.primitives import DefaultTransport
from callwell.client.calls.nested import outer_retries
from callwell.client.calls.options import RETRIES_HEADER
from callwell.transport.base import RequestHeaders

if TYPE_CHECKING:
    from callwell.transport.base import NoReply, Request, Response, Transport


class Exchange(Protocol):
    """What sends a request."""

    def __call__(self, request: Request) -> Response | NoReply:
        """Make one arrival and read the whole answer."""
        ...


def announce_retries(transport: Transport, *, tells: bool) -> Exchange:
    """The transport's `send`, inside of which other clients stand down.

    Args:
        transport: the default one calls nobody.
        tells: the server is told as well.
    """
    send = transport.send
    if isinstance(transport, DefaultTransport) and not tells:
        return send

    def inside(request: Request) -> Response | NoReply:
        if tells:
            request = replace(request, headers=RequestHeaders((*request.headers, (RETRIES_HEADER, "1"))))
        with outer_retries():
            return send(request)

    return inside
