# SPDX-License-Identifier: Apache-2.0
"""PgBouncer in transaction mode, in front of a PostgreSQL server of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Final, Self

import pytest

from tests.patience import PATIENCE_S
from tests.processes.postgres import NOBODY, PostgresServer

if TYPE_CHECKING:
    from pathlib import Path

HOST: Final = "127.0.0.1"

SETTINGS: Final = """\
[databases]
postgres = host={server} port=5432 dbname=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {connections}
logfile = {folder}/log
"""

CONNECTIONS: Final = 2
"""Of the pooler to the server: fewer than it has clients, so that they change from one transaction to the next."""


class Pooler:
    """A pooler and its server.

    Args:
        folder: empty, and open to all.

    Attributes:
        url: of a state behind it.
    """

    def __init__(self, folder: Path) -> None:
        program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
        if program is None:
            pytest.skip("no PgBouncer: install the Debian package pgbouncer")
        with socket.create_server((HOST, 0)) as held:
            port = held.getsockname()[1]
        self.url = f"postgresql://postgres@{HOST}:{port}/postgres"
        self._port = port
        self._server = PostgresServer(folder / "server")
        place = folder / "pooler"
        for made in (self._server.folder, place):
            made.mkdir()
            made.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(place, NOBODY, NOBODY)
        (place / "users").write_text('"postgres" ""\n', encoding="ascii")
        settings = SETTINGS.format(server=self._server.folder, port=port, folder=place, connections=CONNECTIONS)
        (place / "settings").write_text(settings, encoding="utf-8")
        self._command = [program, str(place / "settings")]
        for file in place.iterdir():
            file.chmod(0o644)

    def __enter__(self) -> Self:
        """Start both."""
        self._server.create()
        self._server.start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End both."""
        self.stop()
        self._server.stop()

    def start(self) -> None:
        """Start the pooler alone, and wait until it takes connections."""
        user = NOBODY if os.geteuid() == 0 else None
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        until = time.monotonic() + PATIENCE_S
        while not self._is_listening():
            assert self._process.poll() is None, "PgBouncer has ended"
            assert time.monotonic() < until
            time.sleep(0.02)

    def stop(self) -> None:
        """End the pooler alone: all its connections break."""
        self._process.terminate()
        self._process.wait(PATIENCE_S)

    def _is_listening(self) -> bool:
        try:
            socket.create_connection((HOST, self._port), timeout=1.0).close()
        except OSError:
            return False
        return True
