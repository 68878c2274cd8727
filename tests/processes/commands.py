# SPDX-License-Identifier: Apache-2.0
"""`callwell` and `python` as a shell finds them, without their starts: the server of `program.py` forks them.

A line of a shell that calls them does so by two small scripts, which come first in its `PATH`. A script sends its
arguments, environment and streams to this process and ends as the program ends. That takes a fiftieth of a second; a
start of `callwell check` takes one.
"""

from __future__ import annotations

import marshal
import os
import shutil
import socket
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from tests.processes.program import fork

SCRIPT: Final = """\
#!/bin/sh
"exec" "{python}" "-IS" "$0" "$@"
import array, marshal, os, sys, _socket
to_server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
to_server.connect({address!r})
job = [*{first}, *sys.argv[1:]], os.getcwd(), dict(os.environ)
rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", (0, 1, 2)))
request = marshal.dumps(job)
sent = to_server.sendmsg([request], [rights])
while sent < len(request):
    sent += to_server.send(request[sent:])
to_server.shutdown(_socket.SHUT_WR)
os._exit(int(to_server.recv(9)))
"""
"""For a shell, its second line runs the file in this Python, wherever that is; for Python it is a text.

`site`, `socket` and `json` are left out: to import them takes longer than all else.
"""

COMMANDS: Final = {"callwell": ["-m", "callwell"], "python": []}
"""Each command, and what comes before its arguments."""


class Commands:
    """A folder with the commands, to put first into a `PATH`. They work while the context is open."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="commands-"))  # a short path: that of a Unix socket has a limit
        address = self.folder / "socket"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(address))
        self._listener.listen()
        for name, first in COMMANDS.items():
            script = self.folder / name
            script.write_text(SCRIPT.format(python=sys.executable, address=str(address), first=first), encoding="utf-8")
            script.chmod(0o700)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # macOS: it is not connected
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        shutil.rmtree(self.folder)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=_run, args=(connection,), daemon=True).start()


def _run(connection: socket.socket) -> None:
    """Run a program, and answer with the exit code that a shell would give."""
    with connection:
        request, streams, _, _ = socket.recv_fds(connection, 1 << 16, 3)
        while more := connection.recv(1 << 16):
            request += more
        arguments, folder, variables = marshal.loads(request)  # noqa: S302 - from a script of ours
        _, status = fork(arguments, Path(folder), variables, streams)
        for descriptor in streams:
            os.close(descriptor)
        with status:
            code = int(status.readline())
        connection.sendall(f"{code if code >= 0 else 128 - code}".encode())
