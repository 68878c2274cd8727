# SPDX-License-Identifier: Apache-2.0
"""A shell that asks gets what could stand at the cursor, quickly, and never a complaint."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from callwell import providers
from callwell.cli.commands import COMMANDS
from callwell.cli.completion import candidates, split
from callwell.cli.shells import SCRIPTS
from tests.cli.emulated import PROVIDER
from tests.patience import PATIENCE_S
from tests.processes import program

SHELLS = ("bash", "zsh", "fish")
LIST = f"callwell list {PROVIDER} recordings.list"


def run(*command: str, folder: Path | None = None, **variables: str) -> str:
    """What a process that ends well prints, without a word on standard error."""
    done = subprocess.run(
        command,
        env={**os.environ, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def callwell(*arguments: str, folder: Path | None = None, **variables: str) -> str:
    """The same of our command."""
    command = ["-m", "callwell", *arguments]
    done = program.run(command, folder=folder, variables={**os.environ, **variables}, timeout=PATIENCE_S)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def asked(line: str, shell: str = "fish", folder: Path | None = None) -> list[str]:
    """The words that a shell gets for a line."""
    shown = callwell(folder=folder, _CALLWELL_COMPLETE=shell, _CALLWELL_LINE=line)
    return [item.partition("\t")[0] for item in shown.splitlines()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("callwell ", list(COMMANDS)),
        ("callwell ex", ["export"]),
        ("callwell --show-completion z", ["zsh"]),
        ("callwell keys wh", ["where"]),
        ("callwell call ", list(providers.names())),
        (f"callwell call {PROVIDER} recordings.vi", ["recordings.video"]),
        (f"callwell list {PROVIDER} me", ["members.list"]),
        (f"{LIST} sort_", ["sort_by=", "sort_direction="]),
        (f"{LIST} sort_by=x sort_", ["sort_direction="]),
        (f"{LIST} project_id=x project", ["project_id="]),
        (f"{LIST} --environment ", list(providers.load(PROVIDER).profile.environments)),
        (f"{LIST} --form", ["--format"]),
        (f"{LIST} --limit 3 --lim", []),
        (f"{LIST} --format c", ["csv"]),
        (
            f"callwell keys where {PROVIDER} --key ",
            ["aws-secret:", "command:", "dir:", "env:", "file:", "keyring:", "vault:"],
        ),
        ("callwell emulate --rate-headers d", ["delta", "draft"]),
        ("callwell emulate --set links", ["links_limit="]),
        ("callwell nonsense ", []),
        ("callwell call nonsense ", []),
        (f"callwell call {PROVIDER} nonsense ", []),
        (f"callwell export {PROVIDER} --to ", []),
    ],
)
def test_what_is_offered(line: str, expected: list[str]) -> None:
    """Commands, providers, operations, parameters, environments and choices are offered, and only what fits."""
    words, last = split(line)
    assert [found.word for found in candidates(words[1:], last)] == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_the_same_words(shell: str) -> None:
    """A process that is asked as a shell asks prints one candidate a line."""
    assert asked("callwell ", shell) == list(COMMANDS)
    assert asked(f"callwell list {PROVIDER} me", shell) == ["members.list"]
    assert asked(f"{LIST} sort_", shell) == ["sort_by=", "sort_direction="]
    assert asked("callwell nonsense ", shell) == []


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        (f"{LIST} sort_direction=", ["sort_direction=asc", "sort_direction=desc"]),
        (f"{LIST} --format=c", ["--format=csv"]),
        (f"callwell keys where {PROVIDER} --key f", ["file:"]),
    ],
)
def test_bash_completes_behind_the_sign(line: str, whole: list[str]) -> None:
    """Bash takes what comes before = and : for words of their own, so that it gets the rest alone."""
    assert asked(line) == whole
    begun = line.rpartition(" ")[2].rpartition("=")
    assert asked(line, "bash") == [word.removeprefix(f"{begun[0]}{begun[1]}") for word in whole]


def test_words_have_help() -> None:
    """Shells that can show it get a few words about each candidate."""
    shown = callwell(_CALLWELL_COMPLETE="zsh", _CALLWELL_LINE="callwell li")
    assert shown == f"list\t{COMMANDS['list']}\n"


def test_the_first_word_loads_no_command() -> None:
    """Completing a command's name loads none; completing its arguments loads that one, and no server."""
    code = "import json, sys; from callwell.cli.main import main; main(); print(json.dumps(sorted(sys.modules)))"

    def loaded(line: str) -> set[str]:
        shown = run(sys.executable, "-c", code, _CALLWELL_COMPLETE="zsh", _CALLWELL_LINE=line)
        return set(json.loads(shown.splitlines()[-1]))

    commands = {f"callwell.cli.{name}" for name in COMMANDS}
    assert commands.isdisjoint(loaded("callwell c"))
    second = loaded(f"{LIST} sort")
    assert commands & second == {"callwell.cli.list"}
    assert {"rich", "uvicorn", "starlette"}.isdisjoint(second)


def test_a_broken_file_disturbs_nobody(tmp_path: Path) -> None:
    """Where callwell.toml is wrong, nothing is offered and nothing is said; a described provider is offered by name."""
    file = tmp_path / "callwell.toml"
    file.write_text("[notes]\nfolder = 'here'")
    assert asked("callwell call no", folder=tmp_path) == ["notes"]
    assert asked("callwell call notes ", folder=tmp_path) == []
    file.write_text("nonsense = 1")
    assert asked("callwell call ", folder=tmp_path) == []


@pytest.mark.parametrize(
    ("line", "words", "last"),
    [
        ("callwell ", ["callwell"], ""),
        ("callwell ca", ["callwell"], "ca"),
        ("callwell call 'a b' c\\ d e", ["callwell", "call", "a b", "c d"], "e"),
        ("callwell 'a b", ["callwell"], "a b"),
        ('callwell "a', ["callwell"], "a"),
        ("callwell a\\", ["callwell"], "a"),
        ("", [], ""),
    ],
)
def test_split(line: str, words: list[str], last: str) -> None:
    """A line is split as a shell would, with an open quote as well."""
    found = split(line)
    assert (found[0], found[1].rstrip(".")) == (words, last)


@pytest.mark.parametrize("shell", SHELLS)
def test_installing_twice_is_as_once(tmp_path: Path, shell: str) -> None:
    """The script is put where the shell reads it; what was in the shell's own file stays, and a line comes once."""
    home: dict[str, Any] = {"HOME": str(tmp_path), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", "ZDOTDIR": ""}
    begins = tmp_path / f".{shell}rc"
    begins.write_text("echo mine")
    for _ in range(2):
        shown = callwell("--install-completion", shell, **home)
    written = Path(shown.splitlines()[0].removeprefix("wrote "))
    assert written.read_text() == callwell("--show-completion", shell) == SCRIPTS[shell]  # type: ignore[index]
    line = "" if shell == "fish" else f"\nsource '{written}'\n"
    assert begins.read_text() == f"echo mine{line}"


@pytest.mark.parametrize(
    ("shell", "script"),
    [
        (
            "bash",
            '. "$1"; COMP_LINE="callwell call u" COMP_POINT=15; _callwell_completion callwell; echo "${COMPREPLY[*]}"',
        ),
        ("fish", 'source $argv[1]; complete --do-complete "callwell call u"'),
        ("zsh", 'compdef() { echo "$2"; }; source "$1"'),
    ],
)
def test_the_shells_understand_their_scripts(tmp_path: Path, shell: str, script: str) -> None:
    """Bash and fish complete with their scripts, zsh takes its own; where a shell is not there, it is left out."""
    there = shutil.which(shell)
    if there is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "script"
    file.write_text(SCRIPTS[shell])  # type: ignore[index]
    begin = {"bash": ("--norc", "-c", script, "x"), "zsh": ("-f", "-c", script, "x"), "fish": ("-N", "-c", script)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shown = run(there, *begin[shell], str(file), PATH=path, HOME=str(tmp_path))
    assert shown.strip() == ("callwell" if shell == "zsh" else PROVIDER)
