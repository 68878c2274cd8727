# SPDX-License-Identifier: Apache-2.0
"""What the contract suites of the transports share: raw servers, and senders of either kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.transport.base import Network
from tests.contract.raw_server import RawServer
from tests.contract.senders import AsyncSender, BlockingSender, Sender, Senders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.raw_server import Act, Servers


@pytest.fixture
def serve() -> Iterator[Servers]:
    """Makes raw servers, which are closed in the end."""
    running: list[RawServer] = []

    def begin(act: Act) -> RawServer:
        running.append(RawServer(act))
        return running[-1]

    yield begin
    for server in running:
        server.close()


@pytest.fixture(params=[BlockingSender, AsyncSender])
def make(request: pytest.FixtureRequest) -> Iterator[Senders]:
    """Makes senders of either kind, which are closed in the end."""
    running: list[Sender] = []

    def begin(network: Network) -> Sender:
        running.append(request.param(network))
        return running[-1]

    yield begin
    for sender in running:
        sender.close()


@pytest.fixture
def sender(make: Senders) -> Sender:
    """A sender that gives up connecting quickly."""
    return make(Network(connect_s=0.5))
