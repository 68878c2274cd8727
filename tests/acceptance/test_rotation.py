# SPDX-License-Identifier: Apache-2.0
"""Four processes under load while their key is replaced, in a moment: no call fails, and none uses the old key long."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callwell.emulator.options import EmulatorOptions
from callwell.keys import Key
from tests.emulator.harness import fetch
from tests.patience import PATIENCE_S
from tests.processes.program import popen, run, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.emulator.process import Running
    from tests.processes.program import Program

PROCESSES = 4
CALLER = Path(__file__).with_name("rotating.py")


def write_key(file: Path, text: str) -> None:
    """Replace a key file in one step."""
    new = file.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(text)
    new.rename(file)


class Fleet:
    """Four programs that call an emulator with the key in one file, on one state.

    Args:
        running: the emulator.
        folder: for the key, the state, and what the programs say.
        opened: ends the programs.
    """

    def __init__(self, running: Running, folder: Path, opened: ExitStack) -> None:
        point = running.endpoint("userplane")
        self.control = running.control
        self.key_file = folder / "key"
        self.state = f"sqlite:///{folder / 'state.db'}"
        self.stop_file = folder / "stop"
        write_key(self.key_file, point.key)
        variables = {
            **os.environ,
            "USERPLANE_BASE_URL": point.base_url,
            "USERPLANE_KEY": f"file:{self.key_file}",
            "CALLWELL_USERPLANE_KEY": f"file:{self.key_file}",
            "CALLWELL_STATE": self.state,
            "STOP_FILE": str(self.stop_file),
        }
        self.variables = variables
        self.programs: list[Program[str]] = []
        for _ in range(PROCESSES):
            program = popen([str(CALLER)], folder=folder, variables=variables)
            opened.callback(program.close)
            opened.callback(program.wait)
            opened.callback(program.kill)
            self.programs.append(program)

    def ask(self, path: str) -> str:
        """A new key from the emulator."""
        text: str = fetch(f"{self.control}/{path}", "POST").json["key"]
        return text

    def read_until(self, is_found: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """The first event of each program of which `is_found` is true."""
        found = []
        for program in self.programs:
            assert program.stdout is not None
            for line in program.stdout:
                event = json.loads(line)
                if is_found(event):
                    found.append(event)
                    break
                assert event["event"] != "end", event["failures"]
        assert len(found) == PROCESSES
        return found

    def stop(self) -> list[dict[str, Any]]:
        """End the programs, and return what each has counted."""
        self.stop_file.touch()
        ends = self.read_until(lambda event: event["event"] == "end")
        for program in self.programs:
            program.wait(PATIENCE_S)
        return ends


def test_a_rotation_without_overlap_fails_no_call(tmp_path: Path) -> None:
    """The old key dies when the new one is born. All processes use the new one at once, and `keys rotate` proves it."""
    options = EmulatorOptions(provider=("userplane",), per_minute=1_000_000, per_day=10_000_000)
    with start(options) as running, ExitStack() as opened:
        fleet = Fleet(running, tmp_path, opened)
        fleet.read_until(lambda event: event["event"] == "calling")
        rotate = ["-m", "callwell", "keys", "rotate", "userplane", "--no-overlap", "--json"]
        begun = run([*rotate, "--confirm", "prepare"], folder=tmp_path, variables=fleet.variables)
        assert json.loads(begun.stdout)["waits_for"]["step"] == "create"
        text = fleet.ask("keys/rotate")
        write_key(fleet.key_file, text)
        fingerprint = Key(text).fingerprint
        fleet.read_until(lambda event: event.get("fingerprint") == fingerprint)
        fleet.read_until(lambda event: event["event"] == "calling")
        ended = run([*rotate, "--confirm", "revoke"], folder=tmp_path, variables=fleet.variables)
        assert (ended.returncode, json.loads(ended.stdout)["ended"]) == (0, "done")
        ends = fleet.stop()
        assert [end["failed"] for end in ends] == [0] * PROCESSES


def test_reload_and_revocation_reach_every_process(tmp_path: Path) -> None:
    """One canary tries a new key for all four; `keys reload` names them, and none sends a revoked one."""
    options = EmulatorOptions(provider=("userplane",), per_minute=1_000_000, per_day=10_000_000)
    with start(options) as running, ExitStack() as opened:
        fleet = Fleet(running, tmp_path, opened)
        fleet.read_until(lambda event: event["event"] == "calling")
        text = fleet.ask("keys/create")
        fingerprint = Key(text).fingerprint
        write_key(fleet.key_file, text)
        fleet.read_until(lambda event: event.get("fingerprint") == fingerprint)
        fleet.read_until(lambda event: event["event"] == "calling")
        reloaded = run(
            ["-m", "callwell", "keys", "reload", "userplane", "--json"], folder=tmp_path, variables=fleet.variables
        )
        rows = json.loads(reloaded.stdout)
        assert [row["reloaded"] for row in rows] == [True] * PROCESSES
        assert {row["fingerprint"] for row in rows} == {fingerprint}
        canaries = [row for row in fetch(f"{fleet.control}/ledger/requests").json if row["operation"] == "me.get"]
        assert len(canaries) == 1
        run(["-m", "callwell", "keys", "revoked", fingerprint], folder=tmp_path, variables=fleet.variables)
        fleet.read_until(lambda event: event["event"] == "waiting")
        write_key(fleet.key_file, fleet.ask("keys/create"))
        fleet.read_until(lambda event: event["event"] == "calling")
        assert [end["failed"] for end in fleet.stop()] == [0] * PROCESSES
