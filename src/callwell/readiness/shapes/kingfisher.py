# SPDX-License-Identifier: Apache-2.0
"""Runs kingfisher: without a network, for a bounded time, and with every secret redacted in its report."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

import msgspec

from callwell.description.index import cache_folder
from callwell.extras import install_command
from callwell.readiness.findings import CannotCheck
from callwell.readiness.shapes.hits import read_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.readiness.shapes.hits import ShapeReport

TIME_OUT_S: Final = 1_800
"""The longest run, in seconds: kingfisher's own default for one repository, which is 10 GB and more of history."""

FOUND: Final = (0, 200, 205)
"""Exit codes of a complete run: no findings, findings, findings confirmed by validation."""

FLAGS: Final = (
    *("--no-validate", "--no-update-check"),  # nothing is sent
    "--redact",
    "--quiet",
    *("--format", "json"),
    *("--commit-metadata", "false"),  # so it reports blobs, and git finds the commit of each
    *("--max-file-size", "0"),
    "--no-ignore",  # comments for other tools accept nothing here
    "--prune-rule-cache",
)

ENVIRONMENT: Final = ("HOME", "LANG", "PATH", "SYSTEMROOT", "TEMP", "TMPDIR", "XDG_CACHE_HOME")
"""The environment variables that kingfisher inherits: none that may hold a key."""


def compiled_rules() -> Path:
    """The folder for kingfisher's compiled rules. Compiling them takes 12 s of CPU time, once."""
    return cache_folder() / "kingfisher"


class Kingfisher:
    """The program. Several threads may run it at once. Use it as a context manager, or call `close`.

    Args:
        rules: our own rules, as `rules.make_rules` writes them.
        time_out_s: the longest run, in seconds.
        program: its path; that of the installed package if None.
        with_builtin_rules: whether to use its own rules as well.

    Raises:
        CannotCheck: it is not installed.
    """

    def __init__(
        self,
        rules: list[dict[str, Any]],
        *,
        time_out_s: float = TIME_OUT_S,
        program: str | None = None,
        with_builtin_rules: bool = True,
    ) -> None:
        self._program = program or find_program()
        self._options = [] if with_builtin_rules else ["--load-builtins", "false"]
        self._rules = json.dumps({"rules": rules})
        self._time_out_s = time_out_s
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self._lock = threading.Lock()

    def scan(self, targets: Sequence[Path], options: Sequence[str] = ()) -> ShapeReport:
        """Scan folders, and the objects of repositories.

        Args:
            targets: the folders; for a repository the folder with its objects. Few: each takes some milliseconds.
            options: more options of `kingfisher scan`.

        Raises:
            CannotCheck: it could not be started, timed out, or failed.
        """
        with tempfile.TemporaryDirectory(prefix="callwell-check-") as name, tempfile.TemporaryFile() as out:
            rules = Path(name, "callwell.yaml")
            rules.write_text(self._rules, encoding="utf-8")  # JSON is YAML
            command = [self._program, "scan", *map(str, targets), *FLAGS, *self._options, *options]
            command += ["--rules-path", str(rules), "--rule-cache-dir", str(compiled_rules())]
            self._run(command, out)
            out.seek(0)
            return _read(out.read())

    def close(self) -> None:
        """Stop running scans, with all their processes."""
        with self._lock:
            self._closed = True
            for process in self._running:
                _kill(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, command: list[str], out: IO[bytes]) -> None:
        with tempfile.TemporaryFile() as errors:
            process = self._start(command, out, errors)
            try:
                code = self._wait(process)
            finally:
                with self._lock:
                    self._running.discard(process)
            if code not in FOUND:
                errors.seek(0)
                raise CannotCheck(f"kingfisher ended with {code}{_last_error(errors.read())}")

    def _start(self, command: list[str], out: IO[bytes], errors: IO[bytes]) -> subprocess.Popen[bytes]:
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        with self._lock:
            if self._closed:
                raise CannotCheck("the search for keys by their shape was stopped")
            try:
                process = subprocess.Popen(  # noqa: S603 - the program of a pinned package
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=errors,
                    start_new_session=True,
                )
            except OSError as error:
                raise CannotCheck(f"kingfisher cannot be started: {error.strerror}", install_hint()) from error
            self._running.add(process)
        return process

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(self._time_out_s)
        except subprocess.TimeoutExpired as error:
            raise CannotCheck(
                f"kingfisher did not end within {self._time_out_s / 60:g} minutes", "Scan less: --since REVISION."
            ) from error
        finally:
            _kill(process)


def find_program() -> str:
    """The path of kingfisher.

    Raises:
        CannotCheck: it is not installed, or there is none for this machine.
    """
    try:
        import kingfisher  # only needed here

        program: str = kingfisher.get_binary_path()
    except (ImportError, OSError) as error:
        raise CannotCheck("kingfisher, which finds keys by their shape, is not installed", install_hint()) from error
    return program


def install_hint() -> str:
    """How to install it."""
    return install_command("check")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children, and wait for it. A process that has ended is left alone."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(text: bytes) -> ShapeReport:
    try:
        return read_report(text)
    except msgspec.DecodeError as error:
        raise CannotCheck(f"the report of kingfisher cannot be read: {error}") from error


def _last_error(text: bytes) -> str:
    """The last error that it printed, in one line."""
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines()]
    said = [line for line in lines if line.startswith(("ERROR", "Error:", "error:"))]
    return f": {said[-1][:200]}" if said else ""
