# SPDX-License-Identifier: Apache-2.0
"""HTTP connections that note when each request began, and that can be cut.

An app finds its connection as `scope["state"]["connection"]`, and the times of the request's first byte as `arrived_s`
and `arrived_real_s` next to it, with the `lag_real_s` of the loop at that time.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn.server import ServerState

    from callwell.clock import Clock
    from callwell.emulator.loop_lag import LoopLag

# SO_LINGER on, for 0 s: the kernel answers a close with RST instead of FIN.
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Connection(HttpToolsProtocol):
    """One accepted connection.

    Args:
        config: the uvicorn configuration, loaded.
        clock: the emulator's clock.
        lag: that of the event loop.
        server_state: the connections of one listening socket.
    """

    def __init__(self, config: Config, *, clock: Clock, lag: LoopLag, server_state: ServerState) -> None:
        super().__init__(config=config, server_state=server_state, app_state={})
        self._clock = clock
        self._lag = lag
        self._received_s = 0.0
        self._received_real_s = 0.0
        self._lost = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Note the time before anything is parsed."""
        self._received_s = self._clock.now()
        self._received_real_s = time.monotonic()
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Give the new request its connection and the time of its first byte."""
        super().on_message_begin()
        state: dict[str, Any] = self.scope["state"]
        state.update(
            connection=self,
            arrived_s=self._received_s,
            arrived_real_s=self._received_real_s,
            lag_real_s=self._lag.longest_s(),
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake the handler that waits in `wait_while_open`: the client has left."""
        self._lost.set()
        super().connection_lost(exc)

    async def wait_while_open(self, real_s: float) -> bool:
        """Wait, but not longer than the client keeps the connection open.

        Args:
            real_s: real seconds.

        Returns:
            Whether the connection is still open.
        """
        try:
            async with asyncio.timeout(real_s):
                await self._lost.wait()
        except TimeoutError:
            return True
        return False

    def close(self) -> None:
        """Close the connection (FIN) once what was written is out; the rest of the response is never sent."""
        self.cycle.disconnected = True
        self.transport.close()

    def reset(self) -> None:
        """Reset the connection (RST); what the client has not yet read is lost."""
        self.cycle.disconnected = True
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.transport.abort()
