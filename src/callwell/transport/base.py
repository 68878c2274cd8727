# SPDX-License-Identifier: Apache-2.0
"""The seam between deciding and sending: one verb, and what comes back is a value.

The contract of `send`: exactly one arrival at the server, no redirect followed, no hidden retry, no cookie, no referer,
no proxy unless it was configured. It never raises for the network: what went wrong is a `NoReply` whose outcome says
what is *known*, `REFUSED` only where no connection was made. `tests/contract/test_transport.py` holds every
implementation to it over raw sockets.

A `send` that is cancelled may still be under way, and even arrive, until `timeout_s` after it began: only then can its
connection be taken for closed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from callwell.core.types import Outcome


class Outgoing(Protocol):
    """A body that is read while it is sent, from its beginning for each arrival."""

    @property
    def size(self) -> int:
        """Bytes of all pieces together."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """The pieces in order."""
        ...


class Request(msgspec.Struct, frozen=True):
    """One HTTP request.

    Attributes:
        method: in capitals.
        url: absolute.
        headers: pairs of name and value, names in lower case.
        body: the whole body, one that is read while it is sent, or none.
        timeout_s: real seconds until the whole answer must have arrived.
        keep_status: tell the status even if the body is lost, at the price of a slower read.
        within_s: real seconds within which a streamed answer must have ended; None for no end.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Outgoing | None = None
    timeout_s: float = 60.0
    keep_status: bool = False
    within_s: float | None = None


class Response(msgspec.Struct, frozen=True):
    """One HTTP answer.

    Attributes:
        status: the HTTP status.
        headers: by name, whatever the case.
        body: what arrived of it.
        whole: all of it arrived.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


class NoReply(NamedTuple):
    """A request that got no answer.

    Attributes:
        outcome: `REFUSED` if nothing can have been sent, else `UNKNOWN`.
        reason: in words, without addresses or secrets.
        cause: the foreign exception, for `raise ... from`.
    """

    outcome: Outcome
    reason: str
    cause: Exception | None = None


class AsyncBody(Protocol):
    """The body of a streamed answer."""

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes | NoReply:
        """The next piece: empty at the end, `NoReply` if it broke off."""
        ...


class Body(Protocol):
    """The body of a streamed answer."""

    status: int
    headers: Mapping[str, str]

    def read(self) -> bytes | NoReply:
        """The next piece: empty at the end, `NoReply` if it broke off."""
        ...


class AsyncTransport(Protocol):
    """What an asynchronous driver sends through."""

    async def send(self, request: Request) -> Response | NoReply:
        """Make one arrival and read the whole answer."""
        ...

    def stream(self, request: Request) -> AbstractAsyncContextManager[AsyncBody | NoReply]:
        """Make one arrival and leave the body to be read piece by piece; `timeout_s` is then the longest pause."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


class Transport(Protocol):
    """What a synchronous driver sends through."""

    def send(self, request: Request) -> Response | NoReply:
        """Make one arrival and read the whole answer."""
        ...

    def stream(self, request: Request) -> AbstractContextManager[Body | NoReply]:
        """Make one arrival and leave the body to be read piece by piece; `timeout_s` is then the longest pause."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How connections are made.

    Attributes:
        connect_s: real seconds to make a connection, TLS included.
        idle_s: real seconds after which an idle connection is closed, before any usual server would (Node.js and
            uvicorn close after 5 s): a request on a connection that is just being closed has an unknown outcome.
        proxy: the address of a proxy; `environment` for the usual variables; none by default.
        ca_file: a file of PEM certificates to trust as well.
        user_agent: what the client calls itself.
    """

    connect_s: float = 10.0
    idle_s: float = 4.0
    proxy: str | None = None
    ca_file: str | None = None
    user_agent: str = "callwell"
