# SPDX-License-Identifier: Apache-2.0
"""The user's own program in a drill: its surroundings, its time limit, and its end."""

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
from callwell.readiness.drills.cut_off import CutOff, name_attempts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from callwell.readiness.drills.stage import Stage, StagedAccount
    from callwell.readiness.project import ConfiguredAccount

LIMIT_S: Final = 60.0
"""Seconds that a program may take: a drill of a few calls takes three, and a program may have to start slowly."""

POLL_S: Final = 0.02
"""Seconds between two looks at the emulator's ledger: a request takes about as long."""

STOP_S: Final = 2.0
"""Seconds that a program has to end after SIGTERM, before it is killed."""

TAIL_LINES: Final = 3
TAIL_BYTES: Final = 64 << 10
"""How much of the output is shown, and read for that: its end says why a program failed."""


class ProgramEnd(NamedTuple):
    """How a program ended.

    Attributes:
        exit_code: its exit code, negative for a signal; None if it was stopped at the time limit.
        limit_s: the time limit in seconds.
        last_lines: the end of its output, without keys.
        refused: the addresses besides the emulator's that it tried to reach.
    """

    exit_code: int | None
    limit_s: float
    last_lines: str
    refused: list[str]

    def complaint(self) -> Unchecked | None:
        """Why the drill says little about the program; None if it ended well."""
        if self.refused:
            return name_attempts(self.refused)
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
    """A program that runs.

    Args:
        process: its process, the leader of a process group.
        output: the file with all that it prints.
        cut_off: what keeps it from everything but the emulator.
        secrets: strings that must not be shown.
        limit_s: seconds that it may take.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        output: Path,
        cut_off: CutOff,
        *,
        secrets: Sequence[str],
        limit_s: float,
    ) -> None:
        self._process = process
        self._cut_off = cut_off
        self._output = output
        self._secrets = secrets
        self._limit_s = limit_s
        self._stop_at = time.monotonic() + limit_s

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        """Wait until a condition holds; False if the program ends, or its time, before that.

        Args:
            condition: asked every `POLL_S`, and once more after the program has ended.
        """
        while True:
            has_ended = self._process.poll() is not None or time.monotonic() >= self._stop_at
            if condition():
                return True
            if has_ended:
                return False
            time.sleep(POLL_S)

    def wait(self) -> ProgramEnd:
        """Wait until it ends, or its time."""
        exit_code: int | None = None
        with suppress(subprocess.TimeoutExpired):
            exit_code = self._process.wait(max(0.0, self._stop_at - time.monotonic()))
        if exit_code is None:
            self.stop()
        return ProgramEnd(exit_code, self._limit_s, self._last_lines(), self._cut_off.attempts())

    def stop(self) -> None:
        """End the program and all that it started, politely at first."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if os.name != "nt":
            self._signal(signal.SIGKILL)  # what it has left behind

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
    command: Sequence[str], folder: Path, stage: Stage, accounts: Sequence[ConfiguredAccount], *, limit_s: float
) -> Iterator[RunningProgram]:
    """Start a program on a stage; whatever happens, it has ended afterwards.

    Args:
        command: the words of the command line.
        folder: where it works.
        stage: the stage.
        accounts: all accounts of the project. The program does not get the keys of those that are emulated.
        limit_s: seconds that it may take.

    Raises:
        CannotCheck: it cannot be started.
    """
    drilled = {staged.account.provider.name for staged in stage.accounts}
    real_keys = find_real_keys(account for account in accounts if account.provider.name in drilled)
    secrets = (*find_real_keys(accounts), *(staged.read_key() for staged in stage.accounts))
    output = stage.folder / "output"
    with CutOff(stage.ports, stage.folder) as cut_off, output.open("wb") as file:
        variables = drill_variables(stage, os.environ, real_keys)
        variables |= cut_off.variables(variables)
        options: Any = {
            "cwd": folder,
            "env": variables,
            "stdin": subprocess.DEVNULL,
            "stdout": file,
            "stderr": subprocess.STDOUT,
            "start_new_session": True,  # a group of its own, to be ended as a whole
        }
        try:
            process = cut_off.start(lambda: subprocess.Popen(command, **options))  # noqa: S603 - the user's own command
        except (OSError, ValueError) as error:
            raise CannotCheck(
                f"the program cannot be started: {command[0]}: {error}", "Correct the command after --run."
            ) from error
        program = RunningProgram(process, output, cut_off, secrets=secrets, limit_s=limit_s)
        try:
            yield program
        finally:
            program.stop()


def find_real_keys(accounts: Iterable[ConfiguredAccount]) -> tuple[str, ...]:
    """The values of the configured keys, as far as they are there."""
    texts = []
    for account in accounts:
        with suppress(CallwellError):
            variable = account.provider.in_environment(account.environment).profile.key.env
            source = parse_source(str(account.settings["key"].value), variable, accept_exposed=True)
            texts.append(source.read().reveal())
    return tuple(dict.fromkeys(texts))


def drill_variables(stage: Stage, inherited: Mapping[str, str], real_keys: Sequence[str]) -> dict[str, str]:
    """The environment of a program in a drill.

    Args:
        stage: the stage.
        inherited: the environment of this process.
        real_keys: keys that the program must not get.

    Returns:
        what it inherits, without variables that contain a real key, and with addresses and keys of the emulator.
    """
    variables = {name: text for name, text in inherited.items() if not any(key in text for key in real_keys)}
    variables.pop("CALLWELL_CLOCK", None)  # the emulator runs in real time, like a program that knows no other clock
    for staged in sorted(stage.accounts, key=lambda staged: staged.account.in_use):
        variables |= _staged_variables(staged)
    variables["XDG_STATE_HOME"] = str(stage.folder / "state-home")
    variables[DRILL_VARIABLE] = " ".join(dict.fromkeys(staged.account.provider.name for staged in stage.accounts))
    return variables


def _staged_variables(staged: StagedAccount) -> dict[str, str]:
    """The variables that point a program at an emulated account."""
    account = staged.account
    provider = account.provider
    is_default = account.environment == provider.environment().name
    values = {
        "base_url": staged.base_url,
        "key": f"file:{staged.key_file}",
        "state": staged.state,
        "proxy": "environment",  # takes the place of a configured one, which could not reach this machine
    }
    # The first name is that of this environment alone, the next ones may be those of others too: see `variable_names`.
    names_to_set = {"base_url": None, "key": 2 if account.in_use else 1}
    found: dict[str, str] = {}
    for setting, value in values.items():
        names = variable_names(provider.name, account.environment, setting, is_default=is_default)
        found |= dict.fromkeys(names[: names_to_set.get(setting, 1)], value)
    found[provider.in_environment(account.environment).profile.key.env] = staged.read_key()
    kind, _, name = str(account.settings["key"].value).partition(":")
    if kind == "env":
        found[name] = staged.read_key()
    return found
