# SPDX-License-Identifier: Apache-2.0
"""Starts `fork_server.py`: for one process of the tests, or for all those of a run.

Its imports take two seconds of processor time, which each of the processes would pay for.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS: Final = "TESTS_FORK_SERVER"
"""The variable that names the socket of a run's server."""

SERVER: Final = Path(__file__).with_name("fork_server.py")
SOURCE: Final = Path(__file__).parents[2] / "src"
PYTHON: Final = sys.executable
"""The interpreter of the server; a test may have another one where this was."""


def start_server(end: socket.socket, *how: str, stdin: int) -> subprocess.Popen[bytes]:
    """Start a server.

    Args:
        end: its end of the channel, or where it listens if it is `shared`.
        how: nothing or `shared`.
        stdin: its standard input; when that ends, so does a shared server.
    """
    return subprocess.Popen(
        [PYTHON, str(SERVER), str(end.fileno()), *how],
        pass_fds=[end.fileno()],
        stdin=stdin,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,
    )


@contextmanager
def shared_forks() -> Iterator[None]:
    """A server for this process and all that it starts; until one of them connects, it imports nothing."""
    folder = Path(tempfile.mkdtemp(prefix="forks-"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen()
        server = start_server(listener, "shared", stdin=subprocess.PIPE)
    os.environ[ADDRESS] = str(folder / "socket")
    try:
        with server:
            yield
    finally:
        del os.environ[ADDRESS]
        shutil.rmtree(folder)
