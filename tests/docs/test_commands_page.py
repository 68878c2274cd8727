# SPDX-License-Identifier: Apache-2.0
"""The page about commands is the help of the commands, however wide the terminal is."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import commands
import generate
from callwell.cli.commands import COMMANDS, load
from tests.docs import pages

if TYPE_CHECKING:
    from pathlib import Path

PAGE = pages.ROOT / commands.PAGE


def test_the_page_is_fresh() -> None:
    """What is checked in is what would be written now; else run `make generate`."""
    assert pages.read(PAGE) == commands.page()
    assert generate.document_differences() == []


def test_a_stale_page_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that was edited, or is missing, is reported by the check that `make check` runs; so is the picture."""
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    assert generate.document_differences() == [
        "docs/commands.md: differs from the code; run `make generate`",
        "docs/rooms.svg: differs from the code; run `make generate`",
    ]
    (tmp_path / "docs").mkdir()
    (tmp_path / commands.PAGE).write_text(commands.page() + "x")
    assert len(generate.document_differences()) == 2
    (tmp_path / commands.PAGE).write_text(commands.page())
    assert len(generate.document_differences()) == 1


def test_no_terminal_changes_the_page() -> None:
    """Neither the width nor the colours of a terminal are in the page."""
    code = "import commands, sys; sys.stdout.write(commands.page())"
    variables = {"COLUMNS": "40", "FORCE_COLOR": "1", "TERM": "xterm-256color", "PYTHONPATH": str(pages.ROOT / "tools")}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    assert done.stdout == pages.read(PAGE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_on_the_page(name: str) -> None:
    """Every command has a section with every option that it takes."""
    command = load(name)
    for path, one in {
        name: command,
        **{f"{name} {key}": made for key, made in getattr(command, "commands", {}).items()},
    }.items():
        section = pages.read(PAGE).partition(f"## callwell {path}\n")[2].partition("\n## ")[0]
        options = {option for parameter in one.params for option in parameter.opts if option.startswith("--")}
        assert [option for option in options if option not in section] == []
        assert section
