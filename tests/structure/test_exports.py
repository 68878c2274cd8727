# SPDX-License-Identifier: Apache-2.0
"""The root of the package is the API: its names are listed here, and importing it costs little."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

PUBLIC = [
    "Answer",
    "ApiError",
    "Asset",
    "AssetUnavailable",
    "AsyncAsset",
    "AsyncClient",
    "AsyncPager",
    "CallOptions",
    "CallwellError",
    "Client",
    "ClientOptions",
    "End",
    "Entry",
    "Gone",
    "Key",
    "KeyProblem",
    "Missing",
    "NOT_GIVEN",
    "NameTaken",
    "NoAnswer",
    "NotFound",
    "OutcomeUnknown",
    "Pager",
    "RateLimited",
    "Verdict",
    "WouldExceedDeadline",
    "errors",
    "outer_retries",
]
"""What `from callwell import …` offers, sorted. A change here is a change of the API: say so in changelog.d."""

HEAVY = {"typer", "rich", "starlette", "uvicorn", "av", "pyreqwest", "pydantic", "keyring", "numpy", "soxr"}


def test_the_public_names_are_these() -> None:
    """`callwell.__all__` is the list kept here."""
    assert sorted(importlib.import_module("callwell").__all__) == PUBLIC


def test_every_public_name_is_there() -> None:
    """Each name of `__all__` is an attribute, even if loaded on first use, and `dir` shows it."""
    callwell = importlib.import_module("callwell")
    assert [name for name in callwell.__all__ if getattr(callwell, name, None) is None] == []
    assert set(callwell.__all__) <= set(dir(callwell))


TYPED = {"Client": "callwell.providers.typed", "AsyncClient": "callwell.providers.typed"}
"""For type checkers a client of a bundled provider has that provider's operations; programs get them by `__new__`."""


@pytest.mark.parametrize("package", ["callwell", "callwell.client"])
def test_type_checkers_see_the_same_names(package: str) -> None:
    """The imports for type checkers and the table for programs have the same names, from the same modules."""
    module = importlib.import_module(package)
    homes = {name: home for home, names in vars(module)["_MODULES"].items() for name in names}
    if package == "callwell":
        homes |= TYPED
    assert homes == _imports_for_checkers(package, Path(str(module.__file__)))


def _imports_for_checkers(package: str, file: Path) -> dict[str, str]:
    """Name → module, as imported in a file for type checkers; each `as` its own name, which re-exports it."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imported: dict[str, str] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name
            home = str(node.module)
            imported[alias.name] = f"{home}.{alias.name}" if home == package else home
    return imported


def test_importing_is_cheap() -> None:
    """`import callwell` loads neither the command line nor the emulator nor the transport."""
    code = "import callwell, json, sys; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(json.loads(answer.stdout)) == set()


def test_a_providers_client_is_a_client() -> None:
    """What a type checker knows about the public classes holds at run time, wherever they are imported from."""
    callwell = importlib.import_module("callwell")
    typed = importlib.import_module("callwell.providers.typed")
    for public in (callwell.Client, typed.Client, typed.DynamicClient):
        with public("userplane", key=callwell.Key("uspl_" + "a" * 40)) as result:
            assert type(result).__name__ == "Userplane"
            assert isinstance(result, public)
            assert result.provider.name == "userplane"
    assert issubclass(typed.AsyncDynamicClient, callwell.AsyncClient)
