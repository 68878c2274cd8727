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
from tests.cli.emulated import COMMAND
from tests.patience import PATIENCE_S
from tests.processes.program import run

LOADED = """\
import json, sys
from callwell.cli.main import main
code = main(sys.argv[1:])
print("\\n" + json.dumps(sorted(sys.modules)))
sys.exit(code)
"""

HELPS = """\
import json, os, sys
from contextlib import redirect_stdout
from io import StringIO
import typer._adapters
from callwell.cli.main import main
for name in sys.argv[1:]:
    if os.fork():
        os.wait()
        continue
    with redirect_stdout(StringIO()) as shown:
        code = main([name, "--help"])
    print(json.dumps([name, code, shown.getvalue(), sorted(sys.modules)]), flush=True)
    os._exit(0)
"""
"""The help of each command in a process of its own, after what all of them load: that is most of the time it takes.

Typer loads its adapters, and with them pydantic, when the first command is made."""


def output_of(*command: str) -> str:
    """What a command that ends well prints."""
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def output_of_callwell(*arguments: str) -> str:
    """What `callwell` prints when it ends well."""
    done = run(["-m", "callwell", *arguments], variables={**os.environ, "COLUMNS": "100"}, timeout=PATIENCE_S)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def helps() -> dict[str, tuple[int, str, list[str]]]:
    """Each command → its exit code, its help, and the modules that are loaded after it."""
    lines = output_of(sys.executable, "-c", HELPS, *COMMANDS).splitlines()
    return {name: (code, shown, modules) for name, code, shown, modules in map(json.loads, lines)}


def test_help_names_every_command_and_code() -> None:
    """`callwell --help`, and `callwell` alone, name every command and every exit code."""
    shown = output_of(*COMMAND, "--help")
    assert shown == output_of_callwell()
    assert [name for name in COMMANDS if f"\n  {name} " not in shown] == []
    assert [code for code in (*range(10), 70, 130, 141, 143) if f"\n    {code} " not in shown] == []


def test_version() -> None:
    """--version prints name and version."""
    assert output_of_callwell("--version") == f"callwell {version('callwell')}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, helps: dict[str, tuple[int, str, list[str]]]) -> None:
    """Each command of the table can be loaded, and its help needs neither the transport nor the emulator."""
    code, shown, modules = helps[name]
    assert code == 0
    assert f"Usage: callwell {name}" in shown
    assert {"pyreqwest", "starlette", "uvicorn", "av", "rich"}.isdisjoint(modules)


def test_help_loads_next_to_nothing() -> None:
    """The first help loads no command, and none of the large packages."""
    loaded = set(json.loads(output_of(sys.executable, "-c", LOADED, "--help").splitlines()[-1]))
    assert {"rich", "pydantic", "msgspec", "pyreqwest", "asyncio", "callwell.client"}.isdisjoint(loaded)
    assert {f"callwell.cli.{name}" for name in COMMANDS}.isdisjoint(loaded)
