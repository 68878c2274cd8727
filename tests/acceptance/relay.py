# SPDX-License-Identifier: Apache-2.0
"""A network of the test's own: a relay of TCP connections that can be cut, refuse, and swallow what it is given.

What was swallowed never arrives later: the connections that lived through a silence are reset at its end.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress

RESET = struct.pack("ii", 1, 0)
PIECE = 65_536
PATIENCE_S = 20.0


class Relay:
    """Listens on a port of its own and passes everything on, until a test changes that.

    Args:
        target: the port behind it.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._silent = False
        self._open = set[socket.socket]()
        self._turn = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = self._listen()

    def cut(self) -> None:
        """Reset every connection."""
        with self._turn:
            for sock in self._open:
                with suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    sock.shutdown(socket.SHUT_RD)
            self._open.clear()

    def refuse(self) -> None:
        """Accept no connection any more, and reset those that there are."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE_S)
        self.cut()

    def accept(self) -> None:
        """Accept connections again."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._thread = self._listen()

    def swallow(self) -> None:
        """Accept connections and bytes, and pass nothing on."""
        self._silent = True

    def speak(self) -> None:
        """Pass everything on again, on new connections."""
        self.cut()
        self._silent = False

    def _listen(self) -> threading.Thread:
        thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        thread.start()
        return thread

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            with self._turn:
                self._open |= {near, far}
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE):
                if not self._silent:
                    sink.sendall(piece)
        for sock in (source, sink):
            with self._turn:
                self._open.discard(sock)
            sock.close()
