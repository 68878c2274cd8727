# SPDX-License-Identifier: Apache-2.0
"""One parsed Python file or notebook, with what is known about its expressions."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Place
from callwell.readiness.code.provider_calls import Calls
from callwell.readiness.code.provider_signatures import ProviderSignatures
from callwell.readiness.code.syntax import Syntax
from callwell.readiness.code.values import Values

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from callwell.readiness.code.notebooks import CodeCell

TEST_FOLDERS: Final = frozenset({"test", "tests", "testing", "e2e", "__tests__", "spec", "fixtures", "cypress"})
TEST_FILE: Final = re.compile(r"(?:test_.*|.*_tests?|conftest|tests)\.(?:py|pyw|ipynb)")
"""Folders of tests, which do not run in production."""

NO_SIGNATURES: Final = ProviderSignatures(())


class PythonModule:
    """One file of Python, or one notebook.

    Args:
        name: the file, relative to the project's root.
        tree: its syntax tree.
        cells: the cells of a notebook, each with its first line in the tree.

    Attributes:
        name: the file, relative to the project's root.
        tree: its syntax tree.
        is_test: whether it is part of the project's tests.
        signatures: what identifies the use of a provider.
        find_constant: gives the addresses that a constant of another module may be.
    """

    def __init__(self, name: str, tree: ast.Module, cells: tuple[tuple[int, CodeCell], ...] = ()) -> None:
        self.name = name
        self.tree = tree
        self.is_test = is_test(name)
        self.signatures = NO_SIGNATURES
        self.find_constant: Callable[[str], tuple[str, ...]] = lambda _: ()
        self._cells = cells

    @cached_property
    def syntax(self) -> Syntax:
        """The nodes of the tree by kind, with their parents."""
        return Syntax(self.tree)

    @cached_property
    def values(self) -> Values:
        """What its expressions may be."""
        return Values(self.syntax, self.find_constant)

    @cached_property
    def calls(self) -> Calls:
        """Its calls that reach a provider."""
        return Calls(self.syntax, self.values, self.signatures)

    def place(self, node: ast.AST) -> Place:
        """Where a node is.

        Args:
            node: a node of the tree.
        """
        line = getattr(node, "lineno", None)
        if line is None or not self._cells:
            return Place(path=self.name, line=line)
        start, cell = self._cell_of(line)
        index = line - start
        return Place(path=self.name, line=cell.lines[index] if index < len(cell.lines) else None)

    def cell(self, node: ast.AST) -> str:
        """Where a node is in a notebook, as ` in cell 3`; empty in a file."""
        line = getattr(node, "lineno", None)
        if line is None or not self._cells:
            return ""
        return f" in cell {self._cell_of(line)[1].number}"

    def _cell_of(self, line: int) -> tuple[int, CodeCell]:
        return max((item for item in self._cells if item[0] <= line), key=lambda item: item[0])


def is_test(name: str) -> bool:
    """Whether a file is part of the project's tests.

    Args:
        name: its name, relative to the project's root.
    """
    *folders, file = name.split("/")
    return not TEST_FOLDERS.isdisjoint(folders) or TEST_FILE.fullmatch(file) is not None
