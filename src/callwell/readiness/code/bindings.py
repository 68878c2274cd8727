# SPDX-License-Identifier: Apache-2.0
"""Finds the expressions that the names of a module are bound to, by scope."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from callwell.readiness.code.syntax import FUNCTIONS, parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.readiness.code.syntax import Function, Scope, Syntax

BindingKind: TypeAlias = Literal["value", "item", "argument"]
"""`value`: the name is bound to the expression, or to what it yields as a context manager. `item`: to one item of it.
`argument`: the expression is the default of a parameter, or an argument in a call; other callers may pass another
one."""


class Binding(NamedTuple):
    """One way in which a name may get its value.

    Attributes:
        value: the expression.
        kind: how the name is bound to it.
    """

    value: ast.AST
    kind: BindingKind = "value"


class Bindings:
    """The bindings of a module.

    Args:
        syntax: the nodes of the module.
    """

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self._names: dict[tuple[Scope, str], list[Binding]] = defaultdict(list)
        self._attributes: dict[tuple[ast.ClassDef | None, str], list[Binding]] = defaultdict(list)
        self._imports: dict[tuple[Scope, str], str] = {}
        self._annotations: dict[tuple[Scope, str], ast.expr] = {}
        self._functions: dict[str, list[Function]] = defaultdict(list)
        self._classes: dict[str, ast.ClassDef] = {}
        self._returns: dict[Function, list[ast.expr]] = defaultdict(list)
        self._read_imports()
        self._read_definitions()
        self._read_assignments()
        self._read_arguments()

    @property
    def imported_names(self) -> tuple[str, ...]:
        """The full names of all imports."""
        return tuple(self._imports.values())

    def imported(self, name: ast.Name) -> str:
        """The full name that an import gives to a name; empty if it was not imported."""
        for scope in self._scopes(name):
            if (scope, name.id) in self._imports:
                return self._imports[scope, name.id]
            if (scope, name.id) in self._names:
                return ""
        return ""

    def of(self, node: ast.AST) -> list[Binding]:
        """What a name, or an attribute of `self` or of a class, may be bound to."""
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node)
        if isinstance(node, ast.Name):
            for scope in self._scopes(node):
                if (scope, node.id) in self._names:
                    return self._names[scope, node.id]
                if (scope, node.id) in self._imports:
                    return []
        return []

    def _of_attribute(self, node: ast.Attribute) -> list[Binding]:
        if not isinstance(node.value, ast.Name):
            return []
        owner: ast.ClassDef | None = None
        if node.value.id in ("self", "cls"):
            owner = self._syntax.owner(node)
        else:
            owner = self._classes.get(node.value.id) or self._class_of(node.value)
        return self._attributes.get((owner, node.attr), []) if owner is not None else []

    def _class_of(self, name: ast.Name) -> ast.ClassDef | None:
        """The class of an object, if it is defined in the module: `settings = Settings()`."""
        for binding in self.of(name):
            if isinstance(binding.value, ast.Call) and isinstance(binding.value.func, ast.Name):
                return self._classes.get(binding.value.func.id)
        return None

    def functions(self, func: ast.AST) -> list[Function]:
        """The functions of the module that may be called by a call."""
        if isinstance(func, ast.Name):
            return [] if self.imported(func) else self._functions.get(func.id, [])
        if isinstance(func, ast.Attribute) and _is_self(func.value):
            return self._functions.get(func.attr, [])
        return []

    def returns(self, function: Function) -> list[ast.expr]:
        """What a function returns."""
        return self._returns[function]

    def annotations(self, node: ast.AST, dotted: Callable[[ast.AST], str]) -> Iterator[str]:
        """The qualified names in the annotation of a name, such as `httpx.Client` in `client: httpx.Client | None`.

        Args:
            node: a name, or an attribute of `self`.
            dotted: returns the qualified name of an expression.
        """
        for annotation in self._annotations_of(node):
            if isinstance(annotation, ast.Constant):  # in quotes
                yield from re.findall(r"[\w.]+", str(annotation.value))
            yield from (dotted(part) for part in ast.walk(annotation) if isinstance(part, ast.Attribute | ast.Name))

    def _annotations_of(self, node: ast.AST) -> Iterator[ast.expr]:
        if isinstance(node, ast.Name):
            for scope in self._scopes(node):
                if (scope, node.id) in self._annotations:
                    yield self._annotations[scope, node.id]
                    return
        for binding in self.of(node):
            if isinstance(binding.value, ast.Name) and binding.value is not node:
                yield from self._annotations_of_name(binding.value)

    def _annotations_of_name(self, name: ast.Name) -> Iterator[ast.expr]:
        for scope in self._scopes(name):
            if (scope, name.id) in self._annotations:
                yield self._annotations[scope, name.id]
                return

    def _scopes(self, node: ast.AST) -> Iterator[Scope]:
        """The scopes in which a name is resolved, the innermost first."""
        first = self._syntax.scope(node)
        yield first
        scope = first
        while not isinstance(scope, ast.Module):
            scope = self._syntax.scope(scope)
            if not isinstance(scope, ast.ClassDef):
                yield scope

    def _read_imports(self) -> None:
        for node in self._syntax.imports():
            scope = self._syntax.scope(node)
            for alias in node.names:
                if isinstance(node, ast.ImportFrom):
                    module = "." * node.level + (node.module or "")
                    separator = "" if module.endswith(".") else "."
                    self._imports[scope, alias.asname or alias.name] = f"{module}{separator}{alias.name}"
                elif alias.asname is not None:
                    self._imports[scope, alias.asname] = alias.name
                else:
                    first = alias.name.partition(".")[0]
                    self._imports[scope, first] = first

    def _read_definitions(self) -> None:
        for function in self._syntax.functions():
            self._functions[function.name].append(function)
        for node in self._syntax.all(ast.ClassDef):
            self._classes[node.name] = node
        for statement in self._syntax.all(ast.Return):
            maker = self._syntax.function(statement)
            if maker is not None and statement.value is not None:
                self._returns[maker].append(statement.value)
        for given in self._syntax.all(ast.Yield):
            maker = self._syntax.function(given)
            if maker is not None and given.value is not None:
                self._returns[maker].append(given.value)

    def _read_assignments(self) -> None:
        for target, value in self._syntax.assignments():
            self._bind(target, Binding(value))
        for annotated in self._syntax.all(ast.AnnAssign):
            if isinstance(annotated.target, ast.Name):
                self._annotations[self._syntax.scope(annotated), annotated.target.id] = annotated.annotation
        for named in self._syntax.all(ast.NamedExpr):
            self._bind(named.target, Binding(named.value))
        for item in self._syntax.all(ast.withitem):
            if item.optional_vars is not None:
                self._bind(item.optional_vars, Binding(item.context_expr))
        loops: list[ast.For | ast.AsyncFor] = [*self._syntax.all(ast.For), *self._syntax.all(ast.AsyncFor)]
        for loop in loops:
            self._bind(loop.target, Binding(loop.iter, "item"))
        for part in self._syntax.all(ast.comprehension):
            self._bind(part.target, Binding(part.iter, "item"))

    def _bind(self, target: ast.expr, binding: Binding) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            values = binding.value.elts if isinstance(binding.value, ast.Tuple | ast.List) else []
            if binding.kind == "value" and len(values) == len(target.elts):
                for part, value in zip(target.elts, values, strict=True):
                    self._bind(part, Binding(value))
            return
        scope = self._syntax.scope(target)
        if isinstance(target, ast.Name):
            self._names[scope, target.id].append(binding)
            if isinstance(scope, ast.ClassDef):
                self._attributes[scope, target.id].append(binding)
        elif isinstance(target, ast.Attribute) and _is_self(target.value):
            self._attributes[self._syntax.owner(target), target.attr].append(binding)

    def _read_arguments(self) -> None:
        """Bind parameters to their defaults, and to what calls in the module give them."""
        for function in [*self._syntax.functions(), *self._syntax.all(ast.Lambda)]:
            for parameter, default in parameters(function):
                bound = self._names[
                    function, parameter.arg
                ]  # the parameter shadows other names, even if it has no binding
                if default is not None:
                    bound.append(Binding(default, "argument"))
                if parameter.annotation is not None:
                    self._annotations[function, parameter.arg] = parameter.annotation
        for call in self._syntax.all(ast.Call):
            self._read_call(call)

    def _read_call(self, call: ast.Call) -> None:
        functions = self.functions(call.func)
        owner = self._classes.get(call.func.id) if isinstance(call.func, ast.Name) else None
        if owner is not None:
            functions = [item for item in owner.body if isinstance(item, FUNCTIONS) and item.name == "__init__"]
        for function in functions:
            positional = [parameter.arg for parameter in [*function.args.posonlyargs, *function.args.args]]
            if self._syntax.parent(function) in self._classes.values():
                positional = positional[1:]
            for name, value in zip(positional, call.args, strict=False):
                self._names[function, name].append(Binding(value, "argument"))
            known = {parameter.arg for parameter in [*function.args.args, *function.args.kwonlyargs]}
            for word in call.keywords:
                if word.arg in known:
                    self._names[function, word.arg].append(Binding(word.value, "argument"))


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")
