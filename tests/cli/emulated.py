# SPDX-License-Identifier: Apache-2.0
"""What tests of the command line share: real processes against an emulator, and what every failure must look like."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tests.patience import PATIENCE_S
from tests.processes.program import popen, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from callwell.emulator.process import Running
    from tests.processes.program import Program

PROVIDER: Final = "userplane"
KEY_VARIABLE: Final = "USERPLANE_API_KEY"
ADDRESS_VARIABLE: Final = "USERPLANE_BASE_URL"
COMMAND: Final = [sys.executable, "-m", "callwell"]


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Shell:
    """Starts `callwell` in an environment of its own.

    Attributes:
        folder: the working folder, with the state in it.
        variables: the environment.
        key: the key that is in it.
        control: the emulator's control port.
    """

    folder: Path
    variables: Mapping[str, str]
    key: str
    control: str

    def run(self, *arguments: str, **variables: str | None) -> Ended:
        """Run one command to its end.

        Args:
            arguments: after `callwell`.
            variables: changes of the environment; None takes one away. None of them may be an interpreter's own
                (`PYTHON…`, `LC_…`): those are read when it starts, and this one has started.
        """
        changed = {**self.variables, **variables}
        done = run(
            ["-m", "callwell", *arguments],
            folder=self.folder,
            variables={name: value for name, value in changed.items() if value is not None},
            timeout=PATIENCE_S,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def fails(self, code: int, *arguments: str, **variables: str | None) -> str:
        """Run a command that fails as all failures must: with its code, one line, no traceback and no key.

        Returns:
            the line.
        """
        ended = self.run(*arguments, **variables)
        assert ended.code == code, ended
        assert ended.out == ""
        assert ended.err.endswith("\n")
        assert len(ended.err.splitlines()) == 1, ended.err
        assert ended.err.startswith("callwell: ")
        assert "Traceback" not in ended.err
        for text in (self.key, variables.get(KEY_VARIABLE) or self.key):
            assert text not in ended.err
        return ended.err.strip()

    def steer(self, path: str, body: object) -> None:
        """Tell the emulator something."""
        connection = HTTPConnection(urlsplit(self.control).netloc, timeout=PATIENCE_S)
        try:
            connection.request("POST", path, json.dumps(body))
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
        finally:
            connection.close()


def shell(folder: Path, running: Running, provider: str = PROVIDER) -> Shell:
    """A shell with an environment that leads to a running emulator.

    Args:
        folder: the working folder.
        running: the emulator.
        provider: the emulated provider, as Python spells it.
    """
    point = running.endpoint(provider)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SYSTEMROOT") if name in os.environ}
    variables = kept | {
        "XDG_STATE_HOME": str(folder / "state"),
        f"{provider.upper()}_API_KEY": point.key,
        f"{provider.upper()}_BASE_URL": point.base_url,
        "CALLWELL_CLOCK": running.endpoints.clock or "",
        "PYTHONUTF8": "1",
    }
    return Shell(folder, variables, point.key, running.control)


@contextmanager
def started(cli: Shell, *arguments: str, background: bool = False, **variables: str) -> Iterator[Program[str]]:
    """A command that goes on until it is asked to end; whatever happens, it is ended.

    Args:
        cli: the shell.
        arguments: after `callwell`.
        background: it ignores SIGINT, as what a script starts with `&` does.
        variables: changes of the environment.
    """
    process = popen(
        ["-m", "callwell", *arguments],
        folder=cli.folder,
        variables={**cli.variables, **variables},
        background=background,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()
