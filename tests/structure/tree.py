# SPDX-License-Identifier: Apache-2.0
"""What the structure tests know of the source tree: its files, its rooms, and who imports whom."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "callwell"


class Import(NamedTuple):
    """One import: where it stands, and every name that it may mean (`from a import b` is `a` or `a.b`)."""

    where: str
    line: int
    module: str
    meanings: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.where}:{self.line} imports {self.meanings[-1]}"


def imports(source: Path) -> list[Import]:
    """All imports of the package `callwell` below the folder `source`, also those inside functions."""
    found = []
    for path in sorted((source / "callwell").rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        package = parts[:-1]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = path.relative_to(source).as_posix()
            found += [Import(where, line, module, meanings) for line, meanings in _meanings(node, package)]
    return found


def _meanings(node: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield node.lineno, (alias.name,)
        case ast.ImportFrom(module=name, names=names, level=level):
            parts = (package[: len(package) - level + 1] if level else ()) + ((name,) if name else ())
            for alias in names:
                yield node.lineno, (".".join(parts), ".".join([*parts, alias.name]))
        case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
            if node.args and isinstance(node.args[0], ast.Constant):
                yield node.lineno, (str(node.args[0].value),)


def project_files() -> list[Path]:
    """All files that are or would be checked in. Skips the test where git cannot tell."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip("not a git checkout")
    return [path for name in answer.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def python_files(*folders: str) -> list[Path]:
    """The Python files below the named folders of the project."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def is_generated(path: Path) -> bool:
    """Whether a file is written by `make generate`."""
    parts = path.relative_to(ROOT).parts
    sync = "_sync" in parts and path.name != "primitives.py"
    return sync or (path.name.endswith(("client.py", "typed.py")) and "providers" in parts)
