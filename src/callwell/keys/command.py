# SPDX-License-Identifier: Apache-2.0
"""A key printed by a program, such as the command line of a password manager or cloud: `command:op read op://…`.

The line is split like in a shell, but no shell runs. The program gets no terminal, no input and its own session, so
that its children end with it.
"""

from __future__ import annotations

import os
import re
import selectors
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.errors import InvalidOption, KeyMissing
from callwell.keys.key import Key
from callwell.keys.spec import StoringGuide

if TYPE_CHECKING:
    from callwell.keys.spec import SourceSpec

LEASE_S: Final = 300.0
"""A program takes a tenth of a second to start, and may query a server that limits requests."""

TIMEOUT_S: Final = 10.0
"""Longer than any command needs that does not wait for a person."""

MAX_BYTES: Final = 16 << 10
"""The most bytes that are read of each output. A key with its whole certificate chain is smaller."""

EXIT_POLL_S: Final = 0.1
"""How often to check whether the program has ended while a child of it still holds the output open."""

MAX_SHOWN: Final = 200
"""Characters of an error that a message repeats."""

SECRET_LIKE: Final = re.compile(r"(?=[\w+=~.-]*\d)(?=[\w+=~.-]*[A-Za-z])[\w+=~.-]{16,}|[\w+=~.-]{32,}", re.ASCII)
"""A run of at least 16 characters with letters and digits, or of at least 32: true of few names in messages, but of all
keys."""


class ProgramOutput(NamedTuple):
    """The output of a program, and how it ended.

    Attributes:
        key: its standard output, up to `MAX_BYTES`.
        is_cut: there was more.
        errors: the end of its standard error.
        exit_code: its exit code, negative for a signal; None if it was stopped at the time limit.
    """

    key: Key
    is_cut: bool
    errors: str
    exit_code: int | None


class CommandSource:
    """The standard output of a program.

    Args:
        spec: `command:LINE`; options: `lease` and `timeout`, in seconds.

    Raises:
        InvalidOption: the line cannot be split into words.
    """

    can_change = True
    file = None

    def __init__(self, spec: SourceSpec) -> None:
        spec.check_options(("lease", "timeout"))
        self.lease_s: float | None = spec.seconds("lease", LEASE_S)
        self._timeout_s = spec.seconds("timeout", TIMEOUT_S)
        try:
            words = shlex.split(spec.place)
        except ValueError:
            words = []
        if not words or "\0" in spec.place:
            raise InvalidOption("key", "command:…", "a command line, with its quotes closed")
        self._words = words
        # The arguments are omitted from errors and logs, since a careless line may contain a token.
        self.location = f"command:{os.path.basename(words[0])}{' …' if len(words) > 1 else ''}"  # noqa: PTH119 - a word

    def read(self) -> Key:
        """The key that the program prints.

        Raises:
            KeyMissing: it cannot be started, fails, takes too long, or prints nothing or too much.
        """
        try:
            output = run_program(self._words, self._timeout_s)
        except FileNotFoundError:
            raise KeyMissing(
                f"no key: {self.location}: there is no such program on PATH; install it, or name it with its path"
            ) from None
        except OSError as error:
            raise KeyMissing(f"no key: {self.location} cannot be started: {error.strerror}") from None
        if output.exit_code == 0 and output.key and not output.is_cut:
            return output.key
        raise KeyMissing(f"no key: {self.location} {self._describe_failure(output)}")

    def revision(self) -> object:
        """Constant: only running the program would show a change."""
        return None

    def how_to_store(self) -> StoringGuide:
        """General advice, since only the person knows where the program finds the key."""
        return StoringGuide(
            f"Store the new key where {self.location} reads it: in the same entry of your password manager or secret "
            "store. The program must then print the new key."
        )

    def _describe_failure(self, output: ProgramOutput) -> str:
        if output.is_cut:
            return f"prints more than {MAX_BYTES >> 10} kB; let it print the key, and nothing else"
        if output.exit_code is None:
            how = f"did not end within {self._timeout_s:g} s (option: timeout)"
        elif output.exit_code < 0:
            how = f"was ended by signal {-output.exit_code}"
        elif output.exit_code:
            how = f"ended with exit code {output.exit_code}"
        else:
            how = "printed nothing"
        said = last_line(output.errors, output.key)
        return f"{how}: {said}" if said else f"{how}; run it by hand to see why"


def run_program(words: list[str], timeout_s: float) -> ProgramOutput:
    """Run a program to its end, or to a limit.

    Args:
        words: its path or name, and its arguments.
        timeout_s: seconds that it may take.

    Raises:
        OSError: it cannot be started.
    """
    deadline = time.monotonic() + timeout_s
    process = subprocess.Popen(  # noqa: S603 - the user's own command, without a shell
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    with process:
        try:
            texts, is_cut = _collect(process, deadline)
            exit_code: int | None = None
            with suppress(subprocess.TimeoutExpired):
                exit_code = process.wait(0.0 if is_cut else max(0.0, deadline - time.monotonic()))
        finally:
            _kill(process)
    return ProgramOutput(
        key=Key.unquote(texts[0].decode("utf-8-sig", "replace")),
        is_cut=is_cut,
        errors=texts[1].decode("utf-8", "replace"),
        exit_code=exit_code,
    )


def _collect(process: subprocess.Popen[bytes], deadline: float) -> tuple[list[bytearray], bool]:
    """Both outputs, until they or the program end, the size limit or the deadline; and whether there is more."""
    texts = [bytearray(), bytearray()]
    with selectors.DefaultSelector() as selector:
        for number, stream in enumerate((process.stdout, process.stderr)):
            assert stream is not None  # noqa: S101 - both are pipes
            selector.register(stream, selectors.EVENT_READ, number)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            ready = selector.select(min(left, EXIT_POLL_S))
            if not ready and process.poll() is not None:
                break  # a child of it continues, such as an agent that it started
            for event, _ in ready:
                data = os.read(event.fd, MAX_BYTES)
                if not data:
                    selector.unregister(event.fileobj)
                texts[event.data] += data
            if len(texts[0]) > MAX_BYTES:
                return texts, True
            del texts[1][:-MAX_BYTES]
    return texts, False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a program that still runs, together with its children. A finished program's children may be meant to stay."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def last_line(text: str, key: Key) -> str:
    """The last line of an error output, in printable characters and without anything that may be a key.

    Args:
        text: the output.
        key: the key that the program printed.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    shown = "".join(char if char.isprintable() else " " for char in "".join(lines[-1:]))
    if key:
        for word in (key.reveal(), *key.reveal().split()):
            shown = shown.replace(word, "…")
    return SECRET_LIKE.sub("…", shown)[-MAX_SHOWN:]
