# SPDX-License-Identifier: Apache-2.0
"""Starting is quick, because nothing is loaded that is not needed, and every command has its help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from callwell.cli.commands import COMMANDS
from tests.cli.playing import COMMAND
from tests.patience import PATIENCE_S

LOADED = """\
import json, sys
from callwell.cli.main import main
code = main(sys.argv[1:])
print("\\n" + json.dumps(sorted(sys.modules)))
sys.exit(code)
"""


def output_of(*command: str) -> str:
    """What a command that ends well prints."""
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_help_names_every_command_and_code() -> None:
    """`callwell --help`, and `callwell` alone, name every command and every exit code."""
    shown = output_of(*COMMAND, "--help")
    assert shown == output_of(*COMMAND)
    assert [name for name in COMMANDS if f"\n  {name} " not in shown] == []
    assert [code for code in (*range(10), 70, 130, 141, 143) if f"\n    {code} " not in shown] == []


def test_version() -> None:
    """--version prints name and version."""
    assert output_of(*COMMAND, "--version") == f"callwell {version('callwell')}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    """Each command of the table can be loaded, and its help needs neither the transport nor the emulator."""
    shown, modules = output_of(sys.executable, "-c", LOADED, name, "--help").rsplit("\n\n", 1)
    assert f"Usage: callwell {name}" in shown
    assert {"pyreqwest", "starlette", "uvicorn", "av", "rich"}.isdisjoint(json.loads(modules))


def test_help_loads_next_to_nothing() -> None:
    """The first help loads no command, and none of the large packages."""
    loaded = set(json.loads(output_of(sys.executable, "-c", LOADED, "--help").splitlines()[-1]))
    assert {"rich", "pydantic", "msgspec", "pyreqwest", "asyncio", "callwell.client"}.isdisjoint(loaded)
    assert {f"callwell.cli.{name}" for name in COMMANDS}.isdisjoint(loaded)
