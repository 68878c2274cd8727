# SPDX-License-Identifier: Apache-2.0
"""Sending with pyreqwest (reqwest and hyper, in Rust): the only file that knows it.

HTTP/1.1 only: HTTP/2 repeats refused streams by itself, which would be a second arrival. A client is made on first use,
so that a process may fork before it; the library's own threads do not survive a fork after it.

A task that is cancelled leaves its request to the library, which goes on with it, connecting and sending included,
until `timeout_s` is over. Closing the client does not end it either.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from callwell.core.types import Outcome
from callwell.errors import InvalidOption, UsageError
from callwell.forks import remember
from callwell.transport.base import Network, NoReply, Request, Response
from callwell.transport.headers import Headers
from callwell.transport.leaving import wait_at_exit
from callwell.transport.sparing import sparing

with sparing():
    from pyreqwest.client import ClientBuilder, SyncClientBuilder
    from pyreqwest.exceptions import PyreqwestError
    from pyreqwest.proxy import ProxyBuilder

    from callwell.transport.errors import no_reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from pyreqwest.client import Client
    from pyreqwest.request import RequestBuilder, SyncRequestBuilder
    from pyreqwest.response import Response as TheirResponse
    from pyreqwest.response import SyncResponse as TheirSyncResponse

C = TypeVar("C")
B = TypeVar("B", "ClientBuilder", "SyncClientBuilder")
R = TypeVar("R", "RequestBuilder", "SyncRequestBuilder")

DEFAULT: Final = Network()
UNREAD: Final = 0
"""Bytes of a body that are read before its status is told: with any, a break among them would hide the status."""

UNBUILDABLE: Final = NoReply(Outcome.REFUSED, "the request could not be built")
"""Without its cause, whose text would hold the header or the address that cannot be."""

SPANS: Final = 8
"""Times that are kept as the library wants them: most requests have one of a few, and making one takes as long as all
the rest of a request."""

FORKED: Final = "a forked child cannot send where its parent has sent before: spawn it, or fork before the first call"

PROXY_VARIABLES: Final = (("https", "HTTPS_PROXY"), ("http", "HTTP_PROXY"), ("all", "ALL_PROXY"))


@lru_cache(SPANS)
def _span(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _configured(builder: B, network: Network, pause_s: float | None) -> B:
    builder = (
        builder.http1_only()
        .follow_redirects(False)  # noqa: FBT003 - theirs
        .referer(False)  # noqa: FBT003 - theirs
        .connect_timeout(timedelta(seconds=network.connect_s))
        .pool_idle_timeout(timedelta(seconds=network.idle_s))
        .user_agent(network.user_agent)
        .no_proxy()
    )
    for proxy in _proxies(network.proxy):
        builder = builder.proxy(proxy)
    if network.ca_file is not None:
        builder = builder.add_root_certificate_pem(_pem(network.ca_file))
    if pause_s is not None:
        builder = builder.gzip(False).brotli(False).zstd(False).deflate(False)  # noqa: FBT003 - theirs
        builder = builder.read_timeout(timedelta(seconds=pause_s))
    return builder


def _proxies(proxy: str | None) -> Iterator[ProxyBuilder]:
    if proxy is None:
        return
    try:
        if proxy != "environment":
            yield ProxyBuilder.all(proxy)
            return
        skip = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
        for kind, variable in PROXY_VARIABLES:
            if address := os.environ.get(variable) or os.environ.get(variable.lower()):
                made: ProxyBuilder = getattr(ProxyBuilder, kind)(address)
                yield made.no_proxy(skip) if skip else made
    except (PyreqwestError, ValueError) as error:
        raise InvalidOption("proxy", proxy, "the address of a proxy, or `environment`") from error


def _pem(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise InvalidOption("ca_file", file, f"a readable file of PEM certificates ({error.strerror})") from error


def _filled(begin: Callable[[str, str], R], request: Request) -> R | NoReply:
    try:
        builder = begin(request.method, request.url).headers(request.headers).streamed_read_buffer_limit(UNREAD)
    except ValueError:
        return UNBUILDABLE
    body = request.body
    if body is None:
        return builder
    if isinstance(body, bytes):
        return builder.body_bytes(body)
    return builder.header("content-length", str(body.size)).body_stream(iter(body))


class _Pool(Generic[C]):
    """Clients by the longest pause that they allow in a body; none for answers that are read at once."""

    def __init__(self, make: Callable[[float | None], C]) -> None:
        self._make = make
        self._clients: dict[float | None, C] = {}
        remember(self)

    def forked(self) -> None:
        """A child has none of the connections of its parent."""
        self._clients = {}

    def client(self, pause_s: float | None = None) -> C:
        return self._clients.get(pause_s) or self._made(pause_s)

    def _made(self, pause_s: float | None) -> C:
        try:
            return self._clients.setdefault(pause_s, self._make(pause_s))
        except RuntimeError as error:
            raise UsageError(FORKED) from error

    def drain(self) -> tuple[C, ...]:
        clients, self._clients = self._clients, {}
        return tuple(clients.values())


class AsyncPyreqwestTransport:
    """Asynchronous sending.

    Args:
        network: how connections are made.
    """

    def __init__(self, network: Network = DEFAULT) -> None:
        self._pool = _Pool(partial(_made_async, network))

    async def send(self, request: Request) -> Response | NoReply:
        """Make one arrival and read the whole answer."""
        try:
            builder = _filled(self._pool.client().request, request)
            if isinstance(builder, NoReply):
                return builder
            builder = builder.timeout(_span(request.timeout_s))
            if request.keep_status:
                async with builder.build_streamed() as answer:
                    return await _kept_async(answer)
            answer = await builder.build().send()
            return Response(answer.status, Headers(answer.headers), bytes(await answer.bytes()))
        except PyreqwestError as error:
            return no_reply(error)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncPyreqwestBody | NoReply]:
        """Make one arrival and leave the body to be read piece by piece; `timeout_s` is then the longest pause."""
        async with AsyncExitStack() as stack:
            try:
                builder = _filled(self._pool.client(request.timeout_s).request, request)
                body: AsyncPyreqwestBody | NoReply
                if isinstance(builder, NoReply):
                    body = builder
                else:
                    if request.within_s is not None:
                        builder = builder.timeout(_span(request.within_s))
                    body = AsyncPyreqwestBody(await stack.enter_async_context(builder.build_streamed()))
            except PyreqwestError as error:
                body = no_reply(error)
            yield body

    async def aclose(self) -> None:
        """Close all connections."""
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


class PyreqwestTransport:
    """Synchronous sending.

    Args:
        network: how connections are made.
    """

    def __init__(self, network: Network = DEFAULT) -> None:
        self._pool = _Pool(lambda pause_s: _configured(SyncClientBuilder(), network, pause_s).build())

    def send(self, request: Request) -> Response | NoReply:
        """Make one arrival and read the whole answer."""
        try:
            builder = _filled(self._pool.client().request, request)
            if isinstance(builder, NoReply):
                return builder
            builder = builder.timeout(_span(request.timeout_s))
            if request.keep_status:
                with builder.build_streamed() as answer:
                    return _kept(answer)
            answer = builder.build().send()
            return Response(answer.status, Headers(answer.headers), bytes(answer.bytes()))
        except PyreqwestError as error:
            return no_reply(error)

    @contextmanager
    def stream(self, request: Request) -> Iterator[PyreqwestBody | NoReply]:
        """Make one arrival and leave the body to be read piece by piece; `timeout_s` is then the longest pause."""
        with ExitStack() as stack:
            try:
                builder = _filled(self._pool.client(request.timeout_s).request, request)
                body: PyreqwestBody | NoReply
                if isinstance(builder, NoReply):
                    body = builder
                else:
                    if request.within_s is not None:
                        builder = builder.timeout(_span(request.within_s))
                    body = PyreqwestBody(stack.enter_context(builder.build_streamed()))
            except PyreqwestError as error:
                body = no_reply(error)
            yield body

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


def _made_async(network: Network, pause_s: float | None) -> Client:
    client = _configured(ClientBuilder(), network, pause_s).build()
    wait_at_exit()
    return client


async def _kept_async(answer: TheirResponse) -> Response:
    try:
        return Response(answer.status, Headers(answer.headers), bytes(await answer.bytes()))
    except PyreqwestError:
        return Response(answer.status, Headers(answer.headers), b"", whole=False)


def _kept(answer: TheirSyncResponse) -> Response:
    try:
        return Response(answer.status, Headers(answer.headers), bytes(answer.bytes()))
    except PyreqwestError:
        return Response(answer.status, Headers(answer.headers), b"", whole=False)
