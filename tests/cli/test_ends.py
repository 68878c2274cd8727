# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM end every command in one line, and leave a state that the same command resumes."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NamedTuple

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.cli.emulated import PROVIDER, started
from tests.patience import PATIENCE_S
from tests.processes.program import start
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.emulator.process import Running
    from tests.cli.emulated import Shell


class Ending(NamedTuple):
    """How a command is ended, and what it must say."""

    number: signal.Signals
    background: bool
    code: int
    words: str


ENDINGS = [
    Ending(signal.SIGINT, background=False, code=130, words="callwell: interrupted"),
    Ending(signal.SIGTERM, background=False, code=143, words="callwell: terminated"),
    Ending(signal.SIGTERM, background=True, code=143, words="callwell: terminated"),
]


@pytest.fixture
def emulator() -> Iterator[Running]:
    """An emulator on a fast clock, with a quota that comes back in two seconds: an export needs two of them."""
    with start(EmulatorOptions(provider=(PROVIDER,), clock=clock(25), recordings=30)) as running:
        yield running


@pytest.fixture
def waiting(cli: Shell) -> Iterator[Shell]:
    """The shell, with a provider that asks for a long pause."""
    rule = {"fault": "throttle_after", "rate": 1, "max_in_row": 99, "retry_after_s": 3000}
    cli.steer("/faults", [rule | {"operation": name} for name in ("me.get", "workspaces.list", "recordings.list")])
    yield cli
    cli.steer("/faults", [])


def ended(cli: Shell, how: Ending, *arguments: str) -> tuple[int, str, list[str]]:
    """The exit code of a command that is ended while it waits, and what it printed."""
    with started(cli, *arguments, "-v", background=how.background) as process:
        assert process.stderr is not None
        while "waits" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(how.number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in err
    return process.wait(), out, err.splitlines()


@pytest.mark.parametrize("how", ENDINGS)
@pytest.mark.parametrize("command", [("call", PROVIDER, "me.get"), ("list", PROVIDER, "workspaces.list")])
def test_a_wait_is_ended(waiting: Shell, command: tuple[str, ...], how: Ending) -> None:
    """A call that waits ends at once, with its code and one line."""
    found, out, lines = ended(waiting, how, *command, "--deadline", "9999")
    assert (found, out, lines[-1]) == (how.code, "", how.words)


@pytest.mark.parametrize("how", ENDINGS)
def test_an_export_goes_on(waiting: Shell, how: Ending) -> None:
    """An export that was ended says how to go on, and does."""
    command = ("export", PROVIDER, "--to", "out")
    found, out, lines = ended(waiting, how, *command)
    assert (found, out) == (how.code, "")
    assert lines[-2:] == ["finished items are kept; run the same command again to continue", how.words]
    waiting.steer("/faults", [])
    waiting.steer("/reset", {})
    again = waiting.run(*command, "--json", CALLWELL_STATE="memory:")
    assert (again.code, again.json["verdict"]) == (0, "complete")


def test_ctrl_c_passes_what_is_in_the_background(waiting: Shell) -> None:
    """A command that a script runs in the background is not ended by Ctrl-C."""
    with started(waiting, "call", PROVIDER, "me.get", "-v", "--deadline", "9999", background=True) as process:
        assert process.stderr is not None
        while "waits" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert waiting.run("--version").code == 0  # time enough to end
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 143
