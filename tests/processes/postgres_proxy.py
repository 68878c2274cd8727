# SPDX-License-Identifier: Apache-2.0
"""A proxy before PostgreSQL: a network that breaks when a test says so, and a pooler that forwards no notifications."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTIFICATION: Final = b"A"
"""The type of a NotificationResponse (PostgreSQL, "Message Formats")."""


class PostgresProxy:
    """Forwards connections to a server.

    Args:
        url: a state's URL, on the server's Unix socket.
        notifications: forwards notifications. Poolers in transaction mode do not.

    Attributes:
        url: the same state through the proxy.
        up: takes new connections.
        lose: a text; the connection on which it is sent breaks: `before` it reaches the server, or `after`.
    """

    def __init__(self, url: str, *, notifications: bool = True) -> None:
        query = parse_qs(urlsplit(url).query)
        self._server = f"{query['host'][0]}/.s.PGSQL.5432"
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        options = query["options"][0].replace("=", "%3D").replace(" ", "%20")
        self.url = (
            f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable&gssencmode=disable&options={options}"
        )
        self.up = True
        self._silent: list[socket.socket] = []
        self.lose: tuple[str, bytes] | None = None
        self._notifications = notifications
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """Refuse all, and break what is open."""
        self.up = False
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.break_all()

    def break_all(self) -> None:
        """Break all connections."""
        for pair in self._pairs:
            _break(*pair)

    def silence_all(self) -> None:
        """Forward nothing more on the connections that are open, as if the server hung."""
        self._silent += [client for client, _ in self._pairs]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self.up:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._pairs.append((client, server))
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        replies = bytearray()
        with suppress(OSError), client, server:
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    if source is server:
                        replies += data
                        for message in _messages(replies):
                            if self._notifications or message[:1] != NOTIFICATION:
                                client.sendall(message)
                    elif client in self._silent:
                        continue
                    elif self.lose is not None and self.lose[1] in data:
                        self._lose(data, server)
                        return
                    else:
                        server.sendall(data)

    def _lose(self, data: bytes, server: socket.socket) -> None:
        """End a connection: the server gets the request and its answer is lost, or gets nothing."""
        when, _ = self.lose or ("", b"")
        self.lose = None
        if when == "after":
            server.sendall(data)
            server.recv(1)


def _messages(received: bytearray) -> Iterator[bytes]:
    """Take the complete messages out of what was received."""
    while len(received) >= 5 and len(received) > (size := int.from_bytes(received[1:5])):
        yield bytes(received[: size + 1])
        del received[: size + 1]


def _break(*sockets: Any) -> None:
    for item in sockets:
        with suppress(OSError):
            item.shutdown(socket.SHUT_RDWR)
