# SPDX-License-Identifier: Apache-2.0
"""Sends with pyreqwest (reqwest and hyper, in Rust), which only this file, `builders`, `clients` and `errors` use.

HTTP/1.1 only: HTTP/2 repeats refused streams by itself, which would be a second request. A client is created on first
use, so a process may fork before that; pyreqwest's threads do not survive a later fork.

Cancelling a task does not cancel its request, which pyreqwest runs to its end in its own runtime: see `cancelled`.

No local variable here holds request headers, an address with its query, or a built request, since error reporters
record the locals of every frame. Both sides are written out, each in one function, because every frame between `send`
and pyreqwest slows down all calls.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Final, ParamSpec, TypeAlias, TypeVar

from callwell.transport import bodies
from callwell.transport.allocator import commit_on_demand
from callwell.transport.at_exit import wait_at_exit
from callwell.transport.base import Network, NoReply, Request, Response
from callwell.transport.builders import MS_PER_S, build_request, cached_timedelta, client_kind
from callwell.transport.clients import DEFAULT_KIND, ClientPool, configure_builder
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
    from pyreqwest.response import Response as TheirResponse
    from pyreqwest.response import SyncResponse as TheirSyncResponse

    from callwell.transport.clients import ClientKind
    from callwell.transport.exact import ExactResponse

T = TypeVar("T")
P = ParamSpec("P")
AnyClientPool: TypeAlias = "ClientPool[Client] | ClientPool[SyncClient]"

DEFAULT: Final = Network()

ENTER_AND_EXIT: Final = attrgetter("__aenter__", "__aexit__")
"""The two methods of a built request, so that no local variable holds the request."""

ENTER_AND_EXIT_SYNC: Final = attrgetter("__enter__", "__exit__")
"""See `ENTER_AND_EXIT`."""


def _must_be_exact(url: str) -> bool:
    """Whether pyreqwest would send another address than the given one: see `exact`."""
    if SUSPECT.search(url) is None:
        return False
    try:
        return is_rewritten(url, str(Url(url)))
    except ValueError:
        return False  # it cannot be sent at all, and pyreqwest reports that


class AsyncPyreqwestTransport:
    """Sends the requests of an asynchronous client.

    Args:
        network: how connections are made.

    Raises:
        InvalidOption: the network has a malformed proxy address, or a file without certificates.
    """

    def __init__(self, network: Network = DEFAULT) -> None:
        self._network = network
        self._pool: ClientPool[Client] = ClientPool(network, self._create_client)
        # Imported here, since the synchronous side does not load asyncio.
        from callwell.transport.cancelled import DetachedRequests, run_or_detach

        self._run_or_detach = run_or_detach
        self._detached = DetachedRequests()

    def _create_client(self, kind: ClientKind) -> Client:
        client = configure_builder(ClientBuilder(), self._network, self._pool, kind).build()
        wait_at_exit()
        return client

    def check_fork(self) -> None:
        """Check that this process can send; see `AsyncDefaultTransport`."""
        self._pool.get(DEFAULT_KIND)

    async def send(self, request: Request) -> Response | NoReply:
        """Make one request and read the whole response."""
        # Three substring searches take a tenth of the time of the regular expression behind `_must_be_exact`.
        if ("'" in request.url or "/." in request.url or "/%2" in request.url) and _must_be_exact(request.url):
            return await _in_thread(_send_exactly, self._pool, request)
        return await self._run_or_detach(self._send(request), request, self._detached)

    async def _send(self, request: Request) -> Response | NoReply:
        pool = self._pool
        client = pool.default_client
        try:
            if client is None or request.new_connection or request.method == "HEAD":
                client = pool.get(client_kind(pool, request))
            builder = build_request(client.request, request, unread=request.keep_status)
            if isinstance(builder, NoReply):
                return builder
            begin, close = ENTER_AND_EXIT(
                builder.timeout(cached_timedelta(int(request.timeout_s * MS_PER_S))).build_streamed()
            )
            # Not `async with`: a response that was read to its end need not be closed, which would cost 1 µs per call.
            response = await begin()
            status = response.status
            fields = response.headers
            headers = ResponseHeaders(fields)
            try:
                if bodies.is_short_and_plain(fields, pool.max_error_bytes):
                    return Response(status, headers, bytes(await response.bytes()))
                try:
                    return await self._read(request.method, response, headers)
                finally:
                    await close(None, None, None)
            except PyreqwestError:
                if not request.keep_status:
                    raise
                return Response(status, headers, b"", whole=False)
        except PyreqwestError as error:
            return to_no_reply(error)

    async def _read(self, method: str, response: TheirResponse, headers: ResponseHeaders) -> Response:
        """Read a response that may be long or encoded, up to its size limit."""
        status = response.status
        if bodies.has_no_body(status, method):
            return Response(status, headers, b"")
        bound = self._pool.max_bytes(status)
        if bodies.is_too_large(headers, status, bound):
            return Response(status, headers, b"", whole=False, too_large=True)
        body = bytes(await response.body_reader.read(bound + 1) or b"")
        return bodies.build_response(status, response.headers, headers, body, bound)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncPyreqwestBody | AsyncExactBody | NoReply]:
        """Make one request, and leave its response to be read chunk by chunk."""
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
            client = pool.get(client_kind(pool, request, request.timeout_s))
            builder = build_request(client.request, request, unread=True)
            if isinstance(builder, NoReply):
                failed = builder
            else:
                if request.total_timeout_s is not None:
                    builder = builder.timeout(timedelta(seconds=request.total_timeout_s))
                async with builder.build_streamed() as response:
                    entered = True
                    yield AsyncPyreqwestBody(response)
        except PyreqwestError as error:
            if entered:
                raise
            failed = to_no_reply(error)
        if failed is not None:
            yield failed

    async def aclose(self) -> None:
        """Close all connections, and stop waiting for abandoned requests."""
        await self._detached.cancel_all()
        for client in self._pool.drain():
            await client.close()


class AsyncPyreqwestBody:
    """A streamed response, read by pyreqwest."""

    def __init__(self, response: TheirResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = ResponseHeaders(response.headers)
        self._reader = response.body_reader

    async def read(self) -> bytes | NoReply:
        """The next chunk of the body: empty at its end, a `NoReply` if it broke off."""
        try:
            chunk = await self._reader.read_chunk()
        except PyreqwestError as error:
            return to_no_reply(error)
        return b"" if chunk is None else bytes(chunk)


class AsyncExactBody:
    """A streamed response, read by `http.client` in a thread."""

    def __init__(self, response: ExactResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = ResponseHeaders(HeaderMap(response.fields))
        self._read = response.read

    async def read(self) -> bytes | NoReply:
        """The next chunk of the body: empty at its end, a `NoReply` if it broke off."""
        return await _in_thread(self._read)


class PyreqwestTransport:
    """Sends the requests of a synchronous client.

    Args:
        network: how connections are made.

    Raises:
        InvalidOption: the network has a malformed proxy address, or a file without certificates.
    """

    def __init__(self, network: Network = DEFAULT) -> None:
        self._network = network
        self._pool: ClientPool[SyncClient] = ClientPool(network, self._create_client)

    def _create_client(self, kind: ClientKind) -> SyncClient:
        return configure_builder(SyncClientBuilder(), self._network, self._pool, kind).build()

    def check_fork(self) -> None:
        """Check that this process can send; see `AsyncDefaultTransport`."""
        self._pool.get(DEFAULT_KIND)

    def send(self, request: Request) -> Response | NoReply:
        """Make one request and read the whole response."""
        pool = self._pool
        # As above: cheaper than the regular expression.
        if ("'" in request.url or "/." in request.url or "/%2" in request.url) and _must_be_exact(request.url):
            return _send_exactly(pool, request)
        client = pool.default_client
        try:
            if client is None or request.new_connection or request.method == "HEAD":
                client = pool.get(client_kind(pool, request))
            builder = build_request(client.request, request, unread=request.keep_status)
            if isinstance(builder, NoReply):
                return builder
            begin, close = ENTER_AND_EXIT_SYNC(
                builder.timeout(cached_timedelta(int(request.timeout_s * MS_PER_S))).build_streamed()
            )
            response = begin()  # not `with`, as above
            status = response.status
            fields = response.headers
            headers = ResponseHeaders(fields)
            try:
                if bodies.is_short_and_plain(fields, pool.max_error_bytes):
                    return Response(status, headers, bytes(response.bytes()))
                try:
                    return self._read(request.method, response, headers)
                finally:
                    close(None, None, None)
            except PyreqwestError:
                if not request.keep_status:
                    raise
                return Response(status, headers, b"", whole=False)
        except PyreqwestError as error:
            return to_no_reply(error)

    def _read(self, method: str, response: TheirSyncResponse, headers: ResponseHeaders) -> Response:
        """Read a response that may be long or encoded, up to its size limit."""
        status = response.status
        if bodies.has_no_body(status, method):
            return Response(status, headers, b"")
        bound = self._pool.max_bytes(status)
        if bodies.is_too_large(headers, status, bound):
            return Response(status, headers, b"", whole=False, too_large=True)
        body = bytes(response.body_reader.read(bound + 1) or b"")
        return bodies.build_response(status, response.headers, headers, body, bound)

    @contextmanager
    def stream(self, request: Request) -> Iterator[PyreqwestBody | ExactBody | NoReply]:
        """Make one request, and leave its response to be read chunk by chunk."""
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
            client = pool.get(client_kind(pool, request, request.timeout_s))
            builder = build_request(client.request, request, unread=True)
            if isinstance(builder, NoReply):
                failed = builder
            else:
                if request.total_timeout_s is not None:
                    builder = builder.timeout(timedelta(seconds=request.total_timeout_s))
                with builder.build_streamed() as response:
                    entered = True
                    yield PyreqwestBody(response)
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
    """A streamed response, read by pyreqwest."""

    def __init__(self, response: TheirSyncResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = ResponseHeaders(response.headers)
        self._reader = response.body_reader

    def read(self) -> bytes | NoReply:
        """The next chunk of the body: empty at its end, a `NoReply` if it broke off."""
        try:
            chunk = self._reader.read_chunk()
        except PyreqwestError as error:
            return to_no_reply(error)
        return b"" if chunk is None else bytes(chunk)


class ExactBody:
    """A streamed response, read by `http.client`."""

    def __init__(self, response: ExactResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = ResponseHeaders(HeaderMap(response.fields))
        self.read = response.read


async def _in_thread(work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    from asyncio import to_thread  # the synchronous side does not load asyncio

    return await to_thread(work, *given, **named)


def _open_exactly(
    pool: AnyClientPool, request: Request, total_timeout_s: float | None = None
) -> ExactResponse | NoReply:
    return pool.exact_sender.open(request, pool.proxies.address_for(request.url), total_timeout_s=total_timeout_s)


def _send_exactly(pool: AnyClientPool, request: Request) -> Response | NoReply:
    """Send one request whose address must not be rewritten, and read the whole response."""
    response = _open_exactly(pool, request, request.timeout_s)
    if isinstance(response, NoReply):
        return response
    status = response.status
    fields = HeaderMap(response.fields)
    headers = ResponseHeaders(fields)
    bound = pool.max_bytes(status)
    chunks: list[bytes] = []
    left = bound
    try:
        while left >= 0 and (chunk := response.read()):
            if isinstance(chunk, NoReply):
                return Response(status, headers, b"", whole=False) if request.keep_status else chunk
            left -= len(chunk)
            chunks.append(chunk)
    finally:
        response.close()
    return bodies.build_response(status, fields, headers, b"".join(chunks), bound)
