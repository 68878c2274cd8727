# SPDX-License-Identifier: Apache-2.0
"""Programs in processes of their own, started in a hundredth of a second: see `fork_server.py`."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Generic, NamedTuple, Self, TypeVar, cast
from urllib.parse import urlsplit

import msgspec

from callwell.emulator.options import Endpoints
from callwell.emulator.process import Running, to_arguments
from tests.patience import PATIENCE_S
from tests.processes.shared_forks import ADDRESS, start_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from callwell.emulator.options import EmulatorOptions

T = TypeVar("T", str, bytes)
_LOCK: Final = threading.Lock()


class Program(Generic[T]):
    """A running program, with as much of `subprocess.Popen` as tests need.

    Attributes:
        pid: its process ID.
        returncode: how it ended, negative for a signal; None while it runs.
        stdin: where it reads, if it was given a pipe.
        stdout: what it prints, if that is kept.
        stderr: the same for standard error.
    """

    def __init__(  # noqa: PLR0917 - `_started` alone makes one
        self,
        pid: int,
        status: IO[str],
        stdin: IO[bytes] | None,
        stdout: IO[T] | None,
        stderr: IO[T] | None,
        arguments: list[str],
    ) -> None:
        self.args = arguments
        self.stdin = stdin
        self.stdout: IO[T] | None = stdout
        self.stderr: IO[T] | None = stderr
        self.returncode: int | None = None
        self.pid = pid
        self._ended = threading.Event()
        self._read: dict[int, T] = {}
        self._readers: list[threading.Thread] = []
        threading.Thread(target=self._watch, args=(status,), daemon=True).start()

    def poll(self) -> int | None:
        """How it ended, or None."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not, after so many seconds.
        """
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[T, T]:
        """Wait until it has ended, and give what it has printed.

        Raises:
            subprocess.TimeoutExpired: it has not ended; nothing of what it prints is lost.
        """
        if not self._readers:
            for number, stream in enumerate((self.stdout, self.stderr)):
                reader = threading.Thread(target=self._drain, args=(number, stream), daemon=True)
                self._readers.append(reader)
                reader.start()
        self.wait(timeout)
        for reader in self._readers:
            reader.join()
        self.close()
        return self._read[0], self._read[1]

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Close its pipes."""
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.stdin is not None:
            self.stdin.close()
        self.wait()
        self.close()

    def _watch(self, status: IO[str]) -> None:
        with status:
            line = status.readline()
        self.returncode = int(line) if line else -signal.SIGKILL
        self._ended.set()

    def _drain(self, number: int, stream: IO[T] | None) -> None:
        self._read[number] = stream.read() if stream is not None else cast("T", "")  # type: ignore[redundant-cast,unused-ignore]


def popen(
    arguments: Sequence[str],
    *,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    stderr: int | None = subprocess.PIPE,
    background: bool = False,
) -> Program[str]:
    """Start a program that reads nothing and prints text.

    Args:
        arguments: `-m` and a module, `-c` and code, or a file of Python, and what it is given.
        folder: where it works; here, unless said.
        variables: its environment; this process's, unless said.
        stderr: a descriptor for standard error; a pipe unless said.
        background: it ignores SIGINT, as what a script starts with `&` does.
    """
    return cast("Program[str]", _start(arguments, folder, variables, stderr, text=True, background=background))


def run(
    arguments: Sequence[str],
    *,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as `subprocess.run` does; it is killed if it takes longer than `timeout` seconds."""
    program = popen(arguments, folder=folder, variables=variables)
    try:
        out, complaints = program.communicate(timeout)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
        raise
    return subprocess.CompletedProcess(list(arguments), program.wait(), out, complaints)


def start(options: EmulatorOptions) -> Running:
    """Start an emulator, as `callwell.emulator.process.start` does."""
    return _start_emulator(to_arguments(options))


def _start_emulator(arguments: Iterable[str]) -> Running:
    command = ["-m", "callwell.emulator", "--json", "--watch-stdin", *arguments]
    program = cast("Program[bytes]", _start(command, None, None, None, text=False))
    assert program.stdout is not None
    line = program.stdout.readline()
    assert line, "the emulator ended before it was ready"
    return Running(msgspec.json.decode(line, type=Endpoints), cast("subprocess.Popen[bytes]", program))


def renewed(options: EmulatorOptions) -> Running:
    """An emulator as it is after its start, but for the clock: one process plays for all tests that want the same.

    A test that kills programs amid their requests starts its own: here these would reach the next test.
    """
    played = _play(os.getpid(), tuple(to_arguments(options)))
    for name, given in played.options.items():
        answer = _reset(played.running.control, {"provider": name, **given})
    return Running(answer.emulator, played.running.process)


class _Renewed(msgspec.Struct):
    """What an emulator says after a reset."""

    options: dict[str, dict[str, Any]]
    emulator: Endpoints


class _Played(NamedTuple):
    """An emulator that is used again, and the options that it was started with."""

    running: Running
    options: dict[str, dict[str, Any]]


@cache
def _play(_pid: int, arguments: tuple[str, ...]) -> _Played:
    """The emulator of this process for some arguments. It ends when its standard input does, with this process."""
    running = _start_emulator(arguments)
    return _Played(running, _reset(running.control, {}).options)


def _reset(control: str, changes: dict[str, Any]) -> _Renewed:
    connection = HTTPConnection(urlsplit(control).netloc, timeout=PATIENCE_S)
    try:
        connection.request("POST", "/reset", msgspec.json.encode(changes))
        return msgspec.json.decode(connection.getresponse().read(), type=_Renewed)
    finally:
        connection.close()


def _start(
    arguments: Sequence[str],
    folder: Path | None,
    variables: Mapping[str, str] | None,
    stderr: int | None,
    *,
    text: bool,
    background: bool = False,
) -> Program[Any]:
    mode = "r" if text else "rb"
    encoding = "utf-8" if text else None
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    theirs = [in_read, out_write, 2 if stderr is None else stderr]
    errors: IO[Any] | None = None
    if stderr == subprocess.PIPE:
        error_read, theirs[2] = os.pipe()
        errors = open(error_read, mode, encoding=encoding)  # noqa: PTH123, SIM115 - a descriptor, closed by `close`
    pid, status = fork(
        arguments, folder or Path.cwd(), os.environ if variables is None else variables, theirs, background=background
    )
    for descriptor in {in_read, out_write, theirs[2]} - {2, stderr}:
        os.close(descriptor)
    stdin: IO[bytes] | None = open(in_write, "wb")  # noqa: PTH123, SIM115 - a descriptor, closed by `close`
    if text and stdin is not None:
        stdin.close()
        stdin = None
    stdout = open(out_read, mode, encoding=encoding)  # noqa: PTH123, SIM115 - a descriptor, closed by `close`
    return Program(pid, status, stdin, stdout, errors, list(arguments))


def fork(
    arguments: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    streams: Sequence[int],
    *,
    background: bool = False,
) -> tuple[int, IO[str]]:
    """Have the server fork a program, and return its process ID and the stream on which its exit status comes.

    Args:
        arguments: `-m` and a module, or a file of Python, and what it is given.
        folder: where it works.
        variables: its environment.
        streams: descriptors for its standard input, output and error. The caller closes them.
        background: it ignores SIGINT.
    """
    job = {
        "arguments": list(arguments),
        "folder": str(folder),
        "variables": dict(variables),
        "background": background,
    }
    status_read, status_write = os.pipe()
    status = open(status_read, encoding="ascii")  # noqa: PTH123, SIM115 - a descriptor, closed by the caller
    with _LOCK:
        send(_channel(os.getpid()), json.dumps(job).encode() + b"\n", [*streams, status_write])
        os.close(status_write)
        return int(status.readline()), status


def send(channel: socket.socket, request: bytes, descriptors: list[int]) -> None:
    """Send a request with its descriptors."""
    sent = socket.send_fds(channel, [request], descriptors)
    channel.sendall(request[sent:])


@cache
def _channel(_pid: int) -> socket.socket:
    """The channel to this process's server, which ends when this process does."""
    shared = os.environ.get(ADDRESS)
    process: subprocess.Popen[bytes] | None = None
    if shared:
        ours = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.connect(shared)
    else:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            process = start_server(theirs, stdin=subprocess.DEVNULL)
    atexit.register(_end, os.getpid(), ours, process)
    return ours


def _end(pid: int, channel: socket.socket, process: subprocess.Popen[bytes] | None) -> None:
    """End the server, but not from a child of this process, which has these exits too."""
    if os.getpid() != pid:
        return
    with channel:
        channel.shutdown(socket.SHUT_WR)
        channel.recv(1)  # nothing, when it has ended
    if process is not None:
        process.wait()
