# SPDX-License-Identifier: Apache-2.0
"""Sending with pyreqwest (reqwest and hyper, in Rust), which only this file, `clients` and `errors` know.

HTTP/1.1 only: HTTP/2 repeats refused streams by itself, which would be a second arrival. A client is made on first use,
so that a process may fork before it; the library's own threads do not survive a fork after it.

A task that is cancelled cannot take its request back: the library runs each request in its own runtime, which goes on,
connecting and sending included, until the answer is there or `timeout_s` is over. Dropping the request or closing the
client ends nothing but the wait. So the wait goes on as well: see `cancelled`.

No local variable here holds headers or a request that the library has built: an error reporter writes down the locals
of every frame.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, ParamSpec, TypeAlias, TypeVar

from callwell.core.types import Outcome
from callwell.transport import bodies
from callwell.transport.allocator import sparing
from callwell.transport.at_exit import wait_at_exit
from callwell.transport.base import Network, NoReply, Request, Response
from callwell.transport.clients import PLAIN, Pool, Way, configured
from callwell.transport.headers import Headers
from callwell.transport.spelling import SUSPECT, is_rewritten

with sparing():
    from pyreqwest.client import ClientBuilder, SyncClientBuilder
    from pyreqwest.exceptions import PyreqwestError
    from pyreqwest.http import HeaderMap, Url

    from callwell.transport.errors import no_reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from pyreqwest.client import Client, SyncClient
    from pyreqwest.request import RequestBuilder, SyncRequestBuilder
    from pyreqwest.response import Response as TheirResponse
    from pyreqwest.response import SyncResponse as TheirSyncResponse

    from callwell.transport.exact import ExactAnswer

R = TypeVar("R", "RequestBuilder", "SyncRequestBuilder")
T = TypeVar("T")
P = ParamSpec("P")
AnyPool: TypeAlias = "Pool[Client] | Pool[SyncClient]"

DEFAULT: Final = Network()

READ_AHEAD: Final = 64 << 10
"""Bytes of a body that are read together with its status: what fits costs no further turn of the event loop."""

UNREAD: Final = 0
"""The same where the status must be known even if the body breaks off: a break among them would hide it."""

UNBUILDABLE: Final = NoReply(Outcome.REFUSED, "the request could not be built")
"""Without its cause, whose text would hold the header or the address that cannot be."""

SPANS: Final = 8
"""Times that are kept as the library wants them: most requests have one of a few, and making one takes as long as all
the rest of a request."""


@lru_cache(SPANS)
def _span(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _way(pool: AnyPool, request: Request, pause_s: float | None = None) -> Way:
    """How a request leaves.

    A HEAD has a connection of its own: some servers send a body with its answer, which the next request would get.
    """
    fresh = request.fresh or request.method == "HEAD"
    return Way(pause_s, fresh, pool.proxies.through(request.url))


def _filled(begin: Callable[[str, str], R], request: Request, read_ahead: int) -> R | NoReply:
    try:
        builder = (
            begin(request.method, request.url).headers(list(request.headers)).streamed_read_buffer_limit(read_ahead)
        )
    except ValueError:
        return UNBUILDABLE
    if request.within_s is not None:
        builder = builder.timeout(_span(request.within_s))
    if request.body is None:
        return builder
    if isinstance(request.body, bytes):
        return builder.body_bytes(request.body)
    return builder.header("content-length", str(request.body.size)).body_stream(iter(request.body))


def _must_be_exact(url: str) -> bool:
    """Whether the library would send another address than the one given."""
    if SUSPECT.search(url) is None:
        return False
    try:
        return is_rewritten(url, str(Url(url)))
    except ValueError:
        return False  # it cannot be sent at all


class AsyncPyreqwestTransport:
    """Asynchronous sending.

    Args:
        network: how connections are made.

    Raises:
        InvalidOption: the network names a proxy or certificates that cannot be.
    """

    def __init__(self, network: Network = DEFAULT) -> None:
        self._network = network
        self._pool: Pool[Client] = Pool(network, self._made)
        from callwell.transport.cancelled import LeftBehind, outliving  # the other side does without asyncio

        self._outliving = outliving
        self._left = LeftBehind()

    def _made(self, way: Way) -> Client:
        client = configured(ClientBuilder(), self._network, self._pool, way).build()
        wait_at_exit()
        return client

    async def send(self, request: Request) -> Response | NoReply:
        """Make one arrival and read the whole answer."""
        if ("'" in request.url or "/." in request.url or "/%2" in request.url) and _must_be_exact(request.url):
            return await _aside(_sent_exactly, self._pool, request)
        return await self._outliving(self._sent(request), request, self._left)

    async def _sent(self, request: Request) -> Response | NoReply:
        pool = self._pool
        try:
            usual = pool.is_plain and not request.fresh and request.method != "HEAD"
            way = PLAIN if usual else _way(pool, request)
            builder = _filled(pool.client(way).request, request, UNREAD if request.keep_status else READ_AHEAD)
            if isinstance(builder, NoReply):
                return builder
            async with builder.timeout(_span(request.timeout_s)).build_streamed() as answer:
                status = answer.status
                fields = answer.headers
                headers = Headers(fields)
                most = bodies.most(pool.most_bytes, status)
                try:
                    if bodies.is_simple(fields, most):
                        return Response(status, headers, bytes(await answer.bytes()))
                    if bodies.has_none(status, request.method):
                        return Response(status, headers, b"")
                    if bodies.is_too_large(headers, status, most):
                        return Response(status, headers, b"", whole=False, too_large=True)
                    body = bytes(await answer.body_reader.read(most + 1) or b"")
                except PyreqwestError:
                    if not request.keep_status:
                        raise
                    return Response(status, headers, b"", whole=False)
            return bodies.response(status, fields, headers, body, most)
        except PyreqwestError as error:
            return no_reply(error)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncPyreqwestBody | AsyncExactBody | NoReply]:
        """Make one arrival and leave the body to be read piece by piece; `timeout_s` is then the longest pause."""
        pool = self._pool
        if _must_be_exact(request.url):
            opened = await _aside(_opened_exactly, pool, request, request.within_s)
            if isinstance(opened, NoReply):
                yield opened
                return
            try:
                yield AsyncExactBody(opened)
            finally:
                opened.close()
            return
        failed: NoReply | None = None
        entered = False
        try:
            builder = _filled(pool.client(_way(pool, request, request.timeout_s)).request, request, UNREAD)
            if isinstance(builder, NoReply):
                failed = builder
            else:
                async with builder.build_streamed() as answer:
                    entered = True
                    yield AsyncPyreqwestBody(answer)
        except PyreqwestError as error:
            if entered:
                raise
            failed = no_reply(error)
        if failed is not None:
            yield failed

    async def aclose(self) -> None:
        """Close all connections, and wait for no request that was left."""
        await self._left.end()
        for client in self._pool.drain():
            await client.close()


class AsyncPyreqwestBody:
    """The body of a streamed answer."""

    def __init__(self, answer: TheirResponse) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = Headers(answer.headers)
        self._reader = answer.body_reader

    async def read(self) -> bytes | NoReply:
        """The next piece: empty at the end, `NoReply` if it broke off."""
        try:
            piece = await self._reader.read_chunk()
        except PyreqwestError as error:
            return no_reply(error)
        return b"" if piece is None else bytes(piece)


class AsyncExactBody:
    """The body of an answer that the standard library reads, in a thread."""

    def __init__(self, answer: ExactAnswer) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = Headers(HeaderMap(answer.fields))
        self._read = answer.read

    async def read(self) -> bytes | NoReply:
        """The next piece: empty at the end, `NoReply` if it broke off."""
        return await _aside(self._read)


class PyreqwestTransport:
    """Synchronous sending.

    Args:
        network: how connections are made.

    Raises:
        InvalidOption: the network names a proxy or certificates that cannot be.
    """

    def __init__(self, network: Network = DEFAULT) -> None:
        self._network = network
        self._pool: Pool[SyncClient] = Pool(network, self._made)

    def _made(self, way: Way) -> SyncClient:
        return configured(SyncClientBuilder(), self._network, self._pool, way).build()

    def send(self, request: Request) -> Response | NoReply:
        """Make one arrival and read the whole answer."""
        pool = self._pool
        if ("'" in request.url or "/." in request.url or "/%2" in request.url) and _must_be_exact(request.url):
            return _sent_exactly(pool, request)
        try:
            usual = pool.is_plain and not request.fresh and request.method != "HEAD"
            way = PLAIN if usual else _way(pool, request)
            builder = _filled(pool.client(way).request, request, UNREAD if request.keep_status else READ_AHEAD)
            if isinstance(builder, NoReply):
                return builder
            with builder.timeout(_span(request.timeout_s)).build_streamed() as answer:
                status = answer.status
                fields = answer.headers
                headers = Headers(fields)
                most = bodies.most(pool.most_bytes, status)
                try:
                    if bodies.is_simple(fields, most):
                        return Response(status, headers, bytes(answer.bytes()))
                    if bodies.has_none(status, request.method):
                        return Response(status, headers, b"")
                    if bodies.is_too_large(headers, status, most):
                        return Response(status, headers, b"", whole=False, too_large=True)
                    body = bytes(answer.body_reader.read(most + 1) or b"")
                except PyreqwestError:
                    if not request.keep_status:
                        raise
                    return Response(status, headers, b"", whole=False)
            return bodies.response(status, fields, headers, body, most)
        except PyreqwestError as error:
            return no_reply(error)

    @contextmanager
    def stream(self, request: Request) -> Iterator[PyreqwestBody | ExactBody | NoReply]:
        """Make one arrival and leave the body to be read piece by piece; `timeout_s` is then the longest pause."""
        pool = self._pool
        if _must_be_exact(request.url):
            opened = _opened_exactly(pool, request, request.within_s)
            if isinstance(opened, NoReply):
                yield opened
                return
            try:
                yield ExactBody(opened)
            finally:
                opened.close()
            return
        failed: NoReply | None = None
        entered = False
        try:
            builder = _filled(pool.client(_way(pool, request, request.timeout_s)).request, request, UNREAD)
            if isinstance(builder, NoReply):
                failed = builder
            else:
                with builder.build_streamed() as answer:
                    entered = True
                    yield PyreqwestBody(answer)
        except PyreqwestError as error:
            if entered:
                raise
            failed = no_reply(error)
        if failed is not None:
            yield failed

    def close(self) -> None:
        """Close all connections."""
        for client in self._pool.drain():
            client.close()


class PyreqwestBody:
    """The body of a streamed answer."""

    def __init__(self, answer: TheirSyncResponse) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = Headers(answer.headers)
        self._reader = answer.body_reader

    def read(self) -> bytes | NoReply:
        """The next piece: empty at the end, `NoReply` if it broke off."""
        try:
            piece = self._reader.read_chunk()
        except PyreqwestError as error:
            return no_reply(error)
        return b"" if piece is None else bytes(piece)


class ExactBody:
    """The body of an answer that the standard library reads."""

    def __init__(self, answer: ExactAnswer) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = Headers(HeaderMap(answer.fields))
        self.read = answer.read


async def _aside(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    from asyncio import to_thread  # who uses the sync side does not load asyncio

    return await to_thread(work, *given, **named)


def _opened_exactly(pool: AnyPool, request: Request, within_s: float | None = None) -> ExactAnswer | NoReply:
    return pool.exact.open(request, pool.proxies.proxy(request.url), within_s=within_s)


def _sent_exactly(pool: AnyPool, request: Request) -> Response | NoReply:
    """Make one arrival whose address is kept letter by letter, and read the whole answer."""
    answer = _opened_exactly(pool, request, request.timeout_s)
    if isinstance(answer, NoReply):
        return answer
    status = answer.status
    fields = HeaderMap(answer.fields)
    headers = Headers(fields)
    most = bodies.most(pool.most_bytes, status)
    pieces: list[bytes] = []
    left = most
    try:
        while left >= 0 and (piece := answer.read()):
            if isinstance(piece, NoReply):
                return Response(status, headers, b"", whole=False) if request.keep_status else piece
            left -= len(piece)
            pieces.append(piece)
    finally:
        answer.close()
    return bodies.response(status, fields, headers, b"".join(pieces), most)
