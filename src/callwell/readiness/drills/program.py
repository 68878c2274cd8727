# SPDX-License-Identifier: Apache-2.0
"""Runs the user's own program in a drill: its environment, its time limit, and its exit."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.client.addresses import DRILL_VARIABLE
from callwell.client.setting_variables import variable_names
from callwell.errors import CallwellError
from callwell.keys import parse_source
from callwell.observe.redact import redact
from callwell.readiness.check import CannotCheck, Unchecked
from callwell.readiness.drills.isolation import NetworkIsolation, report_attempts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from callwell.readiness.drills.setup import DrillAccount, DrillSetup
    from callwell.readiness.project import ConfiguredAccount

LIMIT_S: Final = 60.0
"""The time limit of a program in seconds: a drill of a few calls takes three, and programs may start slowly."""

POLL_S: Final = 0.02
"""The interval in which the emulator's ledger is polled, in seconds: about the duration of a request."""

STOP_S: Final = 2.0
"""How long a program may take to exit after SIGTERM before it is killed, in seconds."""

TAIL_LINES: Final = 3
TAIL_BYTES: Final = 64 << 10
"""How much of the output is shown, and read for it: the end says why a program failed."""


class ProgramExit(NamedTuple):
    """How a program exited.

    Attributes:
        exit_code: its exit code, negative for a signal; None if it was stopped at the time limit.
        limit_s: the time limit in seconds.
        last_lines: the end of its output, without keys.
        refused: the addresses that it tried to reach, other than the emulator's.
    """

    exit_code: int | None
    limit_s: float
    last_lines: str
    refused: list[str]

    def problem(self) -> Unchecked | None:
        """Why the drill is incomplete; None if the program exited as it should."""
        if self.refused:
            return report_attempts(self.refused)
        if self.exit_code == 0:
            return None
        how = f"ended with exit code {self.exit_code}"
        if self.exit_code is None:
            how = f"had not ended after {self.limit_s:g} s and was stopped"
        said = f"; its last lines: {self.last_lines}" if self.last_lines else "; it printed nothing"
        return Unchecked(
            what=f"the program {how}{said}",
            fix="Give --run a command that makes a few calls and ends with exit code 0.",
        )


class RunningProgram:
    """A running program.

    Args:
        process: its process, the leader of a process group.
        output: the file with its output.
        isolation: the isolation that it runs in.
        secrets: strings that must not be shown.
        limit_s: its time limit in seconds.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        output: Path,
        isolation: NetworkIsolation,
        *,
        secrets: Sequence[str],
        limit_s: float,
    ) -> None:
        self._process = process
        self._cut_off = isolation
        self._output = output
        self._secrets = secrets
        self._limit_s = limit_s
        self._stop_at = time.monotonic() + limit_s

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        """Wait until a condition holds; False if the program exits or reaches its time limit first.

        Args:
            condition: evaluated every `POLL_S`, and once more after the program has exited.
        """
        while True:
            has_ended = self._process.poll() is not None or time.monotonic() >= self._stop_at
            if condition():
                return True
            if has_ended:
                return False
            time.sleep(POLL_S)

    def wait(self) -> ProgramExit:
        """Wait until it exits, or reaches its time limit."""
        exit_code: int | None = None
        with suppress(subprocess.TimeoutExpired):
            exit_code = self._process.wait(max(0.0, self._stop_at - time.monotonic()))
        if exit_code is None:
            self.stop()
        return ProgramExit(exit_code, self._limit_s, self._last_lines(), self._cut_off.attempts())

    def stop(self) -> None:
        """Stop the program and its children, with SIGTERM first."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if os.name != "nt":
            self._signal(signal.SIGKILL)  # children that are still running

    def _signal(self, number: int) -> None:
        if os.name == "nt":
            self._process.terminate()
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _last_lines(self) -> str:
        with self._output.open("rb") as file:
            file.seek(max(0, self._output.stat().st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return redact(" | ".join(lines[-TAIL_LINES:]), *self._secrets)


@contextmanager
def run_program(
    command: Sequence[str], folder: Path, setup: DrillSetup, accounts: Sequence[ConfiguredAccount], *, limit_s: float
) -> Iterator[RunningProgram]:
    """Start a program in a setup; it never outlives the context.

    Args:
        command: the words of the command line.
        folder: its working directory.
        setup: the setup.
        accounts: all accounts of the project. The program does not get the keys of emulated ones.
        limit_s: its time limit in seconds.

    Raises:
        CannotCheck: it cannot be started.
    """
    drilled = {drilled.account.provider.name for drilled in setup.accounts}
    real_keys = read_real_keys(account for account in accounts if account.provider.name in drilled)
    secrets = (*read_real_keys(accounts), *(drilled.read_key() for drilled in setup.accounts))
    output = setup.folder / "output"
    with NetworkIsolation(setup.ports, setup.folder) as isolation, output.open("wb") as file:
        variables = drill_variables(setup, os.environ, real_keys)
        variables |= isolation.variables(variables)
        options: Any = {
            "cwd": folder,
            "env": variables,
            "stdin": subprocess.DEVNULL,
            "stdout": file,
            "stderr": subprocess.STDOUT,
            "start_new_session": True,  # its own process group, to be stopped as a whole
        }
        try:
            process = isolation.start(lambda: subprocess.Popen(command, **options))  # noqa: S603 - the user's own command
        except (OSError, ValueError) as error:
            raise CannotCheck(
                f"the program cannot be started: {command[0]}: {error}", "Correct the command after --run."
            ) from error
        program = RunningProgram(process, output, isolation, secrets=secrets, limit_s=limit_s)
        try:
            yield program
        finally:
            program.stop()


def read_real_keys(accounts: Iterable[ConfiguredAccount]) -> tuple[str, ...]:
    """Read the configured keys that are available."""
    texts = []
    for account in accounts:
        with suppress(CallwellError):
            variable = account.provider.in_environment(account.environment).profile.key.env
            source = parse_source(str(account.settings["key"].value), variable, accept_exposed=True)
            texts.append(source.read().reveal())
    return tuple(dict.fromkeys(texts))


def drill_variables(setup: DrillSetup, inherited: Mapping[str, str], real_keys: Sequence[str]) -> dict[str, str]:
    """The environment of a program in a drill.

    Args:
        setup: the setup.
        inherited: the environment of this process.
        real_keys: keys that the program must not get.

    Returns:
        the inherited variables without those that contain a real key, plus addresses and keys of the emulator.
    """
    variables = {name: text for name, text in inherited.items() if not any(key in text for key in real_keys)}
    variables.pop("CALLWELL_CLOCK", None)  # the emulator runs in real time, because a program has no other clock
    for drilled in sorted(setup.accounts, key=lambda drilled: drilled.account.in_use):
        variables |= _account_variables(drilled)
    variables["XDG_STATE_HOME"] = str(setup.folder / "state-home")
    variables[DRILL_VARIABLE] = " ".join(dict.fromkeys(drilled.account.provider.name for drilled in setup.accounts))
    return variables


def _account_variables(drilled: DrillAccount) -> dict[str, str]:
    """The variables that point a program at an emulated account."""
    account = drilled.account
    provider = account.provider
    is_default = account.environment == provider.environment().name
    values = {
        "base_url": drilled.base_url,
        "key": f"file:{drilled.key_file}",
        "state": drilled.state,
        "proxy": "environment",  # replaces a configured one, which could not reach this machine
    }
    # The first name is specific to this environment, the others may be shared: see `variable_names`.
    names_to_set = {"base_url": None, "key": 2 if account.in_use else 1}
    found: dict[str, str] = {}
    for setting, value in values.items():
        names = variable_names(provider.name, account.environment, setting, is_default=is_default)
        found |= dict.fromkeys(names[: names_to_set.get(setting, 1)], value)
    found[provider.in_environment(account.environment).profile.key.env] = drilled.read_key()
    kind, _, name = str(account.settings["key"].value).partition(":")
    if kind == "env":
        found[name] = drilled.read_key()
    return found
