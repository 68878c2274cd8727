# SPDX-License-Identifier: Apache-2.0
"""Both transports behind one blocking face, so that one suite holds them to one contract."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, TypeAlias

from callwell.transport.base import Network, NoReply, Request
from callwell.transport.pyreqwest import AsyncPyreqwestTransport, PyreqwestTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.core.types import Outcome
    from callwell.transport.base import Response


Streamed: TypeAlias = "tuple[int, list[bytes | NoReply]]"
Senders: TypeAlias = "Callable[[Network], Sender]"


class Sender(Protocol):
    """Sends and waits."""

    def send(self, request: Request) -> Response | NoReply:
        """One request, the whole response."""
        ...

    def stream(self, request: Request, most: int = 1_000_000) -> Streamed | NoReply:
        """One request; the status, and up to `most` pieces with what ended them, if that is not a regular end."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


def get(url: str, timeout_s: float = 10.0) -> Request:
    """A request without a body."""
    return Request("GET", url, timeout_s=timeout_s)


def post(url: str, timeout_s: float = 10.0, *, keep_status: bool = False) -> Request:
    """A request that may not be repeated."""
    return Request("POST", url, (("x-a", "1"),), b"body", timeout_s, keep_status)


def known(reply: Response | NoReply | Streamed) -> Outcome | None:
    """What is known without a reply."""
    return reply.outcome if isinstance(reply, NoReply) else None


class BlockingSender:
    """The synchronous transport."""

    def __init__(self, network: Network) -> None:
        self.transport = PyreqwestTransport(network)

    def send(self, request: Request) -> Response | NoReply:
        """One request, the whole response."""
        return self.transport.send(request)

    def stream(self, request: Request, most: int = 1_000_000) -> Streamed | NoReply:
        """One request; the status and the pieces."""
        with self.transport.stream(request) as body:
            if isinstance(body, NoReply):
                return body
            pieces = list[bytes | NoReply]()
            while len(pieces) < most and (piece := body.read()):
                pieces.append(piece)
                if isinstance(piece, NoReply):
                    break
            return body.status, pieces

    def close(self) -> None:
        """Close all connections."""
        self.transport.close()


class AsyncSender:
    """The asynchronous transport, in an event loop of its own."""

    def __init__(self, network: Network) -> None:
        self.transport = AsyncPyreqwestTransport(network)
        self.runner = asyncio.Runner()

    def send(self, request: Request) -> Response | NoReply:
        """One request, the whole response."""
        return self.runner.run(self.transport.send(request))

    def stream(self, request: Request, most: int = 1_000_000) -> Streamed | NoReply:
        """One request; the status and the pieces."""
        return self.runner.run(self._stream(request, most))

    async def _stream(self, request: Request, most: int) -> Streamed | NoReply:
        async with self.transport.stream(request) as body:
            if isinstance(body, NoReply):
                return body
            pieces = list[bytes | NoReply]()
            while len(pieces) < most and (piece := await body.read()):
                pieces.append(piece)
                if isinstance(piece, NoReply):
                    break
            return body.status, pieces

    def close(self) -> None:
        """Close all connections."""
        self.runner.run(self.transport.aclose())
        self.runner.close()
