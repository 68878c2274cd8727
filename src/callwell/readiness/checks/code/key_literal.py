# SPDX-License-Identifier: Apache-2.0
"""Keys as literals in the project's Python."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.keys import Key
from callwell.readiness.check import Check, Finding, Group, Severity
from callwell.readiness.code.placeholders import may_be_key
from callwell.readiness.code.provider_signatures import read_signatures
from callwell.readiness.code.python_code import check_modules, read_python
from callwell.readiness.code.set_variables import set_variables
from callwell.readiness.code.syntax import parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Unchecked
    from callwell.readiness.code.python_module import PythonModule
    from callwell.readiness.project import Project

KEY_CLASSES: Final = frozenset({"callwell.Key", "callwell.keys.Key", "callwell.keys.key.Key"})

KEY_WORDS: Final = frozenset({"key", "api_key", "apikey", "access_token", "token", "auth_token"})
"""Keyword arguments that take a key, of calls that concern a provider."""

KEY_NAME: Final = re.compile(r"(?:^|[_-])(?:api[_-]?key|api[_-]?token|secret[_-]?key)$", re.IGNORECASE)
"""How programs name a key, whoever it belongs to."""

SCHEME: Final = re.compile(r"(?:bearer|basic|token|apikey)\s+", re.IGNORECASE)
"""What precedes a key in a header."""

AUTHORIZATION: Final = "authorization"

GET_VARIABLE: Final = ("os.environ.get", "os.getenv", "environ.get", "getenv")

FIX: Final = (
    "Delete the key at the provider and make a new one. Keep that in a file outside the tree or in an environment "
    'variable: key="file:PATH" or key="env:NAME".'
)


class Literal(NamedTuple):
    """A literal that is used as a key.

    Attributes:
        node: where it is.
        text: the literal.
        use: what it is used for, as a phrase.
    """

    node: ast.AST
    text: str
    use: str


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check the literals of all Python files. In tests only those of a known shape count."""
    signatures = read_signatures(project)
    prefixes = [shape.prefix for shape in signatures.shapes]
    variables = [*signatures.key_variables, *(name.lower() for name in signatures.key_variables)]
    terms = ["callwell", *prefixes, *variables, *signatures.hosts, *signatures.libraries]
    yield from check_modules(read_python(project).modules(*terms, tests=True), _check_module)


def _check_module(module: PythonModule) -> Iterator[Finding]:
    seen: set[tuple[int, str]] = set()
    for literal in _literals(module):
        fingerprint = Key(SCHEME.sub("", literal.text, count=1)).fingerprint
        at = (getattr(literal.node, "lineno", 0), fingerprint)
        if at not in seen:
            seen.add(at)
            yield Finding(
                what=f"a key is in the code{module.cell(literal.node)}, {literal.use} (fingerprint {fingerprint})",
                place=module.place(literal.node),
                identity=fingerprint,
            )


def _literals(module: PythonModule) -> Iterator[Literal]:
    yield from _of_known_shape(module)
    if not module.is_test:
        for call in module.syntax.all(ast.Call):
            yield from _in_call(module, call)
        yield from _in_headers(module)
        yield from _in_variables(module)


def _of_known_shape(module: PythonModule) -> Iterator[Literal]:
    for node in module.syntax.all(ast.Constant):
        if isinstance(node.value, str | bytes) and not _is_docstring(module, node):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            found = module.signatures.find_key(text)
            if found is not None:
                yield Literal(node, found[0], f"of the shape of {found[1].profile.title}'s keys")
    yield from _of_parts(module)


def _of_parts(module: PythonModule) -> Iterator[Literal]:
    """Keys that are put together: `"abc_" + "…"`, `"".join(["abc_", "…"])`."""
    for node in (*module.syntax.all(ast.BinOp), *module.syntax.all(ast.Call)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") != "join":
            continue
        for text in module.values.texts(node):
            found = module.signatures.find_key(text)
            if found is not None:
                yield Literal(node, found[0], f"of the shape of {found[1].profile.title}'s keys")


def _is_docstring(module: PythonModule, node: ast.AST) -> bool:
    return isinstance(module.syntax.parent(node), ast.Expr)


def _in_call(module: PythonModule, call: ast.Call) -> Iterator[Literal]:
    """Literals that a call takes as a key: `Key("…")`, `Client("x", key="…")`, `auth=("…", "")`."""
    name = module.values.dotted(call.func)
    if name in KEY_CLASSES:
        yield from _keys(module, call.args[:1], "in Key(…)")
    if name in GET_VARIABLE:
        variable = module.values.texts(call.args[0]) if call.args else ()
        if not module.signatures.key_variables.keys().isdisjoint(variable):
            values = call.args[1:2] + [word.value for word in call.keywords if word.arg == "default"]
            yield from _keys(module, values, f"as the value of {variable[0]}")
    of_library = _of_library(module, name)
    if of_library:
        yield from _keys(module, call.args[:1], f"as an argument of {name}")
    if of_library or call in module.calls.raw or module.calls.makes_client(call):
        yield from _in_keywords(module, call)


def _in_keywords(module: PythonModule, call: ast.Call) -> Iterator[Literal]:
    for word, value in module.values.keywords(call):
        if word in KEY_WORDS:
            yield from _keys(module, [value], f"as {word}")
        elif word == "auth":
            first = value
            if isinstance(first, ast.Tuple) and first.elts:
                first = first.elts[0]
            elif isinstance(first, ast.Call) and first.args:
                first = first.args[0]
            yield from _keys(module, [first], "as auth")


def _of_library(module: PythonModule, name: str) -> bool:
    return name.partition(".")[0] in module.signatures.libraries


def _in_headers(module: PythonModule) -> Iterator[Literal]:
    """Literals next to calls, in headers and bodies: `{"Authorization": "Bearer …"}`, `headers["api-key"] = "…"`."""
    headers = module.signatures.key_headers.keys()
    if not module.calls.raw:
        return
    for table in module.syntax.all(ast.Dict):
        for name, value in zip(table.keys, table.values, strict=True):
            header = str(name.value) if isinstance(name, ast.Constant) else ""
            if header.lower() in headers or KEY_NAME.search(header):
                yield from _keys(module, [value], f"as {header}")
    for target, value in module.syntax.assignments():
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            header = str(target.slice.value)
            if header.lower() in headers:
                yield from _keys(module, [value], f"as {header}")


def _in_variables(module: PythonModule) -> Iterator[Literal]:
    """Literals in variables named as a provider's key is: `SHOP_API_KEY = "…"`, `os.environ["…"] = "…"`."""
    variables = module.signatures.key_variables
    for name, value in set_variables(module):
        if name in variables:
            yield from _keys(module, [value], f"as the value of {name}")
    for target, value in module.syntax.assignments():
        name = _variable_name(target)
        if name.upper() in variables or (module.calls.raw and KEY_NAME.search(name)):
            yield from _keys(module, [value], f"as {name}")
    for function in module.syntax.functions():
        for parameter, default in parameters(function):
            if parameter.arg.upper() in variables and default is not None:
                yield from _keys(module, [default], f"as the default of {parameter.arg}")


def _variable_name(target: ast.expr) -> str:
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return ""


def _keys(module: PythonModule, nodes: list[ast.expr], use: str) -> Iterator[Literal]:
    """The literals that expressions may be, where they are keys and no placeholders."""
    for node in nodes:
        for constant in _constants(module, node):
            value = constant.value
            bare = SCHEME.sub("", value, count=1) if isinstance(value, str) else ""
            if may_be_key(bare):
                yield Literal(constant, bare, use)


def _constants(module: PythonModule, node: ast.expr) -> Iterator[ast.Constant]:
    """The literals that an expression may be made from."""
    for origin in module.values.origins(node):
        match origin:
            case ast.Constant():
                yield origin
            case ast.JoinedStr(values=parts):
                for part in parts:
                    yield from _constants(module, part.value if isinstance(part, ast.FormattedValue) else part)
            case ast.BinOp(left=left, right=right):
                yield from _constants(module, left)
                yield from _constants(module, right)
            case ast.Call(func=func, args=[_, default]) if module.values.dotted(func) in GET_VARIABLE:
                yield from _constants(module, default)
            case ast.Call(func=func, args=[first, *_]) if module.values.dotted(func) in KEY_CLASSES:
                yield from _constants(module, first)


CHECK = Check(
    id="code.key-literal",
    group=Group.CODE,
    title="No key is in the code",
    severity=Severity.ERROR,
    why="Everyone who can read the code, its history or a build of it has the key, and it cannot be changed without a "
    "release.",
    fix=FIX,
    run=run,
)
