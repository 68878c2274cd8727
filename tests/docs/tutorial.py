# SPDX-License-Identifier: Apache-2.0
"""A reader of the tutorial: saves its files, types its commands into a terminal, and keeps what is printed there."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import socket
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.docs import pages
from tests.patience import PATIENCE_S
from tests.processes.program import popen

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.program import Program

PAGE: Final = pages.DOCS / "tutorial.md"
PORT: Final = "8765"
SECOND: Final = "the second terminal"
PROMPT: Final = "$ "
STYLE: Final = re.compile(r"\x1b\[[0-9;]*m")
GLANCE_S: Final = 0.02
"""How long the service is left alone between two attempts to connect."""


class Typed(NamedTuple):
    """A command of the tutorial, and the output shown below it."""

    line: int
    command: str
    shown: str


def typed(block: pages.Block) -> list[Typed]:
    """The commands of a block."""
    commands: list[Typed] = []
    for number, line in enumerate(block.text.splitlines(), block.line):
        if line.startswith(PROMPT):
            commands.append(Typed(number, line.removeprefix(PROMPT), ""))
        else:
            commands[-1] = commands[-1]._replace(shown=f"{commands[-1].shown}{line}\n")
    return commands


class Reader:
    """Someone who follows the tutorial.

    Args:
        folder: an empty folder of theirs.
        commands: the folder of `callwell` and `python`.
    """

    def __init__(self, folder: Path, commands: Path) -> None:
        self.folder = folder
        self.port = str(_free_port())
        self.server: Program[str] | None = None
        self._code = 0
        self._env = {
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PATH": f"{commands}:/usr/bin:/bin",
            "TERM": "xterm",
        }

    def save(self, block: pages.Block) -> None:
        """Save a file, with a free port of this machine for the service."""
        file = self.folder / block.title
        file.parent.mkdir(exist_ok=True)
        file.write_text(block.text.replace(PORT, self.port), encoding="utf-8")

    def start(self, command: str) -> None:
        """Start the service, and wait until it listens."""
        python, *arguments = command.split()
        assert python == "python"
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - it is no file
            self.server = popen(arguments, folder=self.folder, variables=self._env, stderr=nowhere.fileno())
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(self.port))) == 0:
                    return
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"the service has ended with {self.server.wait(GLANCE_S)}")
        raise AssertionError("the service does not listen")

    def stop(self) -> None:
        """Stop the service."""
        if self.server is not None:
            self.server.terminate()
            self.server.wait(PATIENCE_S)
            self.server.close()

    def type(self, command: str) -> str:
        """Type a command into the first terminal. Returns what is printed there."""
        if command.startswith("export "):
            self._env |= dict(pair.split("=", 1) for pair in command.removeprefix("export ").split())
            return ""
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, 100))
        shell = ["bash", "-c", f"(exit {self._code}); {command.replace(PORT, self.port)}"]
        process = subprocess.Popen(
            shell, cwd=self.folder, env=self._env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        printed = _read(ours)
        self._code = process.wait(PATIENCE_S)
        return STYLE.sub("", printed).replace("\r\n", "\n").replace(self.port, PORT)


def _read(terminal: int) -> str:
    """Everything that is printed on a terminal until it is closed."""
    pieces: list[bytes] = []
    with os.fdopen(terminal, "rb", buffering=0) as source:
        while True:
            try:
                piece = source.read(65536)
            except OSError:  # how Linux says that the other end is closed
                piece = b""
            if not piece:
                return b"".join(pieces).decode()
            pieces.append(piece)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
