# SPDX-License-Identifier: Apache-2.0
"""The core cannot do I/O, because it imports nothing that can; `tests/structure` holds the arrows of all rooms."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.structure import tree

if TYPE_CHECKING:
    from pathlib import Path

ALLOWED = {
    *("__future__", "bisect", "collections.abc", "dataclasses", "email.utils", "enum", "functools", "hashlib"),
    *("hmac", "itertools", "math", "re", "typing"),
    *("msgspec", "msgspec.structs"),
}
"""msgspec is here for the records of the rules: they are defined in a tenth of the time that dataclasses take, and a
compiled description is decoded into them as they are. What a provider's profile says is a value, and the core is where
values are."""

MODULES = sorted((tree.PACKAGE / "core").glob("*.py"))


def imported(source: str) -> set[str]:
    """Every module that a source names in an import, wherever it stands."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(f"{'.' * node.level}{node.module or ''}")
    return names


def strangers(source: str) -> set[str]:
    """What a module of the core may not import."""
    ours = ("callwell.core", "callwell.errors")
    return {name for name in imported(source) if name not in ALLOWED and not name.startswith(ours)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_of_the_core_imports_only_what_is_pure(path: Path) -> None:
    """Only the core, the errors, and modules of the standard library that know neither time, chance nor the world."""
    assert strangers(path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "line", ["import time", "from random import random", "import pyreqwest", "def f():\n import os"]
)
def test_an_import_of_the_world_is_noticed(line: str) -> None:
    """A planted import is found, also inside a function."""
    assert len(strangers(line)) == 1


def test_the_core_loads_no_other_third_party_module() -> None:
    """Importing the whole core in a fresh interpreter loads the standard library, our own modules and msgspec."""
    names = [f"callwell.core.{path.stem}" for path in MODULES if path.stem != "__init__"]
    code = f"""
import importlib, json, sys
before = set(sys.modules)
for name in {names!r}:
    importlib.import_module(name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(answer.stdout)}
    assert loaded - set(sys.stdlib_module_names) <= {"callwell", "msgspec", "typing_extensions"}
    outward = {name for name in json.loads(answer.stdout) if name.startswith("callwell.")}
    assert {name.split(".")[1] for name in outward} <= {"core", "errors", "lazy_exports"}
