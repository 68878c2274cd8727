# SPDX-License-Identifier: Apache-2.0
"""The default transport of a client: pyreqwest, loaded for the first request.

Loading takes a fifth of the time to a first client, and many programs make their first call much later, or never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.forks import is_child

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from callwell.transport.base import AsyncBody, Body, Network, NoReply, Request, Response
    from callwell.transport.pyreqwest import AsyncPyreqwestTransport, PyreqwestTransport


class AsyncDefaultTransport:
    """Sends the requests of an asynchronous client.

    Args:
        network: how connections are made.

    Raises:
        InvalidOption: the network has a malformed proxy address, or a file without certificates.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._loaded: AsyncPyreqwestTransport | None = None
        if must_be_checked(network):
            self.load()

    def load(self) -> AsyncPyreqwestTransport:
        """The transport itself, created on first use."""
        if self._loaded is None:
            from callwell.transport.pyreqwest import AsyncPyreqwestTransport

            self._loaded = AsyncPyreqwestTransport(self._network)
        return self._loaded

    def check_fork(self) -> None:
        """Check that this process can send, before a permit is acquired for it.

        Raises:
            UsageError: this is a forked child of a process that has sent requests.
        """
        if is_child():
            self.load().check_fork()

    async def send(self, request: Request) -> Response | NoReply:
        """Make one request and read the whole response."""
        return await self.load().send(request)

    def stream(self, request: Request) -> AbstractAsyncContextManager[AsyncBody | NoReply]:
        """Make one request, and leave its response to be read chunk by chunk."""
        return self.load().stream(request)

    async def aclose(self) -> None:
        """Close all connections, and stop waiting for abandoned requests."""
        if self._loaded is not None:
            await self._loaded.aclose()


class DefaultTransport:
    """Sends the requests of a synchronous client.

    Args:
        network: how connections are made.

    Raises:
        InvalidOption: the network has a malformed proxy address, or a file without certificates.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._loaded: dict[Network, PyreqwestTransport] = {}
        if must_be_checked(network):
            self.load()

    def load(self) -> PyreqwestTransport:
        """The transport itself, created on first use."""
        loaded = self._loaded.get(self._network)
        if loaded is None:
            from callwell.transport.pyreqwest import PyreqwestTransport

            # Concurrent threads all get the same transport, so that `close` finds their connections.
            loaded = self._loaded.setdefault(self._network, PyreqwestTransport(self._network))
        return loaded

    def check_fork(self) -> None:
        """Check that this process can send, before a permit is acquired for it.

        Raises:
            UsageError: this is a forked child of a process that has sent requests.
        """
        if is_child():
            self.load().check_fork()

    def send(self, request: Request) -> Response | NoReply:
        """Make one request and read the whole response."""
        return self.load().send(request)

    def stream(self, request: Request) -> AbstractContextManager[Body | NoReply]:
        """Make one request, and leave its response to be read chunk by chunk."""
        return self.load().stream(request)

    def close(self) -> None:
        """Close all connections."""
        for loaded in self._loaded.values():
            loaded.close()


def must_be_checked(network: Network) -> bool:
    """Whether a network names a proxy or certificates, which are checked when the client is created."""
    return network.proxy is not None or network.ca_file is not None
