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
from callwell.transport.allocator import commit_on_demand
from callwell.transport.at_exit import wait_at_exit
from callwell.transport.base import Network, NoReply, Request, Response
from callwell.transport.clients import USUAL, ClientKind, ClientPool, configure_builder
from callwell.transport.headers import ResponseHeaders
from callwell.transport.normalization import SUSPECT, is_rewritten

with commit_on_demand():
    from pyreqwest.client import ClientBuilder, SyncClientBuilder
    from pyreqwest.exceptions import PyreqwestError
    from pyreqwest.http import HeaderMap, Url

    from callwell.transport.errors import to_no_reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from pyreqwest.client import Client, SyncClient
    from pyreqwest.request import RequestBuilder, SyncRequestBuilder
    from pyreqwest.response import Response as TheirResponse
    from pyreqwest.response import SyncResponse as TheirSyncResponse

    from callwell.transport.exact import ExactResponse

R = TypeVar("R", "RequestBuilder", "SyncRequestBuilder")
T = TypeVar("T")
P = ParamSpec("P")
AnyClientPool: TypeAlias = "ClientPool[Client] | ClientPool[SyncClient]"

DEFAULT: Final = Network()

READ_AHEAD: Final = 64 << 10
"""Bytes of a body that are read together with its status: what fits costs no further turn of the event loop."""

UNREAD: Final = 0
"""The same where the status must be known even if the body breaks off: a break among them would hide it."""

UNBUILDABLE: Final = NoReply(Outcome.REFUSED, "the request could not be built")
"""Without its cause, whose text would hold the header or the address that cannot be."""

MAX_TIMEDELTAS: Final = 8
"""Times that are kept as the library wants them: most requests have one of a few, and making one takes as long as all
the rest of a request."""


@lru_cache(MAX_TIMEDELTAS)
def _timedelta(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _client_kind(pool: AnyClientPool, request: Request, pause_s: float | None = None) -> ClientKind:
    """How a request leaves.

    A HEAD has a connection of its own: some servers send a body with its answer, which the next request would get.
    """
    fresh = request.new_connection or request.method == "HEAD"
    return ClientKind(pause_s, fresh, pool.proxies.proxied_scheme(request.url))


def _build_request(begin: Callable[[str, str], R], request: Request, read_ahead: int) -> R | NoReply:
    try:
        builder = (
            begin(request.method, request.url).headers(list(request.headers)).streamed_read_buffer_limit(read_ahead)
        )
    except ValueError:
        return UNBUILDABLE
    if request.total_timeout_s is not None:
        builder = builder.timeout(_timedelta(request.total_timeout_s))
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
        self._pool: ClientPool[Client] = ClientPool(network, self._create_client)
        from callwell.transport.cancelled import DetachedRequests, run_or_detach  # the other side does without asyncio

        self._run_or_detach = run_or_detach
        self._detached = DetachedRequests()

    def _create_client(self, kind: ClientKind) -> Client:
        client = configure_builder(ClientBuilder(), self._network, self._pool, kind).build()
        wait_at_exit()
        return client

    async def send(self, request: Request) -> Response | NoReply:
        """Make one arrival and read the whole answer."""
        if ("'" in request.url or "/." in request.url or "/%2" in request.url) and _must_be_exact(request.url):
            return await _in_thread(_send_exactly, self._pool, request)
        return await self._run_or_detach(self._send(request), request, self._detached)

    async def _send(self, request: Request) -> Response | NoReply:
        pool = self._pool
        try:
            usual = pool.is_direct and not request.new_connection and request.method != "HEAD"
            kind = USUAL if usual else _client_kind(pool, request)
            builder = _build_request(pool.get(kind).request, request, UNREAD if request.keep_status else READ_AHEAD)
            if isinstance(builder, NoReply):
                return builder
            async with builder.timeout(_timedelta(request.timeout_s)).build_streamed() as answer:
                status = answer.status
                fields = answer.headers
                headers = ResponseHeaders(fields)
                most = bodies.max_bytes(pool.max_answer_bytes, status)
                try:
                    if bodies.is_short_and_plain(fields, most):
                        return Response(status, headers, bytes(await answer.bytes()))
                    if bodies.has_no_body(status, request.method):
                        return Response(status, headers, b"")
                    if bodies.is_too_large(headers, status, most):
                        return Response(status, headers, b"", whole=False, too_large=True)
                    body = bytes(await answer.body_reader.read(most + 1) or b"")
                except PyreqwestError:
                    if not request.keep_status:
                        raise
                    return Response(status, headers, b"", whole=False)
            return bodies.build_response(status, fields, headers, body, most)
        except PyreqwestError as error:
            return to_no_reply(error)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncPyreqwestBody | AsyncExactBody | NoReply]:
        """Make one arrival and leave the body to be read piece by piece; `timeout_s` is then the longest pause."""
        pool = self._pool
        if _must_be_exact(request.url):
            opened = await _in_thread(_open_exactly, pool, request, request.total_timeout_s)
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
            builder = _build_request(pool.get(_client_kind(pool, request, request.timeout_s)).request, request, UNREAD)
            if isinstance(builder, NoReply):
                failed = builder
            else:
                async with builder.build_streamed() as answer:
                    entered = True
                    yield AsyncPyreqwestBody(answer)
        except PyreqwestError as error:
            if entered:
                raise
            failed = to_no_reply(error)
        if failed is not None:
            yield failed

    async def aclose(self) -> None:
        """Close all connections, and wait for no request that was left."""
        await self._detached.cancel_all()
        for client in self._pool.drain():
            await client.close()


class AsyncPyreqwestBody:
    """The body of a streamed answer."""

    def __init__(self, answer: TheirResponse) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = ResponseHeaders(answer.headers)
        self._reader = answer.body_reader

    async def read(self) -> bytes | NoReply:
        """The next piece: empty at the end, `NoReply` if it broke off."""
        try:
            piece = await self._reader.read_chunk()
        except PyreqwestError as error:
            return to_no_reply(error)
        return b"" if piece is None else bytes(piece)


class AsyncExactBody:
    """The body of an answer that the standard library reads, in a thread."""

    def __init__(self, answer: ExactResponse) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = ResponseHeaders(HeaderMap(answer.fields))
        self._read = answer.read

    async def read(self) -> bytes | NoReply:
        """The next piece: empty at the end, `NoReply` if it broke off."""
        return await _in_thread(self._read)


class PyreqwestTransport:
    """Synchronous sending.

    Args:
        network: how connections are made.

    Raises:
        InvalidOption: the network names a proxy or certificates that cannot be.
    """

    def __init__(self, network: Network = DEFAULT) -> None:
        self._network = network
        self._pool: ClientPool[SyncClient] = ClientPool(network, self._create_client)

    def _create_client(self, kind: ClientKind) -> SyncClient:
        return configure_builder(SyncClientBuilder(), self._network, self._pool, kind).build()

    def send(self, request: Request) -> Response | NoReply:
        """Make one arrival and read the whole answer."""
        pool = self._pool
        if ("'" in request.url or "/." in request.url or "/%2" in request.url) and _must_be_exact(request.url):
            return _send_exactly(pool, request)
        try:
            usual = pool.is_direct and not request.new_connection and request.method != "HEAD"
            kind = USUAL if usual else _client_kind(pool, request)
            builder = _build_request(pool.get(kind).request, request, UNREAD if request.keep_status else READ_AHEAD)
            if isinstance(builder, NoReply):
                return builder
            with builder.timeout(_timedelta(request.timeout_s)).build_streamed() as answer:
                status = answer.status
                fields = answer.headers
                headers = ResponseHeaders(fields)
                most = bodies.max_bytes(pool.max_answer_bytes, status)
                try:
                    if bodies.is_short_and_plain(fields, most):
                        return Response(status, headers, bytes(answer.bytes()))
                    if bodies.has_no_body(status, request.method):
                        return Response(status, headers, b"")
                    if bodies.is_too_large(headers, status, most):
                        return Response(status, headers, b"", whole=False, too_large=True)
                    body = bytes(answer.body_reader.read(most + 1) or b"")
                except PyreqwestError:
                    if not request.keep_status:
                        raise
                    return Response(status, headers, b"", whole=False)
            return bodies.build_response(status, fields, headers, body, most)
        except PyreqwestError as error:
            return to_no_reply(error)

    @contextmanager
    def stream(self, request: Request) -> Iterator[PyreqwestBody | ExactBody | NoReply]:
        """Make one arrival and leave the body to be read piece by piece; `timeout_s` is then the longest pause."""
        pool = self._pool
        if _must_be_exact(request.url):
            opened = _open_exactly(pool, request, request.total_timeout_s)
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
            builder = _build_request(pool.get(_client_kind(pool, request, request.timeout_s)).request, request, UNREAD)
            if isinstance(builder, NoReply):
                failed = builder
            else:
                with builder.build_streamed() as answer:
                    entered = True
                    yield PyreqwestBody(answer)
        except PyreqwestError as error:
            if entered:
                raise
            failed = to_no_reply(error)
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
        self.headers: Mapping[str, str] = ResponseHeaders(answer.headers)
        self._reader = answer.body_reader

    def read(self) -> bytes | NoReply:
        """The next piece: empty at the end, `NoReply` if it broke off."""
        try:
            piece = self._reader.read_chunk()
        except PyreqwestError as error:
            return to_no_reply(error)
        return b"" if piece is None else bytes(piece)


class ExactBody:
    """The body of an answer that the standard library reads."""

    def __init__(self, answer: ExactResponse) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = ResponseHeaders(HeaderMap(answer.fields))
        self.read = answer.read


async def _in_thread(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    from asyncio import to_thread  # who uses the sync side does not load asyncio

    return await to_thread(work, *given, **named)


def _open_exactly(
    pool: AnyClientPool, request: Request, total_timeout_s: float | None = None
) -> ExactResponse | NoReply:
    return pool.exact_sender.open(request, pool.proxies.address_for(request.url), total_timeout_s=total_timeout_s)


def _send_exactly(pool: AnyClientPool, request: Request) -> Response | NoReply:
    """Make one arrival whose address is kept letter by letter, and read the whole answer."""
    answer = _open_exactly(pool, request, request.timeout_s)
    if isinstance(answer, NoReply):
        return answer
    status = answer.status
    fields = HeaderMap(answer.fields)
    headers = ResponseHeaders(fields)
    most = bodies.max_bytes(pool.max_answer_bytes, status)
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
    return bodies.build_response(status, fields, headers, b"".join(pieces), most)
