# SPDX-License-Identifier: Apache-2.0
"""The contract between the client and its transport.

`send` makes exactly one request: it follows no redirect, retries nothing, keeps no cookies, sends no referer, and uses
no proxy unless one is configured. It does not raise for the network. A request that failed returns a `NoReply` with an
outcome that says what is *known*: `REFUSED` only if no connection was made. A transport that cannot be used at all
raises a `UsageError`, and has sent nothing. `tests/contract/test_transport.py` holds every implementation to this over
raw sockets.

The request of a cancelled `send` may still be running, and even arrive, until `timeout_s` after it began: only then can
its connection be assumed closed. A transport that continues the request, and can report how it ends, calls
`Request.on_abandoned` with a future of that end before it propagates the cancellation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, TypeAlias

from msgspec import Struct

from callwell.core.types import Outcome
from callwell.opaque import Opaque, without_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager


class StreamedBody(Protocol):
    """A request body that is read while it is sent, from the beginning for each request."""

    @property
    def size(self) -> int | None:
        """Bytes of the whole body; None if unknown before it is read."""
        ...

    @property
    def one_time(self) -> bool:
        """Whether it can be read only once."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """The chunks in order."""
        ...


class RequestHeaders(Opaque):
    """The header fields of a request. One of them is the key, so `repr` shows names only.

    Only a transport iterates over the fields, inside the call that sends. This is neither a sequence nor a mapping,
    since error reporters record the items of those, and it cannot be pickled.

    Args:
        pairs: names, in lower case, with their values.
    """

    __slots__ = ("_pairs",)

    def __init__(self, pairs: tuple[tuple[str, str], ...] = ()) -> None:
        self._pairs = pairs

    @property
    def names(self) -> tuple[str, ...]:
        """The field names in order."""
        return tuple([name for name, _ in self._pairs])

    def with_fields(self, more: Iterable[tuple[str, str]]) -> RequestHeaders:
        """The same fields followed by more."""
        return RequestHeaders((*self._pairs, *more))

    def summary(self) -> str:
        """The field names, joined by commas."""
        return ", ".join(self.names)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RequestHeaders) and self._pairs == other._pairs

    def __hash__(self) -> int:
        return hash(self._pairs)

    def __getstate__(self) -> NoReturn:
        raise TypeError("the headers of a request cannot be pickled: one of them is a key")

    def __reduce__(self) -> NoReturn:
        self.__getstate__()


NO_HEADERS: Final = RequestHeaders()

MAX_ANSWER_BYTES: Final = 64 << 20
"""The most bytes of a response body that is read into memory, unless profile or caller set another limit.

No described operation returns nearly as much; files are streamed instead."""

MAX_ERROR_BYTES: Final = 1 << 20
"""The most bytes of an error response that are read: described ones have a few hundred."""


OnAbandoned: TypeAlias = Callable[[Any], None]
"""Receives a future of how a request ends after its `send` was cancelled: an `asyncio.Future` of what `send` would have
returned. The future is cancelled if the end will remain unknown."""


class Request(Opaque, Struct, frozen=True):
    """One HTTP request. Its `repr` shows neither header values, nor the query, nor the body.

    Attributes:
        method: in capitals.
        url: absolute.
        headers: the header fields; a plain tuple of pairs is fine if none is secret.
        body: the whole body, a `StreamedBody`, or None.
        timeout_s: real seconds within which the complete response must arrive; in a stream, the longest pause.
        keep_status: report the status even if the body is lost, which makes reading slower.
        new_connection: use a new connection, because pooled ones may be dead.
        total_timeout_s: real seconds within which a streamed response must end; None for no limit.
        on_abandoned: called if `send` is cancelled and the end of the request will still be known.
    """

    method: str
    url: str
    headers: RequestHeaders | tuple[tuple[str, str], ...] = NO_HEADERS
    body: bytes | StreamedBody | None = None
    timeout_s: float = 60.0
    keep_status: bool = False
    new_connection: bool = False
    total_timeout_s: float | None = None
    on_abandoned: OnAbandoned | None = None

    def summary(self) -> str:
        """The method, the address without its query, and the header names."""
        names = ", ".join([name for name, _ in self.headers])
        return f"{self.method} {without_query(self.url)}, headers: {names}"


class Response(Opaque, Struct, frozen=True):
    """One HTTP response. Its `repr` does not show the body, which may hold tokens.

    Attributes:
        status: the HTTP status.
        headers: values by field name, case-insensitive.
        body: the part of the body that arrived, with content codings decoded.
        whole: the complete body arrived, and its content codings could be decoded.
        too_large: the body is incomplete because it has more bytes than allowed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True
    too_large: bool = False

    def summary(self) -> str:
        """The status, and the bytes of the body."""
        return f"{self.status}, {len(self.body)} bytes{'' if self.whole else ', not whole'}"


class NoReply(Struct, frozen=True):
    """A request without a usable response.

    Attributes:
        outcome: `REFUSED` if nothing can have been sent, otherwise `UNKNOWN`.
        reason: what happened, for display, without addresses or secrets.
        cause: the HTTP library's exception, for `raise ... from`.
        permanent: another attempt would fail in the same way, for example because of a certificate; the reason says
            what to do.
        headers_arrived: status and headers of a final response arrived before the rest was lost, so the request has
            arrived.
    """

    outcome: Outcome
    reason: str
    cause: Exception | None = None
    permanent: bool = False
    headers_arrived: bool = False


class AsyncBody(Protocol):
    """A streamed response.

    Attributes:
        status: the HTTP status.
        headers: values by field name, case-insensitive.
    """

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes | NoReply:
        """The next chunk of the body: empty at its end, a `NoReply` if it broke off."""
        ...


class Body(Protocol):
    """A streamed response.

    Attributes:
        status: the HTTP status.
        headers: values by field name, case-insensitive.
    """

    status: int
    headers: Mapping[str, str]

    def read(self) -> bytes | NoReply:
        """The next chunk of the body: empty at its end, a `NoReply` if it broke off."""
        ...


class AsyncTransport(Protocol):
    """Sends the requests of an asynchronous client."""

    async def send(self, request: Request) -> Response | NoReply:
        """Make one request and read the whole response."""
        ...

    def stream(self, request: Request) -> AbstractAsyncContextManager[AsyncBody | NoReply]:
        """Make one request, and leave its response to be read chunk by chunk."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


class Transport(Protocol):
    """Sends the requests of a synchronous client."""

    def send(self, request: Request) -> Response | NoReply:
        """Make one request and read the whole response."""
        ...

    def stream(self, request: Request) -> AbstractContextManager[Body | NoReply]:
        """Make one request, and leave its response to be read chunk by chunk."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class Network(Opaque, Struct, frozen=True, kw_only=True):
    """How connections are made.

    Attributes:
        connect_s: real seconds to make a connection, TLS included.
        idle_s: real seconds after which an idle connection is closed. Most servers close later (Node.js and uvicorn
            after 5 s): a request on a connection that the server is just closing has an unknown outcome.
        proxy: the address of a proxy, `environment` for the usual variables, or None for no proxy. `repr` omits it,
            because it may hold a password.
        ca_file: a file of PEM certificates to trust in addition to the usual authorities.
        user_agent: the `User-Agent` header.
        max_answer_bytes: the most bytes of a decoded response that is read into memory; a longer one is incomplete.
            Streams have no limit.
    """

    connect_s: float = 10.0
    idle_s: float = 4.0
    proxy: str | None = None
    ca_file: str | None = None
    user_agent: str = "callwell"
    max_answer_bytes: int = MAX_ANSWER_BYTES
