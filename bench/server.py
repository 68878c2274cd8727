# SPDX-License-Identifier: Apache-2.0
"""nginx on loopback: an independent server that responds, or is in front of what responds, and counts requests.

One worker, one access log line for each request, written immediately. Connections are kept for as long as a client
wants.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.rounds import environment

if TYPE_CHECKING:
    from typing import Self

PATIENCE_S: Final = 5.0
"""How long a start, or the last lines of a log, are waited for."""

GRACE_S: Final = 0.1
"""How long surplus requests are waited for once all have been counted."""

MISSING: Final = "bench: nginx is missing: `apt-get install nginx`, or the package of your system"

CONFIG: Final = """\
daemon off;
worker_processes 1;
pid %(folder)s/pid;
error_log %(folder)s/error.log;
events { worker_connections 1024; }
http {
    log_format calls '$status $connection $msec $request';
    access_log %(folder)s/access.log calls;
    client_body_temp_path %(folder)s/body;
    proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 75s;
    default_type application/json;
    %(more)s
    server {
        listen 127.0.0.1:%(port)d;
        %(locations)s
    }
}
"""


class Nginx:
    """A running nginx. Use it as a context manager.

    Args:
        locations: of its only server, in nginx's language.
        more: what its `http` block needs besides.
    """

    def __init__(self, locations: str, *, more: str = "") -> None:
        self._program = program()
        self._folder = tempfile.TemporaryDirectory(prefix="bench-nginx-")
        self._port = free_port()
        self._seen = 0
        values = {"folder": self._folder.name, "port": self._port, "more": more, "locations": locations}
        Path(self._folder.name, "nginx.conf").write_text(CONFIG % values, encoding="utf-8")
        self.address = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        folder = self._folder.name
        command = [self._program, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
        self._process = subprocess.Popen(command, env=environment())
        answers(self._port, self._process)
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)
        self._folder.cleanup()

    def arrivals(self, prefix: str, status: str = "") -> list[float]:
        """When the requests to paths with this prefix were answered, which is at once: epoch seconds, in order.

        Args:
            prefix: of the paths.
            status: of the responses; empty for all.
        """
        lines = Path(self._folder.name, "access.log").read_text(encoding="utf-8").splitlines()
        rows = (line.split() for line in lines)
        return sorted(float(row[2]) for row in rows if row[4].startswith(prefix) and status in {"", row[0]})

    def check_requests(self, expected: int, status: str = "200") -> int:
        """Check that the server received as many requests since the last check as the client says it made.

        Args:
            expected: the requests that the client counted.
            status: the status that all responses must have had.

        Returns:
            The number of connections that they came on.

        Raises:
            SystemExit: the server counted another number, or refused some.
        """
        log = Path(self._folder.name, "access.log")
        until = time.monotonic() + PATIENCE_S
        while log.read_bytes().count(b"\n") < self._seen + expected and time.monotonic() < until:
            time.sleep(GRACE_S)
        time.sleep(GRACE_S)
        lines = [line.split() for line in log.read_text(encoding="utf-8").splitlines()[self._seen :]]
        self._seen += len(lines)
        good = sum(line[0] == status for line in lines)
        if (len(lines), good) != (expected, expected):
            raise SystemExit(
                f"bench: expected {expected} requests with status {status}, found {len(lines)}, {good} of them with it"
            )
        return len({line[1] for line in lines})


def program() -> str:
    """The path of nginx.

    Raises:
        SystemExit: it is not installed.
    """
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit(MISSING)
    return found


def version() -> str:
    """The version of nginx, as it prints it."""
    done = subprocess.run([program(), "-v"], capture_output=True, text=True, check=True)
    return done.stderr.strip().removeprefix("nginx version: ")


def free_port() -> int:
    """A free port of loopback."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
    return port


def answers(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process that was just started listens.

    Raises:
        SystemExit: it does not.
    """
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    process.kill()
    raise SystemExit(f"bench: {process.args!r} does not listen")
