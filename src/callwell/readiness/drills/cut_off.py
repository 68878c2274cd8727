# SPDX-License-Identifier: Apache-2.0
"""Cuts the program of a drill off from everything but the emulator, and remembers what it tried to reach.

Three things refuse, because each sees what the others do not: the kernel, where it can (`landlock`), the sockets of
Python (`inside/sitecustomize.py`), and a proxy that HTTP libraries of all languages take from the environment. The
last two can name the host. A program that wants its database cannot have it: a drill must not write anywhere.
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

INSIDE: Final = Path(__file__).parent / "inside"
"""The folder that Python programs find first."""

PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
BYPASSED: Final = "127.0.0.1,localhost"
"""Hosts to which a program goes without a proxy: the emulator's."""

SHOWN: Final = 5
"""Addresses that are named."""

FIRST_LINE_TIMEOUT_S: Final = 2.0
"""Seconds for the first line of a request to the proxy."""

LINE_BYTES: Final = 8 << 10
TEXT: Final = b"A drill of Callwell refuses everything but its emulator.\n"
REFUSAL: Final = (
    b"HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
    % (len(TEXT), TEXT)
)


class CutOff:
    """Everything but some ports of this machine is out of reach. Use it in a `with`.

    Args:
        ports: those of the emulator.
        folder: a folder for what is remembered.
    """

    def __init__(self, ports: Iterable[int], folder: Path) -> None:
        self._proxy = _RefusingProxy()
        self._ports = (*ports, self._proxy.port)
        self._file = folder / "attempts"

    def variables(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """The variables that a program gets in addition.

        Args:
            inherited: those that it has already.
        """
        path = inherited.get("PYTHONPATH")
        return {
            "PYTHONPATH": f"{INSIDE}{os.pathsep}{path}" if path else str(INSIDE),
            "CALLWELL_DRILL_PORTS": " ".join(map(str, self._ports)),
            "CALLWELL_DRILL_ATTEMPTS": str(self._file),
            "NO_PROXY": BYPASSED,
            "no_proxy": BYPASSED,
            **dict.fromkeys(PROXIES, f"http://127.0.0.1:{self._proxy.port}"),
        }

    def start(self, start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """Start a program by a thread that is cut off itself: a process inherits that.

        Args:
            start: starts it.
        """

        def act() -> subprocess.Popen[bytes]:
            if is_available():
                restrict_connections(self._ports)
            return start()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(act).result()

    def attempts(self) -> list[str]:
        """The addresses that were refused, each once, as far as they are known."""
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
    """A proxy that refuses every request, and remembers to which host it was.

    Attributes:
        refused: the hosts, with a port if the program named one.
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
                except OSError:  # the program has gone already
                    self.wfile.close()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to refuse."""
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def name_attempts(addresses: list[str]) -> Unchecked | None:
    """Why a drill says less than it should, if the program tried to reach anything else; else None.

    Args:
        addresses: what was refused.
    """
    if not addresses:
        return None
    more = f" and {len(addresses) - SHOWN} more" if len(addresses) > SHOWN else ""
    return Unchecked(
        what=f"the program tried to reach {', '.join(addresses[:SHOWN])}{more}, which a drill refuses",
        fix="Point the program at the emulator (the drill sets the variables), or give --run a command that needs "
        "nothing else.",
    )
