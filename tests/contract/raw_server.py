# SPDX-License-Identifier: Apache-2.0
"""A server of raw bytes: it counts what arrives and does to the connection what a test says, well-behaved or not."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    Act = Callable[["Connection"], bool]
    """What to do after a whole request has arrived; true to await another on the same connection."""

    Servers = Callable[[Act], "RawServer"]
    """Makes a server."""

LAST_CHUNK = b"\r\n0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
RESET = struct.pack("ii", 1, 0)


class Connection:
    """One accepted connection.

    Attributes:
        server: which accepted it.
        socket: its end.
        requests: whole requests that arrived on it.
        head: that of the last of them.
    """

    def __init__(self, server: RawServer, sock: socket.socket) -> None:
        self.server = server
        self.socket = sock
        self.requests = 0
        self.head = b""
        self._buffer = bytearray()

    def serve(self) -> None:
        """Receive requests and act, until asked to close or the client does."""
        try:
            self.server.greet(self)
            with self.socket:
                if self.server.greeting:
                    self.send(self.server.greeting)
                while self._receive() and self.server.act(self):
                    pass
        except OSError:
            pass  # the client has closed it: that is its right
        finally:
            self.server.closed.release()

    def _receive(self) -> bool:
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return False
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        size = int(lengths[0]) if lengths else 0
        chunked = b"transfer-encoding: chunked" in head.lower()
        while len(self._buffer) < size or (chunked and not self._buffer.endswith(LAST_CHUNK)):
            if not self._more():
                return False
        if chunked:
            size = len(self._buffer)
            self.server.chunked.append(bytes(self._buffer))
        self.requests += 1
        self.head = bytes(head)
        self.server.arrivals.append(bytes(head))
        self.server.arrived.release()
        self._buffer = self._buffer[size:]
        return True

    def _more(self) -> bool:
        self.server.reads.wait(PATIENCE_S)
        piece = self.socket.recv(65_536)
        self._buffer += piece
        return bool(piece)

    def send(self, data: bytes) -> bool:
        """Send bytes and keep the connection."""
        self.socket.sendall(data)
        return True

    def reset(self) -> bool:
        """Close with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        return False

    def hang(self) -> bool:
        """Say nothing until the client gives up or the test is over."""
        self.socket.settimeout(PATIENCE_S)
        self.socket.recv(1)
        return False


class RawServer:
    """Listens on a port of its own until it is closed.

    Args:
        act: what to do after each whole request.

    Attributes:
        greeting: said before anything was asked.
        greet: done to a connection before that.
        reads: unless it is set, nothing more is read.
        arrivals: the heads of all whole requests.
        chunked: the bodies of those that came in chunks.
        connections: how many were accepted.
        arrived: released once for each of them.
        closed: released once for each connection that has ended.
    """

    def __init__(self, act: Act) -> None:
        self.act = act
        self.greeting = b""
        self.greet: Callable[[Connection], object] = lambda _: None
        self.reads = threading.Event()
        self.reads.set()
        self.arrivals: list[bytes] = []
        self.chunked: list[bytes] = []
        self.connections = 0
        self.arrived = threading.Semaphore(0)
        self.closed = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/"

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            threading.Thread(target=Connection(self, sock).serve, daemon=True).start()

    def close(self) -> None:
        """Close the port and every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE_S)
        for sock in self._open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closed already
