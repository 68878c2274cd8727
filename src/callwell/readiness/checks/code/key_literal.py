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

QUERY: Final = re.compile(r"[?&](?:access_token|api_?key|key|token)=([A-Za-z0-9_.~+/=-]{16,})", re.IGNORECASE)
"""A key in an address."""

SETTERS: Final = frozenset({"add_header", "putheader", "set_header", "setdefault", "add", "append", "set"})
"""Methods that take the name of a header and its value."""

HOLDERS: Final = frozenset({"Field", "field", "SecretStr", "SecretBytes", "Secret", "str", "StringVar"})
"""Functions around a value."""

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
    names = [(name, name.lower(), name.lower().replace("_", "-")) for name in signatures.key_variables]
    variables = [spelling for spellings in names for spelling in spellings]
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
    """Keys that are put together: `"abc_" + "…"`, `"".join(["abc_", "…"])`, `f"abc_{REST}"`."""
    calls = [call for call in module.syntax.all(ast.Call) if getattr(call.func, "attr", "") in ("join", "format")]
    sums = [more.target for more in module.syntax.all(ast.AugAssign)]
    for node in (*module.syntax.all(ast.BinOp), *module.syntax.all(ast.JoinedStr), *calls, *sums):
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
    if of_library or call in module.calls.reaching or module.calls.makes_client(call):
        yield from _in_keywords(module, call)
    yield from _of_option(module, call)


def _of_option(module: PythonModule, call: ast.Call) -> Iterator[Literal]:
    """Defaults of settings and options that are named as a key's variable, and arguments that are."""
    variables = module.signatures.key_variables
    names = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    named = [str(name).lstrip("-").replace("-", "_").upper() for name in names]
    if not variables.keys().isdisjoint(named):
        defaults = [word.value for word in call.keywords if word.arg in ("default", "fallback")]
        yield from _keys(module, defaults, f"as the default of {named[0].lower()}")
    for word in call.keywords:
        if word.arg is not None and word.arg.upper() in variables:
            yield from _keys(module, [word.value], f"as {word.arg}")


def _in_keywords(module: PythonModule, call: ast.Call) -> Iterator[Literal]:
    for word, value in module.values.keywords(call):
        if word in KEY_WORDS:
            yield from _keys(module, [value], f"as {word}")
        elif word == "auth":
            for first in module.values.origins(value):
                if isinstance(first, ast.Tuple) and first.elts:
                    yield from _keys(module, first.elts[:1], "as auth")
                elif isinstance(first, ast.Call):
                    yield from _keys(module, first.args[:1], "as auth")


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
    yield from _in_setters(module)
    yield from _in_texts(module)


def _in_setters(module: PythonModule) -> Iterator[Literal]:
    """Literals that a method makes the value of a header: `request.add_header("Authorization", "Bearer …")`."""
    headers = module.signatures.key_headers.keys()
    for call in module.syntax.all(ast.Call):
        if getattr(call.func, "attr", "") in SETTERS and len(call.args) > 1:
            header = next(iter(module.values.texts(call.args[0])), "")
            if header.lower() in headers:
                yield from _keys(module, call.args[1:2], f"as {header}")


def _in_texts(module: PythonModule) -> Iterator[Literal]:
    """Literals in lines of headers and in addresses: `"Authorization: Bearer …"`, `"…?access_token=…"`."""
    headers = "|".join(map(re.escape, module.signatures.key_headers))
    line = re.compile(rf"(?i:\b({headers}):\s*(?:bearer |basic |token )?)([A-Za-z0-9_.~+/=-]{{16,}})")
    for node in module.syntax.all(ast.Constant):
        if isinstance(node.value, str):
            for found in line.finditer(node.value):
                if may_be_key(found[2]):
                    yield Literal(node, found[2], f"as {found[1]}")
            if module.signatures.find_host(node.value):
                yield from (Literal(node, key, "in an address") for key in QUERY.findall(node.value) if may_be_key(key))


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
    yield from _in_tables(module)


def _in_tables(module: PythonModule) -> Iterator[Literal]:
    """Literals in tables under such a name, and beside a variable: `os.environ.get("SHOP_API_KEY") or "…"`."""
    variables = module.signatures.key_variables
    for table in module.syntax.all(ast.Dict):
        for key, value in zip(table.keys, table.values, strict=True):
            if isinstance(key, ast.Constant) and str(key.value).upper() in variables:
                yield from _keys(module, [value], f"as {key.value!s}")
    for choice in module.syntax.all(ast.BoolOp):
        if any(_reads_variable(module, option) for option in choice.values):
            yield from _keys(module, choice.values, "in place of a variable")


def _reads_variable(module: PythonModule, node: ast.expr) -> bool:
    """Whether an expression is the variable of a provider's key."""
    named = node.args[0] if isinstance(node, ast.Call) and node.args else getattr(node, "slice", None)
    func = node.func if isinstance(node, ast.Call) else getattr(node, "value", node)
    if named is None or not module.values.dotted(func).endswith((*GET_VARIABLE, "environ")):
        return False
    return not module.signatures.key_variables.keys().isdisjoint(module.values.texts(named))


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
            case ast.Call():
                for part in _held(module, origin):
                    yield from _constants(module, part)


def _held(module: PythonModule, call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that may be its result: of `Key("…")`, `os.getenv("NAME", "…")`, `Field(default="…")`."""
    name = module.values.dotted(call.func)
    held = [word.value for word in call.keywords if word.arg == "default"]
    if name in GET_VARIABLE:
        return [*call.args[1:2], *held]
    return [*call.args[:1], *held] if _holds(name) else held


def _holds(name: str) -> bool:
    return name in KEY_CLASSES or name.rpartition(".")[2] in HOLDERS


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
