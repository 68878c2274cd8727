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
        part: of an item the number of the part that is meant; None for the whole.
    """

    value: ast.AST
    kind: BindingKind = "value"
    part: int | None = None


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
        self._stored: dict[str, list[ast.AST]] = defaultdict(list)
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
        owner: ast.ClassDef | None = None
        if _is_self(node.value):
            owner = self._syntax.owner(node)
        elif isinstance(node.value, ast.Name):
            owner = self._classes.get(node.value.id) or self._class_of(node.value)
        elif isinstance(node.value, ast.Attribute):  # a class in a class
            owner = self._classes.get(node.value.attr)
        return [] if owner is None else self._of_class(owner, node.attr)

    def _of_class(self, owner: ast.ClassDef, name: str) -> list[Binding]:
        """What an attribute of a class, or of one that it is made from, may be bound to."""
        for one in self.lineage(owner):
            found = self._attributes.get((one, name), [])
            if found:
                return found
            makers = [item for item in one.body if isinstance(item, FUNCTIONS) and item.name == name]
            if makers and any("property" in ast.unparse(mark) for mark in makers[-1].decorator_list):
                return [Binding(value) for value in self._returns[makers[-1]]]
        return []

    def lineage(self, owner: ast.ClassDef) -> list[ast.ClassDef]:
        """A class and the classes of the module that it is made from, the nearest first.

        Args:
            owner: the class.
        """
        found = [owner]
        for one in found:
            bases = (self._classes.get(base.id) for base in one.bases if isinstance(base, ast.Name))
            found.extend(base for base in bases if base is not None and base not in found)
        return found

    def class_named(self, name: str) -> ast.ClassDef | None:
        """The class of the module with a name.

        Args:
            name: its name in the module.
        """
        return self._classes.get(name)

    def members(self, kind: str, name: str) -> list[Binding]:
        """What an attribute of the objects of a class may be bound to.

        Args:
            kind: the name of the class; of any other module nothing is known.
            name: the attribute.
        """
        owner = self._classes.get(kind)
        return [] if owner is None else self._of_class(owner, name)

    def values_of_class(self, name: str) -> list[ast.AST]:
        """What the names in the body of a class are bound to: the values of an enumeration.

        Args:
            name: the class.
        """
        owner = self._classes.get(name)
        body = [] if owner is None else owner.body
        return [statement.value for statement in body if isinstance(statement, ast.Assign)]

    def stored(self, name: str) -> list[ast.AST]:
        """What the module puts into tables under a name: `app.config["NAME"] = …`, `app.config.update(NAME=…)`.

        Args:
            name: the name.
        """
        return self._stored[name]

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
        for more in self._syntax.all(ast.AugAssign):
            self._extend(more)
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

    def _extend(self, node: ast.AugAssign) -> None:
        """Bind a name to the sum of what it was bound to before: `url += "/path"`."""
        earlier = self.of(node.target)
        before = [bound for bound in earlier if getattr(bound.value, "lineno", 0) <= node.lineno] or earlier
        sum_of = before[-1].value if before else None
        if isinstance(sum_of, ast.expr) and isinstance(node.op, ast.Add):
            whole = ast.BinOp(left=sum_of, op=node.op, right=node.value, lineno=node.lineno)
            self._bind(node.target, Binding(whole))

    def _bind(self, target: ast.expr, binding: Binding) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            self._bind_parts(target.elts, binding)
            return
        if isinstance(target, ast.Subscript):
            self._store(target, binding.value)
            return
        scope = self._syntax.scope(target)
        if isinstance(target, ast.Name):
            self._names[scope, target.id].append(binding)
            if isinstance(scope, ast.ClassDef):
                self._attributes[scope, target.id].append(binding)
        elif isinstance(target, ast.Attribute) and _is_self(target.value):
            self._attributes[self._syntax.owner(target), target.attr].append(binding)

    def _store(self, target: ast.Subscript, value: ast.AST) -> None:
        if isinstance(target.slice, ast.Constant):
            self._stored[str(target.slice.value)].append(value)

    def _bind_parts(self, targets: list[ast.expr], binding: Binding) -> None:
        values = binding.value.elts if isinstance(binding.value, ast.Tuple | ast.List) else []
        if binding.kind == "value" and len(values) == len(targets):
            for part, value in zip(targets, values, strict=True):
                self._bind(part, Binding(value))
        elif binding.kind == "item" and binding.part is None:
            for number, part in enumerate(targets):
                self._bind(part, binding._replace(part=number))

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
            if isinstance(call.func, ast.Attribute) and call.func.attr in ("update", "from_mapping"):
                for word in call.keywords:
                    self._stored[word.arg or ""].append(word.value)

    def _read_call(self, call: ast.Call) -> None:
        functions = self.functions(call.func)
        owner = self._classes.get(call.func.id) if isinstance(call.func, ast.Name) else None
        if owner is not None:
            functions = [item for item in owner.body if isinstance(item, FUNCTIONS) and item.name == "__init__"]
            if not functions:
                self._read_fields(owner, call)
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

    def _read_fields(self, owner: ast.ClassDef, call: ast.Call) -> None:
        """Bind the fields of a data class, a named tuple or a model to what a call gives them."""
        fields = [
            statement.target.id
            for one in reversed(self.lineage(owner))
            for statement in one.body
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        ]
        for name, value in zip(fields, call.args, strict=False):
            self._attributes[owner, name].append(Binding(value, "argument"))
        for word in call.keywords:
            if word.arg in fields:
                self._attributes[owner, word.arg].append(Binding(word.value, "argument"))


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")
