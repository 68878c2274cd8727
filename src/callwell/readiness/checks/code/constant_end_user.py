# SPDX-License-Identifier: Apache-2.0
"""End users that are no end users: one ID for all of them, a new one for each call, or personal data."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Check, Finding, Group, Severity
from callwell.readiness.code.provider_signatures import read_signatures
from callwell.readiness.code.python_code import check_modules, read_python

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Unchecked
    from callwell.readiness.code.python_module import PythonModule
    from callwell.readiness.project import Project

OPTION: Final = "for_user"
"""Callwell's option for the end user."""

RANDOM: Final = frozenset({"uuid.uuid4", "uuid.uuid1", "secrets.token_hex", "secrets.token_urlsafe", "time.time"})
"""What gives another value each time."""

PERSONAL: Final = re.compile(r"(?:^|_)(?:e?mail|email_address|phone|phone_number|full_name|user_?name)$", re.IGNORECASE)
"""How programs name what says who a person is."""


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check the end users that calls name, except in tests."""
    signatures = read_signatures(project)
    yield from check_modules(read_python(project).provider_modules(*signatures.user_headers), _check_module)


def _check_module(module: PythonModule) -> Iterator[Finding]:
    calls = module.syntax.all(ast.Call) if _is_callwell(module) else ()
    for value in (value for call in calls for word, value in module.values.keywords(call) if word == OPTION):
        problem = _problem(module, value)
        if problem is not None:
            yield _finding(module, value, f"{OPTION} is {problem}")
    yield from _in_headers(module)


def _is_callwell(module: PythonModule) -> bool:
    """Whether a module has anything of Callwell, so that the option is Callwell's."""
    return bool(module.calls.through_callwell) or module.calls.imports_callwell


def _in_headers(module: PythonModule) -> Iterator[Finding]:
    """The header for the end user in calls around Callwell."""
    for name, value in _header_values(module):
        provider = module.signatures.user_headers.get(name.lower())
        if provider is None:
            continue
        problem = _problem(module, value)
        if problem is None and provider.profile.end_user is not None and _is_personal(value):
            problem = "personal data, not an anonymous ID"
        if problem is not None:
            yield _finding(module, value, f"the header {name} is {problem}")


def _header_values(module: PythonModule) -> Iterator[tuple[str, ast.expr]]:
    """The headers that a module sets with a name that is known, next to calls to a provider."""
    if not module.calls.raw:
        return
    for table in module.syntax.all(ast.Dict):
        for name, value in zip(table.keys, table.values, strict=True):
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value, value
    for target, value in module.syntax.assignments():
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            yield str(target.slice.value), value


def _finding(module: PythonModule, node: ast.AST, what: str) -> Finding:
    return Finding(what=f"{what}{module.cell(node)}", place=module.place(node), identity=what)


def _problem(module: PythonModule, node: ast.expr) -> str | None:
    """What is wrong with the ID of an end user, as far as the module shows."""
    if module.values.constant(node):  # an empty string stands for no user
        return "the same for everyone"
    inner = node.args[0] if isinstance(node, ast.Call) and node.args and _name(node) == "str" else node
    if isinstance(inner, ast.Attribute) and inner.attr in ("hex", "int"):
        inner = inner.value
    if isinstance(inner, ast.Call) and module.values.dotted(inner.func) in RANDOM:
        return "another one for each call, so every call counts as a new user"
    return None


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _is_personal(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return PERSONAL.search(name) is not None
    return False


CHECK = Check(
    id="code.constant-end-user",
    group=Group.CODE,
    title="Each end user has their own, anonymous ID",
    severity=Severity.ERROR,
    why="Providers count and bill end users by it. One ID for all makes the count wrong, a new one for each call makes "
    "the bill grow, and an e-mail address tells the provider who the person is.",
    fix="Pass your own stable ID of the user who is served: `client.with_options(for_user=user.id)`. The provider sees "
    "a pseudonym.",
    run=run,
)
