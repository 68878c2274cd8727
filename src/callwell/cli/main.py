# SPDX-License-Identifier: Apache-2.0
"""The console script. Every error ends as one line on standard error and an exit code, never as a traceback.

`CALLWELL_DEBUG=1` prints the traceback as well.
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
"""128 + SIGINT, as in shells."""

TERMINATED: Final = 143
"""128 + SIGTERM, as in shells."""

CLOSED_PIPE: Final = 141
"""128 + SIGPIPE, as in shells."""

USAGE_ERROR: Final = 2
"""As Click and most shells' own commands."""

LOCAL_ERROR: Final = 7
"""`LocalError.exit_code`: a problem on this machine."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments; those of the process by default.

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
        return (
            _print_error("terminated", TERMINATED) if terminated.is_set() else _print_error("interrupted", INTERRUPTED)
        )
    except BrokenPipeError:
        _discard_stdout()
        return CLOSED_PIPE
    except Exception as error:  # noqa: BLE001 - whatever it is, it ends as one line and an exit code
        return _report(error)
    return code


def _prepare() -> None:
    from callwell.cli.output import prepare_streams

    prepare_streams()


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
    """Treat SIGTERM as Ctrl-C: the work stops in order, and the same command resumes it."""

    def end(number: int, frame: FrameType | None) -> None:
        terminated.set()
        interrupt = signal.getsignal(signal.SIGINT)  # an event loop may have installed its own
        if callable(interrupt):
            interrupt(number, frame)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    background = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    # A shell ignores SIGINT for background jobs. Here it is blocked instead, so that `end` can still call the handler.
    if background:
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
    """Print completions. An error while the user types a line must not disturb them."""
    try:
        from callwell.cli.completion import print_completions

        return print_completions(shell)
    except Exception:  # noqa: BLE001 - as in `main`
        _show_traceback()
        return INTERNAL


def _report(error: Exception) -> int:
    import typer

    from callwell.errors import CallwellError

    _show_traceback()
    match error:
        case CallwellError():
            return _print_error(str(error), error.exit_code)
        case typer.TyperException():
            context = getattr(error, "ctx", None)
            path = context.command_path if context else "callwell"
            return _print_error(
                f"{error.format_message().replace('Value error, ', '').rstrip('.')}; try {path} --help", USAGE_ERROR
            )
        case OSError():
            _discard_stdout()
            return _print_error(
                f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error), LOCAL_ERROR
            )
        case _:
            text = f"internal error: {type(error).__name__}: {error}"
            return _print_error(f"{text} (CALLWELL_DEBUG=1 prints the traceback)", INTERNAL)


def _print_error(text: str, code: int) -> int:
    from callwell.cli.output import say

    say(f"callwell: {text}")
    return code


def _show_traceback() -> None:
    if os.environ.get("CALLWELL_DEBUG", "0") not in ("", "0"):
        import traceback

        from callwell.cli.output import clean

        sys.stderr.write(clean(traceback.format_exc()))


def _discard_stdout() -> None:
    """Discard what is still buffered; otherwise the interpreter complains about it at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
