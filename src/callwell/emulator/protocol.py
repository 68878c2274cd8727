# SPDX-License-Identifier: Apache-2.0
"""HTTP connections that know when each request began, and that can be cut.

An app finds its connection as `scope["state"]["connection"]`, and the times of the request's first byte as `arrived_s`
and `arrived_real_s` beside it.
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

RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Connection(HttpToolsProtocol):
    """One accepted connection.

    Args:
        config: what uvicorn needs to know, loaded.
        clock: the emulator's clock.
        server_state: the connections of one listening socket.
    """

    def __init__(self, config: Config, *, clock: Clock, server_state: ServerState) -> None:
        super().__init__(config=config, server_state=server_state, app_state={})
        self._clock = clock
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
        state.update(connection=self, arrived_s=self._received_s, arrived_real_s=self._received_real_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever dawdles over an answer: nobody waits for it any more."""
        self._lost.set()
        super().connection_lost(exc)

    async def wait_while_open(self, real_s: float) -> bool:
        """Wait, but no longer than the client does.

        Args:
            real_s: real seconds.

        Returns:
            Whether the client is still there.
        """
        try:
            async with asyncio.timeout(real_s):
                await self._lost.wait()
        except TimeoutError:
            return True
        return False

    def close(self) -> None:
        """End the connection in order (FIN) once what was written is out; whatever is missing never comes."""
        self.cycle.disconnected = True
        self.transport.close()

    def reset(self) -> None:
        """Break the connection off (RST), and with it all that is not yet read."""
        self.cycle.disconnected = True
        plug = self.transport.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.transport.abort()
