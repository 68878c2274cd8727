# SPDX-License-Identifier: Apache-2.0
"""Isolates the program of a drill from everything but the emulator, and records what it tried to reach.

Three layers refuse connections, because none sees all of them: the kernel, if it supports it (`landlock`), Python's
sockets (`injected/sitecustomize.py`), and a proxy that HTTP libraries of all languages take from the environment. The
last two can name the host. A program cannot reach its database either: a drill must not write anywhere.
"""

from __future__ import annotations

import os
import socketserver
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from callwell.readiness.check import Unchecked
from callwell.readiness.drills.landlock import is_available, restrict_connections

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

INJECTED: Final = Path(__file__).parent / "injected"
"""The folder that goes first on a Python program's path."""

PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
BYPASSED: Final = "127.0.0.1,localhost"
"""Hosts that bypass the proxy: the emulator's."""

SHOWN: Final = 5
"""How many addresses a message names."""

FIRST_LINE_TIMEOUT_S: Final = 2.0
"""The timeout for the first line of a request to the proxy, in seconds."""

LINE_BYTES: Final = 8 << 10
TEXT: Final = b"A drill of Callwell refuses everything but its emulator.\n"
REFUSAL: Final = (
    b"HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
    % (len(TEXT), TEXT)
)


class NetworkIsolation:
    """Makes everything unreachable except some ports of this machine. Use it as a context manager.

    Args:
        ports: the ports of the emulator.
        folder: a folder for the records.
    """

    def __init__(self, ports: Iterable[int], folder: Path) -> None:
        self._proxy = _RefusingProxy()
        self._ports = (*ports, self._proxy.port)
        self._file = folder / "attempts"

    def variables(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """The environment variables that isolate a program.

        Args:
            inherited: the variables that it has already.
        """
        path = inherited.get("PYTHONPATH")
        return {
            "PYTHONPATH": f"{INJECTED}{os.pathsep}{path}" if path else str(INJECTED),
            "CALLWELL_DRILL_PORTS": " ".join(map(str, self._ports)),
            "CALLWELL_DRILL_ATTEMPTS": str(self._file),
            "NO_PROXY": BYPASSED,
            "no_proxy": BYPASSED,
            **dict.fromkeys(PROXIES, f"http://127.0.0.1:{self._proxy.port}"),
        }

    def start(self, start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """Start a program from an isolated thread: child processes inherit the isolation.

        Args:
            start: starts the program.
        """

        def act() -> subprocess.Popen[bytes]:
            if is_available():
                restrict_connections(self._ports)
            return start()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(act).result()

    def attempts(self) -> list[str]:
        """The refused addresses, each once, as far as they are known."""
        written = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        return list(dict.fromkeys((*self._proxy.refused, *written)))

    def __enter__(self) -> Self:
        self._proxy.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._proxy.stop()


class _RefusingProxy:
    """A proxy that refuses every request, and records its host.

    Attributes:
        refused: the hosts, with a port if the request had one.
    """

    def __init__(self) -> None:
        self.refused: list[str] = []
        refused = self.refused

        class Handler(socketserver.StreamRequestHandler):
            timeout = FIRST_LINE_TIMEOUT_S

            def handle(self) -> None:
                words = self.rfile.readline(LINE_BYTES).decode("ascii", "replace").split()
                if len(words) > 1:
                    target = words[1]
                    refused.append(urlsplit(target).netloc.rpartition("@")[2] if "://" in target else target)
                self.wfile.write(REFUSAL)

            def finish(self) -> None:
                try:
                    super().finish()
                except OSError:  # the program has closed the connection
                    self.wfile.close()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Start the proxy."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the proxy."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def report_attempts(addresses: list[str]) -> Unchecked | None:
    """Report that a drill is incomplete because the program tried to reach something else; None if it did not.

    Args:
        addresses: the refused addresses.
    """
    if not addresses:
        return None
    more = f" and {len(addresses) - SHOWN} more" if len(addresses) > SHOWN else ""
    return Unchecked(
        what=f"the program tried to reach {', '.join(addresses[:SHOWN])}{more}, which a drill refuses",
        fix="Point the program at the emulator (the drill sets the variables), or give --run a command that needs "
        "nothing else.",
    )
