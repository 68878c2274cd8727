# SPDX-License-Identifier: Apache-2.0
"""A Python that has everything imported and forks a child for each program: it is run by `tests/processes/program.py`.

Tests start hundreds of processes, and nearly all that each of them costs is its imports: 0.4 s of processor time for a
command, 0.9 s for an emulator. Here that is paid for once. A child is a process like any other: it has its own folder,
environment, files and signals, is killed as others are, and ends as an interpreter ends; only that an interpreter which
ends well takes all its modules apart, which costs seven times as much as all else about a child, is left out.

The channel is a Unix socket. A request is one line of JSON with four file descriptors: standard input, output and
error, and a pipe on which the process ID is written, and its exit status when it has ended. The next request is made
when the process ID has come.

All processes of a run of the tests share the imports: what they connect to (`shared`) imports all that when the first
of them comes, and forks a server for each.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, Final

COMMANDS: Final = (
    "arguments",
    "assess",
    "call",
    "completion",
    "config",
    "emulate",
    "export",
    "flags",
    "keys",
    "ledger",
    "list",
    "progress",
    "providers",
    "upload",
    "users",
)
WHOLE: Final = ("callwell.core", "callwell.client", "callwell.state", "callwell.transport", "callwell.keys")
"""Packages of which a first client loads little, and a program before its end most."""

PRELOADED: Final = (
    *("asyncio", "uvloop", "rich.progress", "rich.table", "typer", "callwell.cli.main", "callwell.cli.commands"),
    *("callwell.client.client", "callwell.client._sync.client", "callwell.transport.pyreqwest"),
    *(f"callwell.cli.{name}" for name in COMMANDS),
    *("callwell.emulator.server", "callwell.emulator.userplane.provider", "callwell.emulator.apivideo.provider"),
    *("callwell.emulator.language_confidence.provider", "callwell.batch.run", "uvicorn.lifespan.off", "numpy", "av"),
)
"""What most programs import. Nothing that starts a thread, as numpy does if it may: a child would not have it. And not
soxr: few programs resample, and what it does at the end of a process takes as long as the rest of a short one."""

ASSESSING: Final = (
    "callwell.assess.run",
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "matplotlib.font_manager",
)
"""What an assessment imports besides: a second, which is paid for when the first one is requested."""

PIECE_BYTES: Final = 1 << 16
DESCRIPTORS: Final = 4
TASKS: Final = Path("/proc/self/task")


class Children:
    """The running programs, each with the pipe on which its end is reported."""

    def __init__(self) -> None:
        self.pipes: dict[int, int] = {}

    def reap(self) -> None:
        """Report every child that has ended."""
        while self.pipes:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            pipe = self.pipes.pop(pid)
            os.write(pipe, f"{os.waitstatus_to_exitcode(status)}\n".encode())
            os.close(pipe)


def main() -> None:
    """Serve until the other end of the channel is closed; in a child, run the program."""
    first = socket.socket(fileno=int(sys.argv[1]))
    channel = share(first) if sys.argv[2:] == ["shared"] else first
    if channel is first:
        preload()
    job = serve(channel) if channel is not None else None
    if job is not None:
        run(job)
    os._exit(0)  # an interpreter that ends well takes all its modules apart


def share(listener: socket.socket) -> socket.socket | None:
    """Fork for each connection. Returns twice: in a child with its channel, and with nothing when standard input ends.

    Args:
        listener: where connections come.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    loaded = False
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(0, selectors.EVENT_READ)
        while all(key.fileobj is listener for key, _ in selector.select()):
            channel, _ = listener.accept()
            if not loaded:
                preload()
                loaded = True
            if not os.fork():
                os.setsid()
                listener.close()
                return channel
            channel.close()
    return None


def preload() -> None:
    """Import what programs need, and encode the emulator's clips: half a second for each process that does so alone."""
    load(PRELOADED)
    load(tuple(module.name for package in WHOLE for module in walk_packages([find_folder(package)], f"{package}.")))
    from callwell.cli.main import main as command
    from callwell.emulator.userplane.clips import DURATIONS_S, base_clip

    for number in range(len(DURATIONS_S)):
        base_clip(number)
    sys.argv = ["callwell", "providers"]  # reads all descriptions, and has typer import what it imports late
    with contextlib.redirect_stdout(io.StringIO()):
        command()
    load(())


def find_folder(package: str) -> str:
    """The folder of a package."""
    return str(importlib.import_module(package).__path__[0])


def load(names: tuple[str, ...]) -> None:
    """Import what is not there yet, and have the garbage collector leave alone all that is."""
    if names and all(name in sys.modules for name in names):
        return
    for name in names:
        importlib.import_module(name)
    if TASKS.is_dir() and len(list(TASKS.iterdir())) != 1:
        raise RuntimeError("something that is preloaded has started a thread, which no child would have")
    gc.collect()
    gc.freeze()


def serve(channel: socket.socket) -> dict[str, Any] | None:
    """Fork for each request. Returns twice: in a child with its job, and in the server with nothing, at the end."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children = Children()
    selector = selectors.DefaultSelector()
    selector.register(channel, selectors.EVENT_READ)
    selector.register(ours, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is ours:
                ours.recv(1024)
                continue
            request, descriptors = receive_request(channel)
            if not request:
                return None
            job = json.loads(request)
            if "assess" in job["arguments"]:
                load(ASSESSING)
            pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                selector.close()
                channel.close()
                for pipe in (*children.pipes.values(), descriptors[3]):
                    os.close(pipe)
                return {"streams": descriptors[:3], **job}
            children.pipes[pid] = descriptors[3]
            os.write(descriptors[3], f"{pid}\n".encode())
            for descriptor in descriptors[:3]:
                os.close(descriptor)
        children.reap()


def receive_request(channel: socket.socket) -> tuple[bytes, list[int]]:
    """The next request and its descriptors; nothing when the other end is closed."""
    request, descriptors, _, _ = socket.recv_fds(channel, PIECE_BYTES, DESCRIPTORS)
    while request and not request.endswith(b"\n"):
        request += channel.recv(PIECE_BYTES)
    return request, descriptors


def run(job: dict[str, Any]) -> None:
    """Be the program: `-m MODULE`, `-c CODE`, or a file."""
    for number, descriptor in enumerate(job["streams"]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["variables"])
    signal.signal(signal.SIGINT, signal.SIG_IGN if job["background"] else signal.default_int_handler)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it lives as long as we do
    sys.stdout = text(1, "strict")
    sys.stderr = text(2, "backslashreplace")
    code = program(job)
    end(code)


def program(job: dict[str, Any]) -> int:
    """Run the program; its exit code. What it does not catch ends this process as it ends any other."""
    first, *rest = job["arguments"]
    sys.path[1:1] = filter(None, job["variables"].get("PYTHONPATH", "").split(os.pathsep))
    try:
        run_main(first, rest, job)
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        return ended.code or 0
    return 0


def run_main(first: str, rest: list[str], job: dict[str, Any]) -> None:
    """Run a module, some code or a file as the main one."""
    if first == "-m":
        sys.argv = rest
        sys.path[0] = job["folder"]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv = [first, *rest[1:]]
        sys.path[0] = ""
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - as an interpreter does
    else:
        sys.argv = job["arguments"]
        sys.path[0] = str(Path(first).parent)
        runpy.run_path(first, run_name="__main__")


def end(code: int) -> None:
    """End as an interpreter does, but leave the modules as they are, unless the last output cannot be printed."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit(code & 0xFF)


def text(descriptor: int, errors: str) -> Any:
    """A stream as an interpreter opens it: standard error by lines, standard output too on a terminal."""
    by_lines = descriptor == 2 or os.isatty(descriptor)
    return open(descriptor, "w", 1 if by_lines else -1, encoding="utf-8", errors=errors, closefd=False)


if __name__ == "__main__":
    main()
