# SPDX-License-Identifier: Apache-2.0
"""pyreqwest clients, one for each kind of connection.

pyreqwest configures proxies, timeouts between chunks and connection pools per client, not per request, so requests that
differ in these use different clients. Nearly all use the same one.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from callwell.core.outcome import OK
from callwell.errors import InvalidOption, UsageError
from callwell.forks import reset_after_fork
from callwell.transport.allocator import commit_on_demand
from callwell.transport.base import MAX_ERROR_BYTES
from callwell.transport.codings import ACCEPTED
from callwell.transport.proxies import read_proxies
from callwell.transport.trust import read_certificates

with commit_on_demand():
    from pyreqwest.exceptions import PyreqwestError
    from pyreqwest.proxy import ProxyBuilder

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyreqwest.client import ClientBuilder, SyncClientBuilder

    from callwell.transport.base import Network
    from callwell.transport.exact import ExactSender
    from callwell.transport.proxies import Proxies

C = TypeVar("C")
B = TypeVar("B", "ClientBuilder", "SyncClientBuilder")

FORK_ERROR: Final = "a forked child cannot send if its parent has sent before: spawn it, or fork before the first call"

UNACKNOWLEDGED_S: Final = 20.0
"""Seconds for which a server's machine may leave bytes unacknowledged; then it counts as down, and the attempt ends.

A machine that is up acknowledges within a round trip, no matter how slow its program is (RFC 5482)."""

KEEPALIVE_S: Final = 15.0
"""Seconds without a byte after which TCP probes the server's machine while waiting for a response."""

KEEPALIVE_PROBES: Final = 3
"""Unanswered probes after which the connection is dead: with one every 5 s, 30 s after the last byte."""

KEEPALIVE_INTERVAL_S: Final = 5.0
"""Seconds between two probes."""


class ClientKind(NamedTuple):
    """What requests of one client have in common.

    Attributes:
        read_timeout_s: the longest pause in a streamed body; None for responses that are read completely.
        new_connection: each request uses a connection of its own.
        proxied_scheme: the scheme of the request's address if it has a proxy. The proxy's own address may contain a
            password, so it is not kept here.
    """

    read_timeout_s: float | None = None
    new_connection: bool = False
    proxied_scheme: str | None = None


DEFAULT_KIND: Final = ClientKind()
"""The client of nearly all requests."""


class ClientPool(Generic[C]):
    """The clients of one transport.

    Args:
        network: how connections are made.
        make: makes a client of a kind.

    Attributes:
        proxies: which proxy a request goes through.
        ca_certificates: certificates to trust in addition to the usual authorities, in DER.
        max_error_bytes: the most bytes of an error response that are read.
        default_client: the client for `DEFAULT_KIND` once it is made, if no proxy is configured. Nearly all requests
            use it.

    Raises:
        InvalidOption: the network names a proxy or certificates that cannot be used.
    """

    def __init__(self, network: Network, make: Callable[[ClientKind], C]) -> None:
        self.proxies = read_proxies(network.proxy)
        self.ca_certificates = () if network.ca_file is None else read_certificates(network.ca_file)
        self.max_error_bytes = min(network.max_answer_bytes, MAX_ERROR_BYTES)
        self.default_client: C | None = None
        self._network = network
        self._make = make
        self._clients: dict[ClientKind, C] = {}
        reset_after_fork(self)

    def after_fork(self) -> None:
        """A forked child has none of its parent's connections."""
        self._clients = {}
        self.default_client = None

    def get(self, kind: ClientKind) -> C:
        """The client for a kind, created on first use.

        Raises:
            UsageError: this is a forked child of a process that has sent requests.
            InvalidOption: pyreqwest refuses a proxy or certificate of the network.
        """
        return self._clients.get(kind) or self._create(kind)

    def _create(self, kind: ClientKind) -> C:
        try:
            client = self._clients.setdefault(kind, self._make(kind))
        except RuntimeError as error:
            raise UsageError(FORK_ERROR) from error
        if kind == DEFAULT_KIND and not self.proxies.by_scheme:
            self.default_client = client
        return client

    def max_bytes(self, status: int) -> int:
        """The most bytes to read of a response: fewer for an error, since its message is at the beginning."""
        return self._network.max_answer_bytes if status in OK else self.max_error_bytes

    @cached_property
    def exact_sender(self) -> ExactSender:
        """Sends requests with an address that must not be normalized."""
        from callwell.transport.exact import ExactSender  # few requests need it, and `http.client` with it

        return ExactSender(self._network, self.ca_certificates)

    def drain(self) -> tuple[C, ...]:
        """Remove all clients, and return them."""
        clients = tuple(self._clients.values())
        self._clients = {}
        self.default_client = None
        return clients


def configure_builder(builder: B, network: Network, pool: ClientPool[C], kind: ClientKind) -> B:
    """Configure a new builder of clients.

    Args:
        builder: the builder.
        network: how connections are made.
        pool: the pool that the client is for.
        kind: what the client's requests have in common.

    Raises:
        InvalidOption: pyreqwest refuses a proxy or certificate of the network.
    """
    streamed = kind.read_timeout_s is not None
    builder = (
        builder.http1_only()
        .follow_redirects(False)  # noqa: FBT003 - theirs
        .referer(False)  # noqa: FBT003 - theirs
        .connect_timeout(timedelta(seconds=network.connect_s))
        .pool_idle_timeout(timedelta(seconds=network.idle_s))
        .tcp_keepalive(timedelta(seconds=KEEPALIVE_S))
        .tcp_keepalive_interval(timedelta(seconds=KEEPALIVE_INTERVAL_S))
        .tcp_keepalive_retries(KEEPALIVE_PROBES)
        .user_agent(network.user_agent)
        .gzip(False)  # noqa: FBT003 - theirs; `codings` undoes them within a bound
        .deflate(False)  # noqa: FBT003 - theirs
        .brotli(not streamed)
        .zstd(not streamed)
        .no_proxy()
    )
    if sys.platform == "linux":  # other systems have no such option
        builder = builder.tcp_user_timeout(timedelta(seconds=UNACKNOWLEDGED_S))
    if kind.new_connection:
        builder = builder.pool_max_idle_per_host(0)
    if streamed:
        builder = builder.read_timeout(timedelta(seconds=kind.read_timeout_s or 0.0))
    else:
        builder = builder.default_headers({"accept-encoding": ACCEPTED})
    for der in pool.ca_certificates:
        builder = builder.add_root_certificate_der(der)
    if kind.proxied_scheme is None:
        return builder
    proxy = _build_proxy(pool.proxies, kind.proxied_scheme)
    if proxy is None:
        raise InvalidOption("proxy", "…", "the address of a proxy, such as http://proxy.example.com:3128")
    return builder.proxy(proxy)


def _build_proxy(known: Proxies, scheme: str) -> ProxyBuilder | None:
    """The proxy for pyreqwest. Its address may contain a password, so no other frame holds it."""
    try:
        return ProxyBuilder.all(known.by_scheme[scheme])
    except (PyreqwestError, ValueError):
        return None
