# SPDX-License-Identifier: Apache-2.0
r"""Computes possible values of the expressions of a module: strings, and the origins of objects.

No code runs. All assignments to a name count, whatever their order, and so do the arguments that calls in the same
module pass to a parameter: a result is what a value may be. Unknown parts of a string are `\0`.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from callwell.readiness.code.bindings import Bindings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from callwell.readiness.code.syntax import Syntax

UNKNOWN: Final = "\0"
BRACES: Final = re.compile(r"\{[^{}]*\}")
PERCENT: Final = re.compile(r"%(?:\(\w+\))?[sdr]")
MAX_STRINGS: Final = 12
"""The most strings for one expression; more are useless."""

MAX_DEPTH: Final = 30
"""The most steps from expression to expression. Longer chains are not URLs."""

PASS_THROUGH: Final = frozenset({"rstrip", "strip", "lstrip", "removesuffix", "lower", "encode", "join_path"})
"""String methods that keep the beginning of the string."""

WRAPPERS: Final = frozenset(
    {"str", "urljoin", "URL", "Field", "field", "HttpUrl", "AnyHttpUrl", "SecretStr", "config", "env", "parse_obj_as"}
)
"""Functions that return the first string among their arguments, or the `default`, as far as known."""

LOOKUPS: Final = ("os.environ.get", "os.getenv", "environ.get", "getenv")
"""Functions that look up a variable, with a default as the second argument."""

Strings: TypeAlias = tuple[str, ...]


class Values:
    """The possible values of a module's expressions.

    Args:
        syntax: the nodes of the module.
        outer: the strings of constants in other modules: by the module's dotted name and the constant.
    """

    def __init__(self, syntax: Syntax, outer: Callable[[str], Strings] = lambda _: ()) -> None:
        self.syntax = syntax
        self.bindings = Bindings(syntax)
        self._outer = outer
        self._texts: dict[ast.AST, Strings] = {}
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

    def texts(self, node: ast.AST | None, depth: int = 0) -> Strings:
        """The strings that an expression may be; none if nothing is known.

        Args:
            node: the expression.
            depth: the number of steps so far.
        """
        if node is None or depth > MAX_DEPTH:
            return ()
        if node not in self._texts:
            self._texts[node] = ()  # guards against recursion: a name that depends on itself adds nothing
            self._texts[node] = self._find_strings(node, depth)
        return self._texts[node]

    def _find_strings(self, node: ast.AST, depth: int) -> Strings:  # noqa: C901 - a table of the kinds of nodes
        match node:
            case ast.Constant(value=str(text)):
                return (text,)
            case ast.Constant(value=bytes(data)):
                return (data.decode("latin-1"),)
            case ast.JoinedStr(values=parts):
                return self._joined([self.texts(part, depth + 1) or (UNKNOWN,) for part in parts])
            case ast.FormattedValue(value=inner) | ast.Await(value=inner) | ast.NamedExpr(value=inner):
                return self.texts(inner, depth + 1)
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(between)), attr="join"), args=[parts]):
                items = parts.elts if isinstance(parts, ast.List | ast.Tuple) else []
                return self._joined([self.texts(part, depth + 1) or (UNKNOWN,) for part in items], between)
            case ast.BinOp(left=left, op=operator, right=right):
                if isinstance(operator, ast.Mod):
                    given = right.elts if isinstance(right, ast.Tuple) else [right]
                    return self._filled(left, PERCENT, given, depth)
                return self._joined([self.texts(side, depth + 1) or (UNKNOWN,) for side in (left, right)])
            case ast.BoolOp(values=options):
                return self._any(options, depth)
            case ast.IfExp(body=body, orelse=orelse):
                return self._any((body, orelse), depth)
            case ast.Subscript(value=table):
                return self._entries(table, depth)
            case ast.Call():
                return self._of_call(node, depth)
            case ast.Name() | ast.Attribute():
                return self._of_name(node, depth)
        return ()

    def _joined(self, parts: list[Strings], between: str = "") -> Strings:
        whole: Strings = ("",) if parts else ()
        for number, part in enumerate(parts):
            sign = between if number else ""
            whole = tuple(before + sign + text for before in whole for text in part)[:MAX_STRINGS]
        return whole

    def _filled(self, template: ast.AST, gap: re.Pattern[str], given: list[ast.expr], depth: int) -> Strings:
        """Fill the first gap of a template with the first value: the part after the host does not matter."""
        first = self.texts(given[0], depth + 1) if given else ()
        return tuple(
            gap.sub(lambda _, text=text: text, whole, count=1)  # type: ignore[misc]
            for whole in self.texts(template, depth + 1)
            for text in first or (UNKNOWN,)
        )[:MAX_STRINGS]

    def _any(self, nodes: Iterable[ast.AST | None], depth: int) -> Strings:
        found = (text for node in nodes for text in self.texts(node, depth + 1))
        return tuple(dict.fromkeys(found))[:MAX_STRINGS]

    def _entries(self, table: ast.AST, depth: int) -> Strings:
        """All strings in a dictionary, since the key of the lookup is unknown."""
        found: list[ast.AST | None] = []
        for origin in self.origins(table, depth + 1):
            if isinstance(origin, ast.Dict):
                found.extend(origin.values)
            elif isinstance(origin, ast.List | ast.Tuple):
                found.extend(origin.elts)
        return self._any(found, depth)

    def _of_call(self, call: ast.Call, depth: int) -> Strings:
        name = self.dotted(call.func)
        if name in LOOKUPS:
            return self._any(call.args[1:2] + [word.value for word in call.keywords if word.arg == "default"], depth)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "format":
            return self._filled(call.func.value, BRACES, [*call.args, *(word.value for word in call.keywords)], depth)
        if isinstance(call.func, ast.Attribute) and call.func.attr in PASS_THROUGH:
            return self.texts(call.func.value, depth + 1)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "get":
            return self._entries(call.func.value, depth) or self._any(call.args[1:2], depth)
        if name.rpartition(".")[2] in WRAPPERS:
            return self._any(call.args[:2] + [word.value for word in call.keywords if word.arg == "default"], depth)
        returned = self._returned(call)
        return self._any(returned, depth)

    def _of_name(self, node: ast.Name | ast.Attribute, depth: int) -> Strings:
        found = self._any((binding.value for binding in self.bindings.of(node) if binding.kind != "item"), depth)
        return found or self._outer(self.dotted(node))

    def _returned(self, call: ast.Call) -> Iterator[ast.AST]:
        """The values that a function of the module may return."""
        for function in self.bindings.functions(call.func):
            yield from self.bindings.returns(function)

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
            case ast.Name() | ast.Attribute():
                bound = [binding.value for binding in self.bindings.of(node) if binding.kind != "item"]
                return self._origins_of(bound, depth) or (node,)
        return (node,)

    def _origins_of(self, nodes: Iterable[ast.AST], depth: int) -> tuple[ast.AST, ...]:
        found = (origin for node in nodes for origin in self.origins(node, depth + 1))
        return tuple(dict.fromkeys(found))[:MAX_STRINGS]

    def entries(self, node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
        """List the entries of a dictionary with a known key: of `{"a": b, **others}` and of `dict(a=b)`.

        Args:
            node: an expression for the dictionary.
        """
        return self._named([(None, node)])

    def keywords(self, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
        """List the named arguments of a call, including those in a dictionary: `get(url, **options)`.

        Args:
            call: the call.
        """
        return self._named([(word.arg, word.value) for word in call.keywords])

    def _named(self, members: list[tuple[str | None, ast.expr]]) -> Iterator[tuple[str, ast.expr]]:
        """Members with a known key. One without is a dictionary, which is opened once: `a = {**a}` contains itself."""
        opened = set[ast.AST]()
        while members:
            name, value = members.pop(0)
            if name is not None:
                yield name, value
                continue
            for origin in self.origins(value):
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

    def types(self, node: ast.AST) -> set[str]:
        """The qualified names of the classes, or other callables, that may have made an object.

        Args:
            node: an expression for the object.
        """
        names = set()
        for origin in self.origins(node):
            if isinstance(origin, ast.Call):
                names.add(self.dotted(origin.func))
            elif isinstance(origin, ast.Name | ast.Attribute):
                names.add(self.dotted(origin))
        names.update(self.bindings.annotations(node, self.dotted))
        return names - {""}
