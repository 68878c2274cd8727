# SPDX-License-Identifier: Apache-2.0
r"""Which strings the expressions of a module may be: the addresses that it puts together, above all.

An answer is what a value may be, by all that `origins` knows. Of a string, the unknown parts are `\0`.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from callwell.readiness.code.origins import MAX_DEPTH, ObjectOrigins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from callwell.readiness.code.syntax import Syntax

UNKNOWN: Final = "\0"
BRACES: Final = re.compile(r"\{(\w*)[^{}]*\}")
PERCENT: Final = re.compile(r"%(?:\((\w+)\))?[sdr]")
DOLLAR: Final = re.compile(r"\$\{?(\w+)\}?")
"""Gaps of templates; the group is the name or the number of what fills it."""

MAX_STRINGS: Final = 12
"""The most strings for one expression; more are useless."""

PASS_THROUGH: Final = frozenset(
    {
        *("rstrip", "strip", "lstrip", "removesuffix", "lower", "casefold", "encode", "decode", "join_path", "join"),
        *("joinpath", "with_path", "with_query", "update_query", "copy_with", "geturl", "human_repr"),
        *("unicode_string", "get_secret_value"),
    }
)
"""Methods of a string or an address whose result begins as the text does."""

UNSPLIT: Final = ("urlunsplit", "urlunparse")
"""Functions that put an address together from scheme, host and the rest."""

WRAPPERS: Final = frozenset(
    {
        "str",
        "urljoin",
        "URL",
        "Field",
        "field",
        "HttpUrl",
        "AnyHttpUrl",
        "SecretStr",
        "config",
        "env",
        "parse_obj_as",
        "Template",
        "Request",
        "urlsplit",
        "urlparse",
        "yarl.URL",
    }
)
"""Functions that return the first string among their arguments, or the `default`, as far as known."""

DEFAULTS: Final = frozenset({"default", "url", "base", "scheme"})
"""Keyword arguments of these functions that are the text."""

LOOKUPS: Final = ("os.environ.get", "os.getenv", "environ.get", "getenv")
"""Functions that look up a variable, with a default as the second argument."""

Strings: TypeAlias = tuple[str, ...]


class Values(ObjectOrigins):
    """The possible values of a module's expressions.

    Args:
        syntax: the nodes of the module.
        outer: the strings of constants in other modules: by the module's dotted name and the constant.
    """

    def __init__(self, syntax: Syntax, outer: Callable[[str], Strings] = lambda _: ()) -> None:
        super().__init__(syntax)
        self._outer = outer
        self._texts: dict[ast.AST, Strings] = {}

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
                return self._joined(
                    [self.texts(part, depth + 1) or (UNKNOWN,) for part in self.members(parts, depth + 1)], between
                )
            case ast.BinOp(left=left, op=ast.Mod(), right=right):
                return self._filled(left, PERCENT, self._given(right, depth), depth)
            case ast.BinOp(left=left, op=operator, right=right):
                sides = [self.texts(side, depth + 1) or (UNKNOWN,) for side in (left, right)]
                return self._joined(sides, "/" if isinstance(operator, ast.Div) else "")
            case ast.BoolOp(values=options):
                return self._any(options, depth)
            case ast.IfExp(body=body, orelse=orelse):
                return self._any((body, orelse), depth)
            case ast.Subscript(value=table, slice=key):
                return self._looked_up(table, key, depth)
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

    def _given(self, node: ast.expr, depth: int) -> dict[str, ast.expr]:
        """What fills a template after `%`, by number or name."""
        if isinstance(node, ast.Dict):
            return dict(self.entries(node, depth + 1))
        members = node.elts if isinstance(node, ast.Tuple) else [node]
        return {str(number): member for number, member in enumerate(members)}

    def _filled(self, template: ast.AST, gap: re.Pattern[str], given: dict[str, ast.expr], depth: int) -> Strings:
        """A template with its gaps filled, as far as it is known with what."""
        found: list[str] = []
        for whole in self.texts(template, depth + 1):
            parts = gap.split(whole)  # text, name, text, name, …, text
            texts: list[Strings] = []
            for number, part in enumerate(parts):
                if number % 2:
                    texts.append(self.texts(given.get(part or str(number // 2)), depth + 1) or (UNKNOWN,))
                else:
                    texts.append((part,))
            found.extend(self._joined(texts))
        return tuple(dict.fromkeys(found))[:MAX_STRINGS]

    def _any(self, nodes: Iterable[ast.AST | None], depth: int) -> Strings:
        found = (text for node in nodes for text in self.texts(node, depth + 1))
        return tuple(dict.fromkeys(found))[:MAX_STRINGS]

    def _looked_up(self, table: ast.AST, key: ast.AST, depth: int) -> Strings:
        """The strings that a table may have under a key; all of them if the key is not known."""
        found = self._any(self._found_in(table, key, depth), depth)
        name = self.constant(key)
        if found or name is None:
            return found or self._outer(self._path(table))
        return (
            self._any(self.bindings.stored(name), depth)
            or self._outer(f"{self._path(table)}.{name}")
            or self._outer(self._path(table))
        )

    def _of_call(self, call: ast.Call, depth: int) -> Strings:
        name = self.dotted(call.func)
        last = name.rpartition(".")[2]
        if name in LOOKUPS:
            return self._any(call.args[1:2] + [word.value for word in call.keywords if word.arg == "default"], depth)
        if last in UNSPLIT and call.args:
            return self._unsplit(self.members(call.args[0], depth + 1), depth)
        if last == "getattr" and len(call.args) > 1:
            return self._of_getattr(call, depth)
        if isinstance(call.func, ast.Attribute):
            found = self._of_method(call, call.func, depth)
            if found is not None:
                return found
        if last in WRAPPERS:
            return self._any(call.args[:2] + [word.value for word in call.keywords if word.arg in DEFAULTS], depth)
        return self._any(self._returned(call), depth)

    def _of_method(self, call: ast.Call, func: ast.Attribute, depth: int) -> Strings | None:
        """What a method of a string or a table gives; None if it is another one."""
        if func.attr in ("format", "format_map", "substitute", "safe_substitute"):
            given = {str(number): argument for number, argument in enumerate(call.args)}
            given |= dict(self.keywords(call, depth + 1))
            tables = [entry for table in call.args for entry in self.entries(table, depth + 1)]
            gap = BRACES if func.attr.startswith("format") else DOLLAR
            return self._filled(func.value, gap, given | dict(tables), depth)
        if func.attr == "replace" and len(call.args) > 1:
            old, new = (self.texts(argument, depth + 1) for argument in call.args[:2])
            whole = self.texts(func.value, depth + 1)
            return tuple(text.replace(before, after) for text in whole for before in old for after in new)[:MAX_STRINGS]
        if func.attr in PASS_THROUGH:
            return self.texts(func.value, depth + 1)
        if func.attr == "get" and call.args:
            return self._looked_up(func.value, call.args[0], depth) or self._any(call.args[1:2], depth)
        return None

    def _unsplit(self, parts: list[ast.expr], depth: int) -> Strings:
        scheme, host, *rest = [self.texts(part, depth + 1) or (UNKNOWN,) for part in parts[:3]] or [(), ()]
        return self._joined([scheme, ("://",), host, *rest])

    def _of_getattr(self, call: ast.Call, depth: int) -> Strings:
        """What `getattr(settings, "NAME", default)` gives."""
        name = self.constant(call.args[1])
        if name is None:
            return ()
        return self._outer(f"{self._path(call.args[0])}.{name}") or self._any(call.args[2:3], depth)

    def _of_name(self, node: ast.Name | ast.Attribute, depth: int) -> Strings:
        found = self._any(self._bound(node, depth), depth) or self._outer(self.dotted(node))
        if found or isinstance(node, ast.Name):
            return found
        if node.attr in ("value", "_value_", "url"):  # of a member of an enumeration; of a request
            found = self.texts(node.value, depth + 1)
        kinds = self.types(node.value, depth + 1) if not found else ()
        outer = (self._outer(f"{kind}.{node.attr}") for kind in kinds)
        return found or next(filter(None, outer), ()) or self._outer(self._path(node))
