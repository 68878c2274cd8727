# SPDX-License-Identifier: Apache-2.0
"""Indexes the nodes of a syntax tree by kind, with their parents, in one pass without recursion."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Scope: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.Module

SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.Module)
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)

NodeT = TypeVar("NodeT", bound=ast.AST)


class Syntax:
    """The nodes of a tree.

    Args:
        tree: the tree.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self._parents: dict[ast.AST, ast.AST] = {}
        self._scopes: dict[ast.AST, Scope] = {tree: tree}
        self._by_kind: dict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        waiting: list[ast.AST] = [tree]
        while waiting:
            node = waiting.pop()
            scope = node if isinstance(node, SCOPES) else self._scopes[node]
            for name in type(node)._fields:
                value = getattr(node, name, None)
                for child in value if type(value) is list else (value,):
                    if isinstance(child, ast.AST) and not isinstance(child, ast.expr_context):
                        self._parents[child] = node
                        self._scopes[child] = scope
                        self._by_kind[type(child)].append(child)
                        waiting.append(child)

    def all(self, kind: type[NodeT]) -> list[NodeT]:
        """All nodes of a kind, in source order.

        Args:
            kind: a concrete class of nodes.
        """
        return cast("list[NodeT]", sorted(self._by_kind[kind], key=_position))

    def functions(self) -> list[Function]:
        """All functions and methods, in source order."""
        return sorted([*self.all(ast.FunctionDef), *self.all(ast.AsyncFunctionDef)], key=_position)

    def imports(self) -> list[ast.Import | ast.ImportFrom]:
        """All imports, in source order."""
        return sorted([*self.all(ast.Import), *self.all(ast.ImportFrom)], key=_position)

    def assignments(self) -> Iterator[tuple[ast.expr, ast.expr]]:
        """All targets of assignments, each with its value."""
        for node in self.all(ast.Assign):
            yield from ((target, node.value) for target in node.targets)
        for annotated in self.all(ast.AnnAssign):
            if annotated.value is not None:
                yield annotated.target, annotated.value

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The parent of a node; None for the root."""
        return self._parents.get(node)

    def parents(self, node: ast.AST) -> Iterator[ast.AST]:
        """The ancestors of a node, the innermost first."""
        found = self._parents.get(node)
        while found is not None:
            yield found
            found = self._parents.get(found)

    def scope(self, node: ast.AST) -> Scope:
        """The innermost function, class or module around a node."""
        return self._scopes[node]

    def function(self, node: ast.AST) -> Function | None:
        """The innermost function around a node."""
        scope = self._scopes[node]
        while not isinstance(scope, FUNCTIONS):
            if isinstance(scope, ast.Module):
                return None
            scope = self._scopes[scope]
        return scope

    def owner(self, node: ast.AST) -> ast.ClassDef | None:
        """The innermost class around a node."""
        scope = self._scopes[node]
        while not isinstance(scope, ast.ClassDef):
            if isinstance(scope, ast.Module):
                return None
            scope = self._scopes[scope]
        return scope


def _position(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def parameters(function: Function | ast.Lambda) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """The named parameters of a function, each with its default, or None."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    yield from zip(positional, [*missing, *arguments.defaults], strict=True)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """A node and its descendants, except for those in nested functions and classes."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(child for child in ast.iter_child_nodes(found) if not isinstance(child, SCOPES))
