# SPDX-License-Identifier: Apache-2.0
"""Finds the expressions of a module that are signed URLs."""

from __future__ import annotations

import ast
import re
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.code.provider_signatures import SignedUrlField
    from callwell.readiness.code.python_module import PythonModule

DISTINCTIVE: Final = re.compile(r"[a-z]+[A-Z]\w{3,}")
"""A field with a distinctive name: `recordingThumbnail`, but not `url`."""

CARRYING: Final = frozenset(
    {"str", "dict", "list", "tuple", "set", "dumps", "format", "join", "encode", "quote", "loads", "bytes", "append"}
    | {"DataFrame", "Series", "from_dicts", "from_records"}
)
"""Functions that return their arguments in some form. Others only use a URL: `httpx.get(url)` returns a response."""

MAX_ROUTES: Final = 50
"""The most routes to one value that are followed. Real code has one or two."""


class Route(NamedTuple):
    """How a value is reached.

    Attributes:
        root: the expression at its beginning.
        fields: the fields from there to the value.
    """

    root: ast.AST
    fields: tuple[str, ...]


class SignedValues:
    """The signed URLs of a module.

    Args:
        module: the module.
    """

    def __init__(self, module: PythonModule) -> None:
        self._module = module
        self._values = module.values
        self._known: dict[ast.AST, tuple[Route, ...]] = {}
        self._paths = list(module.signatures.signed_url_fields())
        self._last = {path.parts[-1] for path in self._paths}

    @property
    def possible(self) -> bool:
        """Whether the module contains the last field of any signed URL, and a sign of a provider."""
        fields = {node.value for node in self._module.syntax.all(ast.Constant) if isinstance(node.value, str)}
        return not fields.isdisjoint(self._last) and (bool(self._module.calls.reaching) or self._imports_callwell)

    @property
    def _imports_callwell(self) -> bool:
        return self._module.calls.imports_callwell

    def within(self, node: ast.AST) -> SignedUrlField | None:
        """The first signed URL in an expression."""
        waiting = [node]
        seen = set()
        while waiting:
            part = waiting.pop()
            if part in seen:
                continue
            seen.add(part)
            if isinstance(part, ast.Subscript | ast.Call | ast.Name | ast.Attribute):
                found = self._of(part)
                if found is not None:
                    return found
            if isinstance(part, ast.Name):
                waiting.extend(self._values.origins(part))
            if not isinstance(part, ast.Call) or last_name(part.func) in CARRYING:
                waiting.extend(ast.iter_child_nodes(part))
        return None

    def _of(self, node: ast.AST) -> SignedUrlField | None:
        for origin in self._values.origins(node):
            for route in self._routes(origin):
                found = self._match(route)
                if found is not None:
                    return found
        return None

    def _routes(self, node: ast.AST) -> tuple[Route, ...]:
        """The routes to a value; none while the value is being resolved, because it may refer to itself."""
        if node not in self._known:
            self._known[node] = ()
            self._known[node] = tuple(islice(self._find_routes(node), MAX_ROUTES))
        return self._known[node]

    def _find_routes(self, node: ast.AST) -> Iterator[Route]:
        match node:
            case ast.Subscript(value=value, slice=ast.Constant(value=str(field))):
                yield from self._longer(value, field)
            case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[ast.Constant(value=str(field)), *_]):
                yield from self._longer(value, field)
            case ast.Subscript(value=value) | ast.Call(func=ast.Attribute(value=value, attr="json")):
                yield from self._routes(value)
            case ast.Name() | ast.Attribute():
                bound = self._values.bindings.of(node)
                if not bound:
                    yield Route(node, ())
                for binding in bound:
                    yield from self._routes(binding.value)
            case ast.Await(value=value):
                yield from self._routes(value)
            case _:
                yield Route(node, ())

    def _longer(self, value: ast.AST, field: str) -> Iterator[Route]:
        for route in self._routes(value):
            yield Route(route.root, (*route.fields, field))

    def _match(self, route: Route) -> SignedUrlField | None:
        for path in self._paths:
            if route.fields[-len(path.parts) :] == path.parts and self._fits(route.root, path):
                return path
        return None

    def _fits(self, root: ast.AST, path: SignedUrlField) -> bool:
        """Whether a value may come from the operation with the signed URL."""
        calls = self._module.calls
        operation = calls.through_callwell.get(root)
        if operation:
            return operation == path.operation
        raw = calls.raw.get(root)
        if raw is not None and raw.provider is not path.provider:
            return False
        telling = len(path.parts) > 1 or DISTINCTIVE.fullmatch(path.parts[-1]) is not None
        return telling and (operation is not None or raw is not None or not isinstance(root, ast.Call))


def last_name(node: ast.AST) -> str:
    """The last name of a chain of attributes; empty for something else.

    Args:
        node: the expression.
    """
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
