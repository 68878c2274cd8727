# SPDX-License-Identifier: Apache-2.0
"""Retries of the project's own: of responses that say the request is wrong, or around Callwell's retries."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Check, Finding, Group, Severity
from callwell.readiness.code.python_code import check_modules, read_python
from callwell.readiness.code.retry_loops import Retries
from callwell.readiness.code.retry_recursion import Recursions
from callwell.readiness.code.statuses import wrong_statuses
from callwell.readiness.code.syntax import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Unchecked
    from callwell.readiness.code.python_module import PythonModule
    from callwell.readiness.code.syntax import Function
    from callwell.readiness.project import Project

STATUS_LISTS: Final = frozenset({"status_forcelist", "status_codes", "statuses", "retry_statuses", "statuses_to_retry"})
"""Keyword arguments that take the statuses to retry."""

RETRY_CLASSES: Final = ("Retry", "ExponentialRetry", "RetryOptions", "RetryTransport", "LinearRetry", "JitterRetry")


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check retry loops, decorators and lists of statuses, except in tests."""
    yield from check_modules(read_python(project).provider_modules(), _check_module)


def _check_module(module: PythonModule) -> Iterator[Finding]:
    if not module.calls.reaching:
        return
    yield from _status_lists(module)
    retries = Retries(module)
    yield from _decorators(module, retries)
    yield from _loops(module, retries)


def _status_lists(module: PythonModule) -> Iterator[Finding]:
    """`Retry(status_forcelist=[404, 429, 500])`, in a module that calls a provider without Callwell."""
    if not module.calls.raw:
        return
    for call in module.syntax.all(ast.Call):
        if not module.values.dotted(call.func).endswith(RETRY_CLASSES):
            continue
        for word in call.keywords:
            wrong = sorted(wrong_statuses(module.values, word.value)) if word.arg in STATUS_LISTS else []
            if wrong:
                listed = ", ".join(map(str, wrong))
                yield _finding(module, word.value, f"responses with {listed} are retried", "status_forcelist")


def _decorators(module: PythonModule, retries: Retries) -> Iterator[Finding]:
    """Functions that call a provider, decorated by a library that retries them."""
    for function in module.syntax.functions():
        for decorator in function.decorator_list:
            problem = retries.decorator_problem(decorator, function) or retries.task_problem(decorator, function)
            if problem is not None:
                yield _finding(module, decorator, f"{problem} ({function.name})", f"{function.name} decorator")


def _loops(module: PythonModule, retries: Retries) -> Iterator[Finding]:
    loops: list[ast.For | ast.While] = [*module.syntax.all(ast.For), *module.syntax.all(ast.While)]
    for loop in loops:
        yield from _of_loop(module, loop, retries.loop_problem(loop))
    recursions = Recursions(module)
    for function in module.syntax.functions():
        yield from _of_loop(module, function, recursions.function_problem(function), "recursion")
    for handler in module.syntax.all(ast.ExceptHandler):
        yield from _of_loop(module, handler, retries.handler_problem(handler))
    walks: list[ast.For | ast.AsyncFor] = [*module.syntax.all(ast.For), *module.syntax.all(ast.AsyncFor)]
    for walk in walks:
        yield from _of_loop(module, walk, retries.attempts_problem(walk))


def _of_loop(module: PythonModule, loop: ast.AST, problem: str | None, kind: str = "loop") -> Iterator[Finding]:
    if problem is not None:
        function: Function | None = loop if isinstance(loop, FUNCTIONS) else module.syntax.function(loop)
        name = "the module" if function is None else function.name
        yield _finding(module, loop, problem, f"{name} {kind}")


def _finding(module: PythonModule, node: ast.AST, what: str, identity: str) -> Finding:
    return Finding(what=f"{what}{module.cell(node)}", place=module.place(node), identity=identity)


CHECK = Check(
    id="code.retries-4xx",
    group=Group.CODE,
    title="Only calls that may succeed later are retried, and in one place",
    severity=Severity.ERROR,
    why="A request that was refused as invalid is refused again, and each attempt spends the quota. Retries around "
    "Callwell's own multiply: six times five attempts for one call.",
    fix="Delete the retries of your own: Callwell retries 429, 5xx and lost connections. If the outer one must stay, "
    "make the calls with `nested=True`.",
    run=run,
)
