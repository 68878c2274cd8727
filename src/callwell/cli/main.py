# SPDX-License-Identifier: Apache-2.0
"""The console script, and the border that no traceback crosses.

Whatever goes wrong ends as one line on standard error and an exit code; `CALLWELL_DEBUG=1` shows the traceback as well.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

INTERNAL: Final = 70
"""EX_SOFTWARE of sysexits.h."""

INTERRUPTED: Final = 130
"""128 + SIGINT, as shells have it."""

TERMINATED: Final = 143
"""128 + SIGTERM, as shells have it."""

NOBODY_READS: Final = 141
"""128 + SIGPIPE, as shells have it."""

WRONG_USE: Final = 2
LOCAL: Final = 7


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments, those of the process by default.

    Returns:
        the exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    _prepare()
    if shell := os.environ.get("_CALLWELL_COMPLETE"):
        return _complete(shell)
    terminated = threading.Event()
    try:
        with _ending_on_sigterm(terminated):
            code = _run(arguments or ["--help"])
            sys.stdout.flush()
    except KeyboardInterrupt:
        return _complain("terminated", TERMINATED) if terminated.is_set() else _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        _forget_stdout()
        return NOBODY_READS
    except Exception as error:  # noqa: BLE001 - the border: nothing may leave but a line and a code
        return _explain(error)
    return code


def _prepare() -> None:
    from callwell.cli.output import prepare

    prepare()


def _run(arguments: list[str]) -> int:
    import typer

    from callwell.cli.commands import root

    command = root()
    try:
        with command.make_context("callwell", arguments) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return 0


@contextmanager
def _ending_on_sigterm(terminated: threading.Event) -> Iterator[None]:
    """SIGTERM does what Ctrl-C does: it leaves a state that the same command resumes."""

    def end(number: int, frame: FrameType | None) -> None:
        terminated.set()
        interrupt = signal.getsignal(signal.SIGINT)  # an event loop has put its own there
        if callable(interrupt):
            interrupt(number, frame)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    background = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if background:  # the shell wants Ctrl-C to pass it by: blocked instead of ignored, it can still be called by `end`
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if background:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _complete(shell: str) -> int:
    """Whatever goes wrong while a line is typed, the typist is not disturbed."""
    try:
        from callwell.cli.completion import answer

        return answer(shell)
    except Exception:  # noqa: BLE001 - as above
        _show_traceback()
        return INTERNAL


def _explain(error: Exception) -> int:
    import typer

    from callwell.errors import CallwellError

    _show_traceback()
    match error:
        case CallwellError():
            return _complain(str(error), error.exit_code)
        case typer.TyperException():
            context = getattr(error, "ctx", None)
            path = context.command_path if context else "callwell"
            return _complain(
                f"{error.format_message().replace('Value error, ', '').rstrip('.')}; try {path} --help", WRONG_USE
            )
        case OSError():
            _forget_stdout()
            return _complain(f"this machine: {error.strerror or error} {error.filename or ''}", LOCAL)
        case _:
            text = f"internal error: {type(error).__name__}: {error}"
            return _complain(f"{text} (run with CALLWELL_DEBUG=1 for the traceback)", INTERNAL)


def _complain(text: str, code: int) -> int:
    from callwell.cli.output import say

    say(f"callwell: {text}")
    return code


def _show_traceback() -> None:
    if os.environ.get("CALLWELL_DEBUG", "0") not in ("", "0"):
        import traceback

        from callwell.cli.output import clean

        sys.stderr.write(clean(traceback.format_exc()))


def _forget_stdout() -> None:
    """Let what is still buffered go nowhere, or the interpreter complains about it while it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
