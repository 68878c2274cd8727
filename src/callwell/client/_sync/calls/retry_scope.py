# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/calls/retry_scope.py by tools/unasync.py; do not edit
"""Announces that this client retries, to clients inside its transport and to the server: see `nested`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from callwell.client.calls.nested import outer_retries
from callwell.client.calls.options import RETRIES_HEADER
from callwell.transport.base import RequestHeaders
from callwell.transport.default import DefaultTransport

if TYPE_CHECKING:
    from callwell.transport.base import NoReply, Request, Response, Transport


class Exchange(Protocol):
    """Sends a request."""

    def __call__(self, request: Request) -> Response | NoReply:
        """Send one request and read the whole response."""
        ...


def announce_retries(transport: Transport, *, to_server: bool) -> Exchange:
    """The transport's `send`, with other clients inside it not retrying.

    Args:
        transport: the transport; the default one has no clients inside.
        to_server: send the header that announces retries, too.
    """
    if isinstance(transport, DefaultTransport) and not to_server:
        return transport.load().send  # without the frame of `DefaultTransport.send`
    send = transport.send

    def send_announced(request: Request) -> Response | NoReply:
        if to_server:
            request = replace(request, headers=RequestHeaders((*request.headers, (RETRIES_HEADER, "1"))))
        with outer_retries():
            return send(request)

    return send_announced
