# SPDX-License-Identifier: Apache-2.0
"""The emulator's servers: every port of every provider and the control port, in one loop, on 127.0.0.1 only."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from difflib import get_close_matches
from errno import EACCES, EADDRINUSE
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from uvicorn import Config
from uvicorn.server import ServerState

from callwell.clock import parse_clock
from callwell.emulator.clock import MovableClock
from callwell.emulator.control_app import control_app
from callwell.emulator.errors import AddressInUse, EmulatorError, InvalidPort, PortNotPermitted
from callwell.emulator.exchange import EmulatedService, api_app, storage_app
from callwell.emulator.fault_script import FaultScript
from callwell.emulator.ledger import RequestLedger
from callwell.emulator.loop_lag import LoopLag
from callwell.emulator.options import EmulatorOptions, Endpoint, Endpoints
from callwell.emulator.protocol import Connection
from callwell.emulator.provider import Origins
from callwell.emulator.public_url import HOST, PORT_PLACEHOLDER, parse_public_url
from callwell.emulator.registry import ServiceRegistry, emulated_names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from starlette.types import ASGIApp

    from callwell.clock import Clock
    from callwell.emulator.provider import EmulatedProvider

__all__ = ["EmulatorOptions", "Endpoint", "Endpoints", "serve"]

# Longer than any client keeps an idle connection, so that no client meets one that is just being closed.
KEEP_ALIVE_S: Final = 120
# Connections that the kernel holds until they are accepted: more than any test opens at once.
BACKLOG: Final = 1024
LAST_PORT: Final = 65_535
# Real seconds that handlers have to notice that their connections are gone.
SHUTDOWN_TIMEOUT_S: Final = 1.0


async def serve(options: EmulatorOptions, ready: Callable[[Endpoints], None]) -> None:
    """Emulate the providers until cancelled.

    Args:
        options: which providers, and on which ports.
        ready: called once, when every port accepts connections.

    Raises:
        AddressInUse: another process listens on one of the ports.
        PortNotPermitted: this user may not listen on one of the ports.
        InvalidPort: a number is not a port.
        EmulatorError: another option makes no sense.
    """
    base_clock = _parse_clock(options.clock)
    clock = MovableClock(base_clock)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="callwell-emulator-")))
        host = LocalHost(
            stack=stack,
            folder=folder,
            url_form=parse_public_url(options.public_url),
            next_ports=[options.port, options.storage_port],
        )
        control_socket, control_url = host.bind(options.control_port)
        services: dict[str, EmulatedService] = {}
        base_urls: dict[str, str] = {}
        apps: list[tuple[socket.socket, ASGIApp]] = []
        for create_providers in _provider_factories(options.provider):
            for provider, origins in create_providers(options, clock=clock, host=host):
                script = FaultScript(provider.fault_targets)
                service = EmulatedService(
                    provider=provider, ledger=RequestLedger(), script=script, clock=clock, folder=folder
                )
                name = f"{provider.name}/{provider.environment}"
                services[name] = service
                base_urls[name] = origins.api + provider.base_path
                apps.append((host.sockets[origins.api], api_app(service)))
                if origins.storage is not None:
                    apps.append((host.sockets[origins.storage], storage_app(service)))

        def describe() -> Endpoints:
            clock_text = None if options.clock is None else str(base_clock)
            return _to_endpoints(control_url, services, base_urls, clock_text)

        apps.append((control_socket, control_app(ServiceRegistry(services), clock, describe)))
        lag = LoopLag()
        lag.start()
        stack.callback(lag.stop)
        for sock, app in apps:
            await stack.enter_async_context(_listening(sock, app, clock, lag))
        ready(describe())
        async with asyncio.TaskGroup() as group:
            for service in services.values():
                group.create_task(service.provider.run_background())
            await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class LocalHost:
    """Opens ports on 127.0.0.1 and keeps their sockets by origin.

    Attributes:
        stack: closes the sockets.
        folder: for files.
        url_form: the origin of every port of a provider, with `{port}` for its number.
        next_ports: the port of the next API, and of the next storage; 0 for any free one.
        sockets: the listening sockets.
    """

    stack: AsyncExitStack
    folder: Path
    url_form: str
    next_ports: list[int]
    sockets: dict[str, socket.socket] = field(default_factory=dict)

    def open_ports(self, *, storage: bool) -> Origins:
        """Open the ports of one more provider and environment."""
        return Origins(api=self._open_port(0), storage=self._open_port(1) if storage else None)

    def bind(self, port: int) -> tuple[socket.socket, str]:
        """Listen on a port; return the socket and its URL on this machine."""
        sock = self.stack.enter_context(closing(_bind(port)))
        return sock, f"http://{HOST}:{sock.getsockname()[1]}"

    def _open_port(self, kind: int) -> str:
        sock, _ = self.bind(self.next_ports[kind])
        origin = self.url_form.replace(PORT_PLACEHOLDER, str(sock.getsockname()[1]))
        if self.next_ports[kind]:
            self.next_ports[kind] += 1
        self.sockets[origin] = sock
        return origin


def _provider_factories(names: Sequence[str]) -> list[Callable[..., list[tuple[EmulatedProvider, Origins]]]]:
    """Return the functions `create_providers` of the packages next to this file, one for each provider."""
    known = emulated_names()
    chosen = [name.replace("-", "_") for name in names]
    for name in chosen:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise EmulatorError(f"unknown provider {name!r}: {hint}")
    return [import_module(f"{__package__}.{name}.provider").create_providers for name in chosen or known]


def _to_endpoints(
    control: str, services: Mapping[str, EmulatedService], base_urls: Mapping[str, str], clock: str | None
) -> Endpoints:
    providers: dict[str, dict[str, Endpoint]] = {}
    for name, service in services.items():
        point = Endpoint(base_url=base_urls[name], key=service.provider.keys.current())
        providers.setdefault(service.provider.name, {})[service.provider.environment] = point
    return Endpoints(control=control, providers=providers, clock=clock)


def _parse_clock(text: str | None) -> Clock:
    try:
        return parse_clock(text)
    except Exception as error:
        raise EmulatorError(str(error)) from error


def _bind(port: int) -> socket.socket:
    if not 0 <= port <= LAST_PORT:
        raise InvalidPort(port)
    # With the protocol named: only then does asyncio turn off Nagle's delay on accepted connections.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        known = {EADDRINUSE: AddressInUse, EACCES: PortNotPermitted}
        if error.errno in known:
            raise known[error.errno](port) from error
        raise EmulatorError(f"port {port} of 127.0.0.1 cannot be used: {error}") from error
    sock.setblocking(False)  # noqa: FBT003 - its argument has no name
    return sock


@asynccontextmanager
async def _listening(sock: socket.socket, app: ASGIApp, clock: Clock, lag: LoopLag) -> AsyncIterator[None]:
    """Accept connections for `app` on `sock`; at the end abort those that are open."""
    config = Config(
        app,
        http=Connection,
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()
    state = ServerState()
    make = partial(Connection, config, clock=clock, lag=lag, server_state=state)
    server = await asyncio.get_running_loop().create_server(make, sock=sock, backlog=BACKLOG)
    try:
        yield
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=SHUTDOWN_TIMEOUT_S)
