# SPDX-License-Identifier: Apache-2.0
"""The seam between deciding and sending: one verb, and what comes back is a value.

The contract of `send`: exactly one arrival at the server, no redirect followed, no hidden retry, no cookie, no referer,
no proxy unless it was configured. It never raises for the network: what went wrong is a `NoReply` whose outcome says
what is *known*, `REFUSED` only where no connection was made. A transport that cannot be used at all raises a
`UsageError`, and has sent nothing. `tests/contract/test_transport.py` holds every implementation to it over raw
sockets.

A `send` that is cancelled may still be under way, and even arrive, until `timeout_s` after it began: only then can its
connection be taken for closed. A transport that goes on with the request, and can report how it ends, calls
`Request.on_abandoned` with a future of that end before it lets the cancellation through.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, Protocol, TypeAlias

import msgspec

from callwell.opaque import Opaque, without_query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from callwell.core.types import Outcome


class StreamedBody(Protocol):
    """A body that is read while it is sent, from its beginning for each arrival."""

    @property
    def size(self) -> int:
        """Bytes of all pieces together."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """The pieces in order."""
        ...


class RequestHeaders(Opaque):
    """The header fields of a request. One of them is the key, so values are shown to nobody.

    Only a transport iterates over it, inside the call that sends. It is neither a sequence nor a mapping, whose items
    error reporters write down, and it cannot be pickled.

    Args:
        pairs: name and value, names in lower case.
    """

    __slots__ = ("_pairs",)

    def __init__(self, pairs: tuple[tuple[str, str], ...] = ()) -> None:
        self._pairs = pairs

    @property
    def names(self) -> tuple[str, ...]:
        """The names in order."""
        return tuple([name for name, _ in self._pairs])

    def with_fields(self, more: Iterable[tuple[str, str]]) -> RequestHeaders:
        """These fields and more."""
        return RequestHeaders((*self._pairs, *more))

    def summary(self) -> str:
        """The names."""
        return ", ".join(self.names)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

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
"""Bytes of an answer that is read at once, unless the profile or the caller says otherwise."""

MAX_ERROR_BYTES: Final = 1 << 20
"""Bytes of an answer that is no success: more of it are not read."""


OnAbandoned: TypeAlias = Callable[[Any], None]
"""Takes the end to come of a request after its `send` was cancelled: an `asyncio.Future` of what `send` would have
returned, which is cancelled where nobody will learn it."""


class Request(Opaque, msgspec.Struct, frozen=True):
    """One HTTP request. Its `repr` shows neither values of headers, nor the query, nor the body.

    Attributes:
        method: in capitals.
        url: absolute.
        headers: the header fields, which a plain tuple of pairs can stand for where none is secret.
        body: the whole body, one that is read while it is sent, or none.
        timeout_s: real seconds until the whole answer must have arrived.
        keep_status: tell the status even if the body is lost, at the price of a slower read.
        new_connection: over a new connection, since those that are open may be dead.
        total_timeout_s: real seconds within which a streamed answer must have ended; None for no end.
        on_abandoned: called if the `send` is cancelled and its end will be known.
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
        """Method, address without its query, and names of headers."""
        names = ", ".join([name for name, _ in self.headers])
        return f"{self.method} {without_query(self.url)}, headers: {names}"


class Response(Opaque, msgspec.Struct, frozen=True):
    """One HTTP answer. Its `repr` does not show the body, which may hold tokens.

    Attributes:
        status: the HTTP status.
        headers: by name, whatever the case.
        body: what arrived of it.
        whole: all of it arrived, and its coding could be undone.
        too_large: it is not whole because it has more bytes than are allowed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True
    too_large: bool = False

    def summary(self) -> str:
        """The status, and how much of the body arrived."""
        return f"{self.status}, {len(self.body)} bytes{'' if self.whole else ', not whole'}"


class NoReply(NamedTuple):
    """A request that got no answer.

    Attributes:
        outcome: `REFUSED` if nothing can have been sent, else `UNKNOWN`.
        reason: in words, without addresses or secrets.
        cause: the foreign exception, for `raise ... from`.
        permanent: another attempt would fail in the same way, as at a certificate; the reason says what to do.
        arrived: the head of a final answer came before the rest was lost, so the request cannot arrive later than that.
    """

    outcome: Outcome
    reason: str
    cause: Exception | None = None
    permanent: bool = False
    arrived: bool = False


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
        proxy: the address of a proxy; `environment` for the usual variables; none by default. Its password does not
            show.
        ca_file: a file of PEM certificates to trust as well.
        user_agent: what the client calls itself.
        max_answer_bytes: of a decoded answer that is read at once; one with more is not whole. Streams have no bound.
    """

    connect_s: float = 10.0
    idle_s: float = 4.0
    proxy: str | None = dataclasses.field(default=None, repr=False)
    ca_file: str | None = None
    user_agent: str = "callwell"
    max_answer_bytes: int = MAX_ANSWER_BYTES
