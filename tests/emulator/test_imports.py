# SPDX-License-Identifier: Apache-2.0
"""Client and emulator share no code, so that they cannot share a mistake."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import callwell.emulator.server

ROOM = Path(callwell.emulator.server.__file__).parent
ALLOWED = ("callwell.clock", "callwell.emulator")


@cache
def imported(path: Path) -> set[str]:
    """Every module of ours that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "callwell"}


def test_only_the_clock_is_shared() -> None:
    """Nothing of Callwell but the clock and the emulator itself."""
    for path in ROOM.rglob("*.py"):
        others = {name for name in imported(path) if not name.startswith(ALLOWED)}
        assert others == set(), path


def test_providers_stay_in_their_folders() -> None:
    """What all providers share imports none of them."""
    folders = tuple(f"callwell.emulator.{path.parent.name}" for path in ROOM.glob("*/__init__.py"))
    assert folders
    for path in ROOM.glob("*.py"):
        assert not any(name.startswith(folders) for name in imported(path)), path


def test_providers_do_not_know_each_other() -> None:
    """A provider imports no other."""
    for path in ROOM.glob("*/*.py"):
        own = f"callwell.emulator.{path.parent.name}"
        others = {f"callwell.emulator.{other.parent.name}" for other in ROOM.glob("*/__init__.py")} - {own}
        assert not any(name.startswith(tuple(others)) for name in imported(path)), path
