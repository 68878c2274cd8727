# SPDX-License-Identifier: Apache-2.0
"""The root of the package is the API: its names are listed here, and importing it costs little."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

from tests.structure import tree

PUBLIC: list[str] = []
"""What `from callwell import …` offers, sorted. A change here is a change of the API: say so in changelog.d."""

HEAVY = {"typer", "rich", "starlette", "uvicorn", "av", "pyreqwest", "pydantic", "keyring"}


@pytest.fixture(autouse=True)
def _has_a_root() -> None:
    root = tree.PACKAGE / "__init__.py"
    if not root.is_file() or "__all__" not in root.read_text(encoding="utf-8"):
        pytest.skip("src/callwell/__init__.py has no __all__ yet")


def test_the_public_names_are_these() -> None:
    """`callwell.__all__` is the list kept here."""
    assert sorted(importlib.import_module("callwell").__all__) == PUBLIC


def test_every_public_name_is_there() -> None:
    """Each name of `__all__` can be had, also those that are loaded on first use, and `dir` shows it."""
    callwell = importlib.import_module("callwell")
    assert [name for name in callwell.__all__ if getattr(callwell, name, None) is None] == []
    assert set(callwell.__all__) <= set(dir(callwell))


def test_importing_is_cheap() -> None:
    """`import callwell` loads neither the command line nor the emulator nor the transport."""
    code = "import callwell, json, sys; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(json.loads(answer.stdout)) == set()
