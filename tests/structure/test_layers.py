# SPDX-License-Identifier: Apache-2.0
"""The arrows between the rooms of the house point inwards, and the core can do no I/O."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

import pytest

from tests.structure import tree

if TYPE_CHECKING:
    from pathlib import Path

BASE = {"errors", "clock", "extras", "folders", "forks", "lazy_exports", "opaque", "version", "core"}
INWARD = BASE | {"description", "providers", "transport", "keys", "state", "observe", "media"}

ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "clock": {"errors"},
    "folders": {"errors"},
    "extras": set(),
    "forks": set(),
    "lazy_exports": set(),
    "opaque": set(),
    "version": set(),
    "core": {"errors"},
    "description": BASE,
    "codegen": BASE | {"description", "providers"},
    "providers": BASE | {"description", "client"},
    "transport": BASE,
    "keys": BASE,
    "state": BASE,
    "observe": BASE,
    "media": BASE | {"providers"},
    "client": INWARD,
    "batch": INWARD | {"client"},
    "export": INWARD | {"client"},
    "assess": INWARD | {"client", "export"},
    "demo": INWARD | {"assess", "batch", "client", "export", "emulator"},
    "emulator": {"clock", "errors", "description.model"},
    "webhooks": {"errors", "clock", "core", "description", "providers", "keys"},
    "readiness": INWARD | {"client", "emulator", ""},
    "testing": {"errors", "clock", "core", "transport", "state", "emulator"},
    "cli": INWARD | {"assess", "batch", "client", "codegen", "demo", "export", "emulator", "readiness", "testing", ""},
    "__main__": {"cli"},
    "": INWARD | {"client", "webhooks"},
}
"""Room → what it may import besides itself: rooms, or single modules of one. "" is `callwell` itself."""

PURE = {
    *("__future__", "abc", "bisect", "collections", "dataclasses", "email.utils", "enum", "functools", "hashlib"),
    *("hmac", "itertools", "math", "re", "types", "typing"),
}
"""What the core may import of the standard library: nothing that knows the time, rolls dice or does I/O."""

THIRD_PARTY: dict[str, set[str]] = {
    "av": {"demo", "emulator", "media"},
    "cryptography": {"keys"},
    "httptools": {"emulator"},
    "matplotlib": {"assess", "cli"},
    "opentelemetry": {"observe"},
    "prometheus_client": {"observe"},
    "numpy": {"media"},
    "pyarrow": {"assess"},
    "soxr": {"media"},
    "msgspec": ARROWS.keys() - {"core", "errors", "clock"},
    "pyreqwest": {"transport"},
    "rich": {"cli"},
    "starlette": {"emulator"},
    "typer": {"cli"},
    "uvicorn": {"emulator"},
    "uvloop": {"cli", "client", "emulator"},
}
"""Third-party package → the rooms that may import it."""

IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "compile", "breakpoint"}


def room_of(module: str) -> str:
    """The room of a module: the first name below `callwell`."""
    return module.partition(".")[2].partition(".")[0]


def complaint(found: tree.Import) -> str | None:
    """What is wrong with an import, if anything."""
    room = room_of(found.module)
    if room not in ARROWS:
        return f"{found.where}: the room {room} is not in ARROWS"
    top = found.meanings[0].partition(".")[0]
    if top == "callwell":
        right = any(_is_inward(room, meaning) for meaning in found.meanings)
    elif top in sys.stdlib_module_names:
        right = room != "core" or any(_is_pure(meaning) for meaning in found.meanings)
    else:
        right = room in THIRD_PARTY.get(top, ())
    return None if right else str(found)


def _is_inward(room: str, module: str) -> bool:
    """Whether a room may import one of our modules. A name in `callwell` itself is no room, but is asked as one."""
    below = module.partition(".")[2]
    target = room_of(module) if room_of(module) in ARROWS else ""
    if target == room:
        return True
    return target in ARROWS[room] or any(f"{below}.".startswith(f"{one}.") for one in ARROWS[room] if "." in one)


def _is_pure(module: str) -> bool:
    return any(f"{module}.".startswith(f"{one}.") for one in PURE)


def complaints(source: Path) -> list[str]:
    """All that is wrong with the imports below a source folder."""
    return [text for found in tree.imports(source) if (text := complaint(found))]


def impurities(source: Path) -> list[str]:
    """Where the core below a source folder awaits or calls what does I/O."""
    found = []
    for path in sorted((source / "callwell" / "core").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                    found.append(f"{path.name}:{node.lineno} is async")
                case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                    found.append(f"{path.name}:{node.lineno} calls {name}")
    return found


def test_arrows_point_inwards() -> None:
    """Every import goes to a room that the table allows, every third-party package stays in its room."""
    assert complaints(tree.SOURCE) == []


def test_core_is_pure() -> None:
    """The core neither awaits nor calls anything that does I/O."""
    assert impurities(tree.SOURCE) == []


def test_the_table_points_inwards() -> None:
    """No two rooms import each other, but for a provider's data and the client made from it."""
    pairs = {
        (room, other.partition(".")[0])
        for room, others in ARROWS.items()
        for other in others
        if room in ARROWS.get(other, set())
    }
    assert pairs == {("providers", "client"), ("client", "providers")}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/x.py", "import time"),
        ("core/x.py", "from email import message"),
        ("core/x.py", "import msgspec"),
        ("core/x.py", "from callwell.clock import Clock"),
        ("core/x.py", "from ..client import Client"),
        ("core/x.py", "from callwell import client"),
        ("core/deep/x.py", "from ...state import memory"),
        ("core/x.py", "def f():\n    from callwell import Client"),
        ("core/x.py", "if TYPE_CHECKING:\n    import callwell.transport.base"),
        ("core/x.py", "import_module('callwell.transport')"),
        ("errors.py", "import callwell.core.types"),
        ("state/x.py", "from callwell.client import Client"),
        ("client/_async/x.py", "import pyreqwest"),
        ("client/x.py", "from callwell.cli import main"),
        ("emulator/x.py", "from callwell.core import types"),
        ("emulator/x.py", "from callwell.description import profile"),
        ("emulator/x.py", "import callwell.description.modelling"),
        ("export/x.py", "import callwell"),
        ("cli/x.py", "import requests"),
        ("attic/x.py", "import os"),
        ("__init__.py", "from callwell.emulator import main"),
    ],
)
def test_the_table_has_teeth(tmp_path: Path, path: str, text: str) -> None:
    """An import that goes the wrong way is found, however it is written."""
    plant(tmp_path, path, text)
    assert len(complaints(tmp_path)) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/x.py", "from email.utils import parsedate_to_datetime"),
        ("core/x.py", "from email import utils"),
        ("core/x.py", "from collections.abc import Mapping"),
        ("core/x.py", "from . import types\nfrom .types import Request"),
        ("client/_sync/x.py", "from ...state import memory"),
        ("emulator/x.py", "from callwell.description import model"),
        ("emulator/x.py", "from callwell.description.model import Operation"),
        ("providers/some/client.py", "from callwell.client import Client"),
        ("cli/x.py", "from callwell import Client, emulator"),
    ],
)
def test_the_table_lets_pass(tmp_path: Path, path: str, text: str) -> None:
    """An import that goes the right way is let pass."""
    plant(tmp_path, path, text)
    assert complaints(tmp_path) == []


@pytest.mark.parametrize("text", ["async def f(): ...", "open('x')"])
def test_purity_has_teeth(tmp_path: Path, text: str) -> None:
    """A planted wait or read in the core is found."""
    plant(tmp_path, "core/x.py", text)
    assert len(impurities(tmp_path)) == 1


def plant(source: Path, path: str, text: str) -> None:
    """Write one module into an otherwise empty source folder."""
    file = source / "callwell" / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
