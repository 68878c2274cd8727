# SPDX-License-Identifier: Apache-2.0
"""Decisions that depend on the words of an error instead of its class or code."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Check, Finding, Group, Severity
from callwell.readiness.code.callwell_names import is_error
from callwell.readiness.code.http_libraries import library_of
from callwell.readiness.code.python_code import check_modules, read_python
from callwell.readiness.code.syntax import inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.readiness.check import Unchecked
    from callwell.readiness.code.python_module import PythonModule
    from callwell.readiness.project import Project

BROAD_EXCEPTIONS: Final = frozenset({"", "Exception", "BaseException"})
"""What may catch an error of a call among others: a bare `except` is the empty name."""

TEXT_ATTRIBUTES: Final = frozenset({"message", "detail", "title", "reason", "text", "args", "body", "content"})
"""Attributes of errors and responses that have words."""

STRING_METHODS: Final = frozenset({"lower", "upper", "strip", "casefold", "decode", "rstrip", "lstrip"})
"""Methods that make a string of a string."""

COMPARING: Final = frozenset({"startswith", "endswith", "find", "index", "count", "__contains__"})
SEARCHING: Final = frozenset({"search", "match", "fullmatch", "findall", "finditer"})
"""Methods that compare a string, and those of `re` that search one."""

WORD_OPERATORS: Final = (ast.In, ast.NotIn, ast.Eq, ast.NotEq)


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check comparisons where errors of Callwell are handled, and responses of calls around it."""
    yield from check_modules(read_python(project).provider_modules(), _check_module)


def _check_module(module: PythonModule) -> Iterator[Finding]:
    words = _ErrorMessages(module)
    nodes = [*module.syntax.all(ast.Compare), *module.syntax.all(ast.Call), *module.syntax.all(ast.Match)]
    for node in nodes:
        if words.decides(node):
            yield Finding(
                what=f"the message of an error is compared{module.cell(node)}",
                place=module.place(node),
                identity=ast.unparse(node.subject if isinstance(node, ast.Match) else node)[:100],
            )


class _ErrorMessages:
    """The expressions of a module that are the words of a provider's error.

    Args:
        module: the module.
    """

    def __init__(self, module: PythonModule) -> None:
        self._module = module
        self._syntax = module.syntax
        self._values = module.values
        self._known: dict[tuple[ast.AST, str], bool] = {}

    def decides(self, node: ast.AST) -> bool:
        """Whether a node compares such words with something."""
        match node:
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if isinstance(operator, WORD_OPERATORS):
                if isinstance(operator, ast.In | ast.NotIn):
                    return self._is_words(right) or (self._has_text(right) and self._is_words(left))
                pairs = ((left, right), (right, left))
                return any(self._has_text(other) and self._is_words(words) for words, other in pairs)
            case ast.Call(func=ast.Attribute(value=value, attr=method), args=[first, *rest]):
                if method in COMPARING:
                    return self._is_words(value)
                if method in SEARCHING:
                    return any(self._is_words(argument) for argument in [first, *rest][:2])
            case ast.Match(subject=subject):
                return self._is_words(subject)
        return False

    def _has_text(self, node: ast.AST) -> bool:
        """Whether an expression is a string that is not empty, or a table of such."""
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return any(self._has_text(part) for part in node.elts)
        if any(self._values.texts(node)):
            return True
        tables = (part for part in self._values.origins(node) if isinstance(part, ast.Tuple | ast.List | ast.Set))
        return any(self._ask_once(table, self._has_text) for table in tables)

    def _is_words(self, node: ast.AST) -> bool:
        return any(self._ask_once(origin, self._are_words) for origin in self._values.origins(node))

    def _ask_once(self, node: ast.AST, ask: Callable[[ast.AST], bool]) -> bool:
        """Ask once about a node: `text = text.lower()` is made of itself."""
        question = (node, ask.__name__)
        if question not in self._known:
            self._known[question] = False
            self._known[question] = ask(node)
        return self._known[question]

    def _are_words(self, node: ast.AST) -> bool:
        match node:
            case ast.Call(func=ast.Name(id="str" | "repr" | "format"), args=[error, *_]):
                return self._is_error(error)
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str()), attr="format" | "join"), args=parts):
                return any(self._is_error(part) or self._is_words(part) for part in parts)
            case ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod(), right=right):
                parts = right.elts if isinstance(right, ast.Tuple) else [right]
                return any(self._is_error(part) or self._is_words(part) for part in parts)
            case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in STRING_METHODS:
                return self._is_words(value)
            case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[ast.Constant(value=str(field)), *_]):
                return field in self._module.signatures.message_fields and self._is_body(value)
            case ast.Subscript(value=value, slice=ast.Constant(value=str(field))):
                return field in self._module.signatures.message_fields and self._is_body(value)
            case ast.Subscript(value=ast.Attribute(value=error, attr="args")):
                return self._is_error(error)
            case ast.Attribute(value=value, attr=attribute) if attribute in TEXT_ATTRIBUTES:
                return self._is_error(value) or self._is_response(value)
            case ast.JoinedStr(values=parts):
                return any(isinstance(part, ast.FormattedValue) and self._is_error(part.value) for part in parts)
        return False

    def _is_body(self, node: ast.AST) -> bool:
        """Whether an expression is the decoded body of a response, or a part of it."""
        return any(self._ask_once(origin, self._leads_to_body) for origin in self._values.origins(node))

    def _leads_to_body(self, node: ast.AST) -> bool:
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr="json")):
                return self._is_response(value)
            case ast.Subscript(value=value) | ast.Call(func=ast.Attribute(value=value, attr="get")):
                return self._is_body(value)
        return False

    def _is_response(self, node: ast.AST) -> bool:
        """Whether an expression is the response of a call around Callwell, of a provider that sends codes."""
        for origin in self._values.origins(node):
            raw = self._module.calls.raw.get(origin)
            if raw is not None and raw.provider.profile.errors.code:
                return True
            if isinstance(origin, ast.Attribute) and origin.attr == "response" and self._is_error(origin.value):
                return True
        return False

    def _is_error(self, node: ast.AST) -> bool:
        """Whether a name is an error of a call to a provider."""
        if not isinstance(node, ast.Name):
            return False
        for parent in self._syntax.parents(node):
            if isinstance(parent, ast.ExceptHandler) and parent.name == node.id:
                return self._catches_calls(parent)
        return any(is_error(name) for name in self._values.bindings.annotations(node, self._values.dotted))

    def _catches_calls(self, handler: ast.ExceptHandler) -> bool:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        names = [self._values.dotted(kind) if kind is not None else "" for kind in kinds]
        if any(is_error(name) for name in names):
            return True
        if not any(name in BROAD_EXCEPTIONS or library_of(name) for name in names):
            return False
        attempt = self._syntax.parent(handler)
        body = attempt.body if isinstance(attempt, ast.Try | ast.TryStar) else []
        reaching = self._module.calls.reaching
        return any(node in reaching for statement in body for node in inside(statement))


CHECK = Check(
    id="code.messages-compared",
    group=Group.CODE,
    title="Errors are told apart by class and code, not by their message",
    severity=Severity.ERROR,
    why="A provider may change the message of an error at any time; its codes are part of the contract.",
    fix="Catch the class of the error (`NotFound`, `RateLimited`), or compare `error.code`.",
    run=run,
)
