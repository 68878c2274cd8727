# SPDX-License-Identifier: Apache-2.0
"""The tutorial works: with its files saved and its commands typed in order, they print what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs import pages, tutorial
from tests.processes.commands import Commands
from tests.processes.type_check import mypy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[tutorial.Reader]:
    """Someone with an empty folder."""
    with Commands() as commands:
        someone = tutorial.Reader(tmp_path, commands.folder)
        yield someone
        someone.stop()


def test_the_tutorial_holds(reader: tutorial.Reader) -> None:
    """Every command prints what is shown, and the generated client passes a strict type checker."""
    differences = []
    for block in pages.blocks(tutorial.PAGE):
        if block.language == "console" and block.title == tutorial.SECOND:
            (command,) = tutorial.typed(block)
            reader.start(command.command)
        elif block.language == "console":
            for command in tutorial.typed(block):
                printed = reader.type(command.command)
                if printed != command.shown:
                    differences.append(f"{block.page.name}:{command.line}: {command.command}\n{printed}")
        elif block.title:
            reader.save(block)
    assert "\n".join(differences) == ""
    checked = ["owed.py", "many.py", "missing.py", "rotate.py"]
    ran = mypy(reader.folder, *checked)
    assert ran.returncode == 0, ran.stdout
