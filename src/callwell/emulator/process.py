# SPDX-License-Identifier: Apache-2.0
"""The emulator as its own process, which ends when its parent does."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

import msgspec

from callwell.emulator.errors import EmulatorError
from callwell.emulator.options import EmulatorOptions, Endpoints

if TYPE_CHECKING:
    from types import TracebackType

    from callwell.emulator.options import Endpoint

# Five times what the servers give to responses that are being cut off.
STOP_TIMEOUT_S: Final = 5.0
PACKAGES: Final = str(Path(__file__).parents[2])


@dataclass(frozen=True, slots=True)
class Running:
    """A running emulator. Use it in a `with`, or call `close`.

    Attributes:
        endpoints: where everything is.
        process: the process.
    """

    endpoints: Endpoints
    process: subprocess.Popen[bytes]

    @property
    def control(self) -> str:
        """URL of the control port."""
        return self.endpoints.control

    def endpoint(self, provider: str, environment: str = "production") -> Endpoint:
        """Return where one environment of one provider is."""
        return self.endpoints.providers[provider][environment]

    def close(self) -> None:
        """End the process."""
        _stop_process(self.process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start(options: EmulatorOptions) -> Running:
    """Start the emulator and wait until every port accepts connections.

    The process has its own session, so that a Ctrl-C meant for the caller does not reach it. It ends when it is
    closed, or when the caller is gone.

    Args:
        options: which providers to emulate, and on which ports.

    Raises:
        EmulatorError: the emulator could not start; the message is the last line of its standard error.
    """
    command = [sys.executable, "-m", "callwell.emulator", "--json", "--watch-stdin", *to_arguments(options)]
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=_environment(),
            start_new_session=True,
        )
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            _stop_process(process)
            raise EmulatorError(_last_output_line(stderr) or "the emulator ended before it was ready")
    return Running(msgspec.json.decode(line, type=Endpoints), process)


def to_arguments(options: EmulatorOptions) -> list[str]:
    """Return the options as arguments of `python -m callwell.emulator`."""
    words = []
    for field in fields(options):
        value = getattr(options, field.name)
        flag = "--" + field.name.replace("_", "-")
        if value is True:
            words.append(flag)
        elif isinstance(value, Mapping):
            words += [f"{flag}={name}" if text is None else f"{flag}={name}={text}" for name, text in value.items()]
        elif isinstance(value, tuple):
            words += [f"{flag}={item}" for item in value]
        elif value is not None and value is not False:
            words.append(f"{flag}={value}")
    return words


def _environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, (PACKAGES, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _last_output_line(file: IO[bytes]) -> str:
    file.seek(0)
    return (file.read().decode("utf-8", "replace").strip().splitlines() or [""])[-1]
