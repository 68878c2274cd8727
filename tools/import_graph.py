# SPDX-License-Identifier: Apache-2.0
"""Reads who imports whom in the package: for the test of the layers, and for the picture of the rooms."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from file_cache import read_files

if TYPE_CHECKING:
    from collections.abc import Iterator


SOURCE: Final = Path(__file__).resolve().parent.parent / "src"
"""The folder that holds the package."""

BY_NAME: Final = ("import_module", "__import__")
"""Functions that import a module by its name: only files that have these words are searched for calls."""

BLOCKS: Final = ("body", "orelse", "finalbody", "handlers", "cases")
"""The fields of a node in which statements are."""


class Import(NamedTuple):
    """One import.

    Attributes:
        file: the file that imports, below the source folder.
        line: where it does.
        module: the module that imports, dotted.
        meanings: every module that the import may mean, dotted: `from a import b` is `a` or `a.b`.
    """

    file: str
    line: int
    module: str
    meanings: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.meanings[-1]}"


@functools.cache
def read_own_imports() -> list[Import]:
    """All imports of this project."""
    read = read_files(_read_lines, _files(SOURCE))
    return [
        Import(name.removeprefix("src/"), line, _module(name.removeprefix("src/")), tuple(meanings))
        for name, found in read.items()
        for line, meanings in found
    ]


def read_imports(source: Path) -> list[Import]:
    """All imports of the package `callwell`, those inside functions and for type checkers included.

    Args:
        source: the folder that holds the package.
    """
    return [
        Import(file, line, _module(file), meanings)
        for path in _files(source)
        for file in [path.relative_to(source).as_posix()]
        for line, meanings in _read_lines(f"src/{file}", path.read_text(encoding="utf-8"))
    ]


def _files(source: Path) -> list[Path]:
    return sorted((source / "callwell").rglob("*.py"))


def _module(file: str) -> str:
    """The dotted name of a file below the source folder."""
    return file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def _read_lines(name: str, text: str) -> list[tuple[int, tuple[str, ...]]]:
    """The line and the possible meanings of each import in a file."""
    tree = ast.parse(text)
    nodes = ast.walk(tree) if any(word in text for word in BY_NAME) else _import_statements(tree)
    package = tuple(name.split("/")[1:-1])
    return [found for node in nodes for found in _meanings(node, package)]


def _import_statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """The import statements, however deep. Nine of ten nodes are expressions, which are skipped."""
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        for name in BLOCKS:
            for inner in getattr(node, name, ()):
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    yield inner
                else:
                    waiting.append(inner)


def _meanings(node: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The line and the possible meanings of each import that a node is."""
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield node.lineno, (alias.name,)
        case ast.ImportFrom(module=name, names=names, level=level):
            parts = package[: len(package) - level + 1] if level else ()
            if name:
                parts = (*parts, name)
            for alias in names:
                yield node.lineno, (".".join(parts), ".".join([*parts, alias.name]))
        case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
            if node.args and isinstance(node.args[0], ast.Constant):
                yield node.lineno, (str(node.args[0].value),)
