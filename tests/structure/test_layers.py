# SPDX-License-Identifier: Apache-2.0
"""Imports between rooms point inwards, and the core does no I/O."""

from __future__ import annotations

import ast
import sys
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

import pytest

from import_graph import Import, read_imports, read_own_imports
from tests.structure import tree

if TYPE_CHECKING:
    from pathlib import Path

BASE = {
    "errors",
    "clock",
    "extras",
    "folders",
    "staged_files",
    "temporary_names",
    "forks",
    "lazy_exports",
    "opaque",
    "version",
    "core",
}
INWARD = BASE | {"description", "description.intake", "transport", "keys", "state", "observe", "media"}
BULK = {"export", "assess", "batch"}

ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "clock": {"errors"},
    "temporary_names": set(),
    "folders": {"errors", "temporary_names"},
    "staged_files": {"errors", "folders", "temporary_names"},
    "extras": set(),
    "forks": set(),
    "lazy_exports": set(),
    "opaque": set(),
    "version": set(),
    "core": {"errors"},
    "description": BASE,
    "description.infer": BASE | {"description"},
    "description.intake": BASE | {"description", "description.infer"},
    "codegen": BASE | {"description", "description.intake"},
    "transport": BASE,
    "keys": BASE,
    "state": BASE,
    "observe": BASE,
    "media": BASE | {"description"},
    "client": INWARD | {"client.quota.leases"},
    "client.quota.leases": BASE | {"state", "observe", "client.concurrency"},
    "providers": BASE | {"description", "client"},
    "webhooks": {"errors", "clock", "core", "description", "keys"},
    "batch": INWARD | {"client"},
    "export": INWARD | {"client"},
    "assess": INWARD | {"client", "export"},
    "jobs": INWARD | {"client"} | BULK,
    "adapters": INWARD | {"client"},
    "gateway": INWARD | {"client"},
    "emulator": {"clock", "errors", "description.model"},
    "testing": {"errors", "clock", "core", "keys", "transport", "state", "emulator"},
    "demo": INWARD | {"client", "emulator"} | BULK,
    "readiness": INWARD | {"client", "emulator", "description.infer", ""},
    "": INWARD | {"client", "providers", "webhooks"},
    "cli": INWARD
    | BULK
    | {"client", "codegen", "demo", "emulator", "gateway", "jobs", "providers", "readiness", "testing", "webhooks", ""}
    | {"description.infer"},
    "__main__": {"cli"},
}
"""Room → what it may import besides itself: rooms, or single modules of one. "" is `callwell` itself.

A room inside a room has a row of its own (`description.infer`), and only the rooms in its row may import it.
Rows of rooms that are not built yet are here already, so that whoever builds one finds its arrows decided: jobs,
adapters and gateway.
"""

PLANNED = {"jobs", "adapters", "gateway"}
"""Rooms of the table that need not exist yet."""

PURE = {
    *("__future__", "abc", "bisect", "collections", "dataclasses", "email.utils", "enum", "functools", "hashlib"),
    *("hmac", "itertools", "math", "re", "types", "typing"),
}
"""What the core may import of the standard library: nothing that knows the time, rolls dice or does I/O."""

THIRD_PARTY: dict[str, set[str]] = {
    "ahocorasick_rs": {"readiness"},
    "av": {"demo", "emulator", "media"},
    "boto3": {"keys"},
    "botocore": {"keys"},
    "cryptography": {"keys"},
    "httptools": {"emulator"},
    "hvac": {"keys"},
    "keyring": {"keys"},
    "kingfisher": {"readiness"},
    "markdown_it": {"description"},
    "matplotlib": {"assess", "cli"},
    "opentelemetry": {"observe"},
    "prometheus_client": {"observe"},
    "numpy": {"media"},
    "pyarrow": {"assess"},
    "soxr": {"media"},
    "psycopg": {"state"},
    "msgspec": ARROWS.keys() - {"errors", "clock"},  # in the core for its records, which are values without I/O
    "pyreqwest": {"transport"},
    "rich": {"cli"},
    "starlette": {"emulator", "gateway"},
    "typer": {"cli"},
    "uvicorn": {"emulator", "gateway"},
    "uvloop": {"cli", "client", "emulator", "gateway"},
    "yaml": {"description", "readiness"},
}
"""Third-party package → the rooms that may import it."""

IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "compile", "breakpoint"}


def room_of(module: str) -> str:
    """The room of a module: the innermost one of the table, else the first name below `callwell`.

    The generated twins below `client/_sync` are in the rooms of their sources.
    """
    names = [name for name in module.split(".")[1:] if name != "_sync"]
    for length in range(len(names), 0, -1):
        if ".".join(names[:length]) in ARROWS:
            return ".".join(names[:length])
    return names[0] if names else ""


OUTSIDE_CIRCLES = ("providers.", "emulator.userplane.", "client._sync.")
"""Modules that may import each other: each provider's generated client and its typed sides, the emulated Userplane,
where OPTIONS answers from the list of routes, and the generated twins, which have checked sources."""


def complaint(found: Import) -> str | None:
    """What is wrong with an import, if anything."""
    room = room_of(found.module)
    if room not in ARROWS:
        return f"{found.file}: the room {room} is not in ARROWS"
    top = found.meanings[0].partition(".")[0]
    if top == "callwell":
        right = any(_is_inward(room, meaning) for meaning in found.meanings)
    elif top in sys.stdlib_module_names:
        right = room != "core" or any(_is_pure(meaning) for meaning in found.meanings)
    else:
        right = room.partition(".")[0] in THIRD_PARTY.get(top, ())
    return None if right else str(found)


def _is_inward(room: str, module: str) -> bool:
    """Whether a room may import one of our modules. A name in `callwell` itself is no room, but is asked as one."""
    target = room_of(module) if room_of(module) in ARROWS else ""
    if target == room or target in ARROWS[room]:
        return True
    path = module.replace("._sync", "").partition(".")[2]
    return any(f"{path}.".startswith(f"{item}.") for item in ARROWS[room] - ARROWS.keys())


def _is_pure(module: str) -> bool:
    return any(f"{module}.".startswith(f"{item}.") for item in PURE)


def complaints(imports: list[Import]) -> list[str]:
    """All that is wrong with some imports."""
    return [text for found in imports if (text := complaint(found))]


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
    assert complaints(read_own_imports()) == []


def test_core_is_pure() -> None:
    """The core neither awaits nor calls anything that does I/O."""
    assert impurities(tree.SOURCE) == []


def test_the_table_has_no_circle() -> None:
    """The rooms can be put in an order in which each one imports only rooms before it."""
    graph = {room: {room_of(f"callwell.{other}" if other else "callwell") for other in ARROWS[room]} for room in ARROWS}
    graph["client.quota.leases"] -= {"client"}  # it may use one module of the room around it: client.concurrency
    assert list(TopologicalSorter(graph).static_order())[-1] == "__main__"


def test_every_room_has_a_row() -> None:
    """Each row is a room that exists or is planned, and every room has a row."""
    built = {path.stem for path in tree.PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    planned = {name for name in ARROWS if name and not _is_built(name)}
    assert planned <= PLANNED
    assert {name for name in built - {"__init__"} if name not in ARROWS} == set()


def _is_built(name: str) -> bool:
    path = tree.PACKAGE.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def circles(imports: list[Import]) -> set[frozenset[str]]:
    """Modules that import each other, in a circle of any length; imports for type checkers count."""
    modules = {item.module for item in imports}
    imported: dict[str, set[str]] = {module: set() for module in modules}
    for item in imports:
        target = next((meaning for meaning in reversed(item.meanings) if meaning in modules), None)
        if target is not None and target != item.module:
            imported[item.module].add(target)
    reachable = {module: _reachable(imported, module) for module in modules}
    together = {
        frozenset(other for other in reachable[module] if module in reachable[other])
        for module in modules
        if module in reachable[module]
    }
    return {frozenset(name.removeprefix("callwell.") for name in circle) for circle in together}


def _reachable(imported: dict[str, set[str]], module: str) -> set[str]:
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        for other in imported[waiting.pop()] - seen:
            seen.add(other)
            waiting.append(other)
    return seen


def test_no_circles() -> None:
    """No module imports one that imports it, directly or through others."""
    found = {circle for circle in circles(read_own_imports()) if not any(map(_is_outside, circle))}
    assert found == set()


def _is_outside(module: str) -> bool:
    return module.startswith(OUTSIDE_CIRCLES)


def test_circles_are_found(tmp_path: Path) -> None:
    """Two modules that import each other for type checkers only are a circle, and so are three."""
    plant(tmp_path, "core/a.py", "from callwell.core import b")
    (tmp_path / "callwell/core/b.py").write_text("if TYPE_CHECKING:\n    from callwell.core.a import A")
    assert circles(read_imports(tmp_path)) == {frozenset({"core.a", "core.b"})}
    (tmp_path / "callwell/core/b.py").write_text("import callwell.core.c")
    (tmp_path / "callwell/core/c.py").write_text("def f():\n    from callwell.core.a import A")
    assert circles(read_imports(tmp_path)) == {frozenset({"core.a", "core.b", "core.c"})}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/x.py", "import time"),
        ("core/x.py", "from email import message"),
        ("core/x.py", "import pyreqwest"),
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
        ("client/x.py", "from callwell.providers import load"),
        ("media/x.py", "from callwell import providers"),
        ("description/x.py", "from callwell.description.intake import read"),
        ("description/intake/x.py", "from callwell.client import Client"),
        ("client/quota/leases.py", "from callwell.client.quota import account"),
        ("client/_sync/quota/leases.py", "from callwell.client._sync.quota import account"),
        ("export/x.py", "from callwell.client.quota.leases import Lease"),
        ("client/x.py", "from callwell.jobs import run"),
        ("gateway/x.py", "from callwell.jobs import run"),
    ],
)
def test_the_table_has_teeth(tmp_path: Path, path: str, text: str) -> None:
    """An import that goes the wrong way is found, however it is written."""
    plant(tmp_path, path, text)
    assert len(complaints(read_imports(tmp_path))) == 1


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
        ("cli/x.py", "from callwell import gateway"),
        ("client/quota/leases.py", "from callwell.client.concurrency.primitives import lock"),
        ("client/_sync/quota/leases.py", "from callwell.client._sync.concurrency.primitives import lock"),
        ("client/quota/account.py", "from callwell.client.quota.leases import Lease"),
        ("description/intake/x.py", "from callwell.description.infer import infer"),
        ("readiness/x.py", "from callwell import Client"),
    ],
)
def test_the_table_lets_pass(tmp_path: Path, path: str, text: str) -> None:
    """An import that goes the right way is allowed."""
    plant(tmp_path, path, text)
    assert complaints(read_imports(tmp_path)) == []


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
