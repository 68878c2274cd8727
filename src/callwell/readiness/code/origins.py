# SPDX-License-Identifier: Apache-2.0
"""Where the objects of a module come from: the calls and literals that an expression may stand for.

No code runs. All assignments to a name count, whatever their order, and so do the arguments that calls in the same
module give to a parameter.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from callwell.readiness.code.bindings import Binding, Bindings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.readiness.code.syntax import Syntax

MAX_ORIGINS: Final = 12
"""Expressions that one may stand for; more say nothing."""

MAX_DEPTH: Final = 30
"""The most steps from expression to expression. Longer chains are not URLs."""


class ObjectOrigins:
    """What the expressions of a module may stand for.

    Args:
        syntax: the nodes of the module.
    """

    def __init__(self, syntax: Syntax) -> None:
        self.syntax = syntax
        self.bindings = Bindings(syntax)
        self._constants: dict[ast.AST, str | None] = {}
        self._origins: dict[ast.AST, tuple[ast.AST, ...]] = {}

    def dotted(self, node: ast.AST) -> str:
        """The qualified name of an expression, with imports resolved: `httpx.Client`; empty for none."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        imported = self.bindings.imported(node)
        return ".".join([imported or node.id, *reversed(parts)])

    def _path(self, node: ast.AST) -> str:
        """The full name of what an expression names, calls on the way included: `config.get_settings().url`."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
            if isinstance(node, ast.Attribute):
                parts.append(node.attr)
            elif isinstance(node, ast.Subscript):
                parts.append(self.constant(node.slice) or "")
            node = node.func if isinstance(node, ast.Call) else node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.bindings.imported(node) or node.id, *reversed(parts)])

    def origins(self, node: ast.AST | None, depth: int = 0) -> tuple[ast.AST, ...]:
        """The expressions that may have made an object: calls, literals, names that nothing in the module binds.

        Args:
            node: an expression for the object.
            depth: the number of steps so far.
        """
        if node is None or depth > MAX_DEPTH:
            return ()
        if node not in self._origins:
            self._origins[node] = ()  # as for strings
            self._origins[node] = self._find_origins(node, depth)
        return self._origins[node]

    def _find_origins(self, node: ast.AST, depth: int) -> tuple[ast.AST, ...]:
        match node:
            case ast.Await(value=inner) | ast.NamedExpr(value=inner):
                return self.origins(inner, depth + 1)
            case ast.BoolOp(values=options):
                return self._origins_of(options, depth)
            case ast.IfExp(body=body, orelse=orelse):
                return self._origins_of((body, orelse), depth)
            case ast.Call():
                returned = tuple(self._returned(node))
                return self._origins_of(returned, depth) if returned else (node,)
            case ast.Subscript(value=table, slice=key):
                return self._origins_of(self._found_in(table, key, depth), depth) or (node,)
            case ast.Name() | ast.Attribute():
                return self._origins_of(self._bound(node, depth), depth) or (node,)
        return (node,)

    def _origins_of(self, nodes: Iterable[ast.AST], depth: int) -> tuple[ast.AST, ...]:
        found = (origin for node in nodes for origin in self.origins(node, depth + 1))
        return tuple(dict.fromkeys(found))[:MAX_ORIGINS]

    def _returned(self, call: ast.Call) -> Iterator[ast.AST]:
        """The values that a function of the module may return."""
        for function in self.bindings.functions(call.func):
            yield from self.bindings.returns(function)

    def _bound(self, node: ast.AST, depth: int) -> list[ast.AST]:
        """The expressions that a name or an attribute may be bound to."""
        found: list[ast.AST] = []
        for binding in self._bindings_of(node, depth):
            if binding.kind == "item":
                found.extend(self._items(binding, depth))
            else:
                found.append(binding.value)
        return found

    def _bindings_of(self, node: ast.AST, depth: int) -> list[Binding]:
        found = self.bindings.of(node)
        if found or not isinstance(node, ast.Attribute) or depth > MAX_DEPTH:
            return found
        for origin in self.origins(node.value, depth + 1):
            if isinstance(origin, ast.Call):  # made with this name: `SimpleNamespace(url=…)`
                found += [Binding(word.value) for word in origin.keywords if word.arg == node.attr]
        for kind in self.types(node.value, depth + 1):
            found += self.bindings.members(kind, node.attr)
        return found

    def _items(self, binding: Binding, depth: int) -> list[ast.AST]:
        """What the items of an iterated expression may be, or one part of each."""
        found: list[ast.AST] = []
        for origin in self.origins(binding.value, depth + 1):
            members: list[ast.AST] = []
            match origin:
                case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                    members = list(parts)
                case ast.Dict(keys=keys):
                    members = [key for key in keys if key is not None]
                case ast.Call(func=ast.Attribute(value=table, attr="values")):
                    members = self._found_in(table, None, depth)
                case ast.Call(func=ast.Attribute(value=table, attr="items")) if binding.part == 1:
                    found.extend(self._found_in(table, None, depth))
                case ast.Name():
                    members = self.bindings.values_of_class(origin.id)
            if binding.part is None:
                found.extend(members)
            else:
                tuples = (member for member in members if isinstance(member, ast.Tuple | ast.List))
                found.extend(one.elts[binding.part] for one in tuples if binding.part < len(one.elts))
        return found

    def _found_in(self, table: ast.AST, key: ast.AST | None, depth: int) -> list[ast.AST]:
        """What a table may have under a key: that entry, or all of them if the key is not known."""
        name = None if key is None else self.constant(key)
        found: list[ast.AST] = []
        for origin in self.origins(table, depth + 1):
            if isinstance(origin, ast.List | ast.Tuple):
                found.extend(_at(origin.elts, key))
            elif name is not None and (named := dict(self._members(origin))).get(name) is not None:
                found.append(named[name])
            elif isinstance(origin, ast.Dict) and not (name is not None and _has_only_names(origin)):
                found.extend(origin.values)
        return found

    def members(self, node: ast.AST, depth: int = 0) -> list[ast.expr]:
        """The members of a list or a tuple; none if it is not known.

        Args:
            node: an expression for it.
            depth: the number of steps so far.
        """
        for origin in self.origins(node, depth):
            if isinstance(origin, ast.List | ast.Tuple):
                return origin.elts
        return []

    def entries(self, node: ast.expr, depth: int = 0) -> Iterator[tuple[str, ast.expr]]:
        """List the entries of a dictionary with a known key: of `{"a": b, **others}` and of `dict(a=b)`.

        Args:
            node: an expression for the dictionary.
            depth: the number of steps so far.
        """
        return self._named([(None, node)], depth)

    def keywords(self, call: ast.Call, depth: int = 0) -> Iterator[tuple[str, ast.expr]]:
        """List the named arguments of a call, including those in a dictionary: `get(url, **options)`.

        Args:
            call: the call.
            depth: the number of steps so far.
        """
        return self._named([(word.arg, word.value) for word in call.keywords], depth)

    def _named(self, members: list[tuple[str | None, ast.expr]], depth: int) -> Iterator[tuple[str, ast.expr]]:
        """Members with a known key. One without is a dictionary, which is opened once: `a = {**a}` contains itself."""
        opened = set[ast.AST]()
        while members:
            name, value = members.pop(0)
            if name is not None:
                yield name, value
                continue
            for origin in self.origins(value, depth):
                if origin not in opened:
                    opened.add(origin)
                    members = [*self._members(origin), *members]

    def _members(self, table: ast.AST) -> list[tuple[str | None, ast.expr]]:
        """List the entries of a dictionary literal; the dictionaries that it unpacks have no key."""
        if isinstance(table, ast.Call) and self.dotted(table.func) == "dict":
            return [(word.arg, word.value) for word in table.keywords]
        if not isinstance(table, ast.Dict):
            return []
        members: list[tuple[str | None, ast.expr]] = []
        for key, value in zip(table.keys, table.values, strict=True):
            if key is None:
                members.append((None, value))
            elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                members.append((key.value, value))
        return members

    def constant(self, node: ast.AST) -> str | None:
        """The string that an expression always is; None if it may be something else.

        Args:
            node: the expression.
        """
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if node not in self._constants:
            self._constants[node] = None  # as for strings
            bound = self.bindings.of(node)
            found = {self.constant(binding.value) if binding.kind == "value" else None for binding in bound}
            self._constants[node] = found.pop() if len(found) == 1 else None
        return self._constants[node]

    def types(self, node: ast.AST, depth: int = 0) -> set[str]:
        """The qualified names of the classes, or other callables, that may have made an object.

        Args:
            node: an expression for the object.
            depth: the number of steps so far.
        """
        names = set()
        for origin in self.origins(node, depth):
            if isinstance(origin, ast.Call):
                names.add(self.dotted(origin.func))
            elif isinstance(origin, ast.Name | ast.Attribute):
                names.add(self.dotted(origin))
        names.update(self.bindings.annotations(node, self.dotted))
        return names - {""}


def _at(members: list[ast.expr], key: ast.AST | None) -> list[ast.expr]:
    """The member of a list at a number; all of them if the number is not known."""
    if isinstance(key, ast.Constant) and isinstance(key.value, int) and -len(members) <= key.value < len(members):
        return [members[key.value]]
    return members


def _has_only_names(table: ast.Dict) -> bool:
    """Whether all keys of a table are known."""
    return all(isinstance(key, ast.Constant) for key in table.keys)
