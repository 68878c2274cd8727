# SPDX-License-Identifier: Apache-2.0
"""Functions that repeat calls to a provider by calling themselves."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from callwell.readiness.code.retry_loops import Retries, chooses
from callwell.readiness.code.syntax import inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.readiness.code.syntax import Function

ANY_STATUS: Final = "a function repeats a request after any failure, even if the request was invalid"


class Recursions(Retries):
    """The functions of a module that call themselves after a failure."""

    def function_problem(self, function: Function) -> str | None:
        """What is wrong with a function that calls itself again; None if nothing is, or if it does not.

        Args:
            function: the function.
        """
        nodes = [node for statement in function.body for node in inside(statement)]
        again = {node for node in nodes if isinstance(node, ast.Call) and function in self._called(node)}
        if not again:
            return None
        for attempt in (node for node in nodes if isinstance(node, ast.Try | ast.TryStar)):
            for handler in attempt.handlers:
                if _has(handler.body, again) and not chooses(handler) and self._reaches(attempt.body):
                    problem = self._problem(attempt.body, self._caught(handler), "a function repeats")
                    if problem is not None:
                        return problem
        if not any(node in self._calls.raw for node in nodes):
            return None
        blocks = [function.body, *(node.body for node in nodes if isinstance(node, ast.With | ast.AsyncWith | ast.Try))]
        return ANY_STATUS if any(self._repeats_failures(block, again) for block in blocks) else None

    def _called(self, call: ast.Call) -> list[Function]:
        return self._values.bindings.functions(call.func)

    def _repeats_failures(self, block: list[ast.stmt], again: set[ast.Call]) -> bool:
        """Whether statements call the function again after any failure: `if not r.ok: return fetch(…)`."""
        for number, statement in enumerate(block):
            if not isinstance(statement, ast.If):
                continue
            tests = statement.test.values if isinstance(statement.test, ast.BoolOp) else [statement.test]
            if any(map(self._is_any_failure, tests)) and _has(statement.body, again):
                return True
            rest = [*statement.orelse, *block[number + 1 : number + 3]]
            ends = isinstance(statement.body[-1], ast.Return)
            if any(map(self._is_success, tests)) and ends and _has(_plain(rest), again):
                return True
        return False


def _plain(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements without those that decide something."""
    return (statement for statement in statements if isinstance(statement, ast.Return | ast.Expr | ast.Assign))


def _has(statements: Iterable[ast.stmt], calls: set[ast.Call]) -> bool:
    return any(node in calls for statement in statements for node in inside(statement))
