# SPDX-License-Identifier: Apache-2.0
"""Finds decorators and loops that retry calls to a provider."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from callwell.readiness.code.callwell_names import LATER, REFUSALS, is_error
from callwell.readiness.code.statuses import FIRST_FAILURE, is_status, wrong_statuses
from callwell.readiness.code.syntax import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.code.python_module import PythonModule
    from callwell.readiness.code.syntax import Function

    Attempt = ast.Try | ast.TryStar

BROAD_EXCEPTIONS: Final = frozenset({"", "Exception", "BaseException"})

HTTP_ERRORS: Final = frozenset(
    {"HTTPError", "HTTPStatusError", "RequestException", "ClientError", "ClientResponseError", "HttpError"}
)
"""Errors of HTTP libraries for responses with a 4xx, by their last names."""

LIBRARIES: Final = (
    "tenacity",
    "stamina",
    "backoff",
    "retrying",
    "retry",
    "tenacious",
    "opnieuw",
    "retry2",
    "asyncstdlib",
)
"""Libraries that retry a function, by the package."""

ACTORS: Final = ("dramatiq.actor",)
"""Decorators of tasks that their queue retries after any failure by default."""

ANY_STATUS: Final = "a loop repeats a request after any failure, even if the request was invalid"


class Retries:
    """The retries of a module around calls to a provider.

    Args:
        module: the module.
    """

    def __init__(self, module: PythonModule) -> None:
        self._module = module
        self._values = module.values
        self._syntax = module.syntax
        self._calls = module.calls
        nested = any(word.arg == "nested" for word in module.syntax.all(ast.keyword))
        self._retried = frozenset() if nested else self._calls.reaching_through_callwell

    def decorator_problem(self, decorator: ast.expr, function: Function) -> str | None:
        """What is wrong with a decorator that retries a function; None if nothing is, or if it retries nothing.

        Args:
            decorator: the decorator.
            function: the function.
        """
        call = decorator if isinstance(decorator, ast.Call) else None
        name = self._values.dotted(call.func if call is not None else decorator)
        if name.partition(".")[0] not in LIBRARIES or not self._reaches(function.body):
            return None
        caught = self._exceptions(call) if call is not None else {""}
        if caught is None:
            return None
        return self._problem(function.body, caught, f"{name} repeats")

    def _exceptions(self, call: ast.Call) -> set[str] | None:
        """The classes of errors that a decorator retries; None if that is not known."""
        conditions = [word.value for word in call.keywords if word.arg in ("retry", "on", "exceptions", "exception")]
        conditions += [*call.args[:1]] if self._values.dotted(call.func).startswith(("stamina", "retry")) else []
        conditions += [*call.args[1:2]] if "on_exception" in self._values.dotted(call.func) else []
        if not conditions:
            given = self._values.dotted(call.func)
            return None if "on_predicate" in given else {"Exception"}
        names: set[str] = set()
        for condition in conditions:
            found = self._classes(condition)
            if found is None:
                return None
            names |= found
        return names

    def _classes(self, node: ast.expr) -> set[str] | None:
        """The full names of classes of errors; None if a function of its own decides."""
        match node:
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                found = [self._classes(part) for part in parts]
                return None if None in found else {name for names in found if names for name in names}
            case ast.Call(func=func, args=args) if self._values.dotted(func).endswith("retry_if_exception_type"):
                return self._classes(args[0]) if args else {"Exception"}
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                sides = [side for side in (self._classes(left), self._classes(right)) if side is not None]
                return set().union(*sides) if sides else None
            case ast.Name() | ast.Attribute():
                origins = self._values.origins(node)
                if len(origins) == 1 and origins[0] is not node and isinstance(origins[0], ast.Tuple):
                    return self._classes(origins[0])
                name = self._values.dotted(node)
                return {name} if name.rpartition(".")[2][:1].isupper() else None
        return None

    def task_problem(self, decorator: ast.expr, function: Function) -> str | None:
        """What is wrong with a task that its queue repeats (`autoretry_for` of Celery); None if nothing is.

        A queue may repeat a task after a failure that can pass, but not after a refusal.

        Args:
            decorator: the decorator.
            function: the function.
        """
        words = decorator.keywords if isinstance(decorator, ast.Call) else []
        name = self._values.dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if name in ACTORS and not any(_limits_retries(word) for word in words):
            return self._problem(function.body, {"Exception"}, "the queue repeats")
        caught = next((self._classes(word.value) for word in words if word.arg == "autoretry_for"), None)
        refused = {
            name for name in caught or () if name.rpartition(".")[2] in REFUSALS | HTTP_ERRORS | BROAD_EXCEPTIONS
        }
        if not refused or not self._reaches(function.body):
            return None
        return self._problem(function.body, refused, "the queue repeats")

    def handler_problem(self, handler: ast.ExceptHandler) -> str | None:
        """What is wrong with a handler that lets the queue repeat its task (`self.retry()` of Celery); None if nothing.

        Args:
            handler: the handler.
        """
        attempt = self._syntax.parent(handler)
        nodes = [node for statement in handler.body for node in inside(statement)]
        again = any(isinstance(node, ast.Call) and ast.unparse(node.func) == "self.retry" for node in nodes)
        if (
            not again
            or not isinstance(attempt, ast.Try | ast.TryStar)
            or chooses(handler)
            or not self._reaches(attempt.body)
        ):
            return None
        retried = REFUSALS | HTTP_ERRORS | BROAD_EXCEPTIONS
        refused = {name for name in self._caught(handler) if name.rpartition(".")[2] in retried}
        return self._problem(attempt.body, refused, "the queue repeats") if refused else None

    def attempts_problem(self, loop: ast.For | ast.AsyncFor) -> str | None:
        """What is wrong with a loop over the attempts of a library (`for attempt in Retrying(…)`); None if nothing is.

        Args:
            loop: the loop.
        """
        call = next((one for one in self._values.origins(loop.iter) if isinstance(one, ast.Call)), None)
        name = "" if call is None else self._values.dotted(call.func)
        if call is None or name.partition(".")[0] not in LIBRARIES or not self._reaches(loop.body):
            return None
        caught = self._exceptions(call)
        return None if caught is None else self._problem(loop.body, caught, f"{name} repeats")

    def loop_problem(self, loop: ast.For | ast.While) -> str | None:
        """What is wrong with a loop that retries calls; None if nothing is, or if it is not a retry.

        A loop is a retry if a success ends it, and a failure starts another iteration.

        Args:
            loop: the loop.
        """
        if isinstance(loop, ast.For) and not self._counts(loop.iter):
            return None
        for node in _of_this_loop(loop):
            if isinstance(node, ast.Try | ast.TryStar) and self._reaches(node.body) and _ends_loop(node, loop):
                for handler in node.handlers:
                    if not chooses(handler) and _goes_on(handler.body, loop, node):
                        problem = self._problem(node.body, self._caught(handler), "a loop repeats")
                        if problem is not None:
                            return problem
            elif isinstance(node, ast.With):
                problem = self._suppression_problem(node, loop)
                if problem is not None:
                    return problem
        return self._status_loop(loop)

    def _suppression_problem(self, node: ast.With, loop: ast.For | ast.While) -> str | None:
        """What is wrong with `with suppress(…)` around an attempt that ends the loop if it succeeds."""
        calls = (item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call))
        hidden = [call for call in calls if self._values.dotted(call.func).endswith("suppress")]
        if not hidden or node is not loop.body[-1] or not isinstance(node.body[-1], ast.Return | ast.Break):
            return None
        caught = {self._values.dotted(kind) for call in hidden for kind in call.args}
        return self._problem(node.body, caught, "a loop repeats")

    def _counts(self, iterated: ast.expr) -> bool:
        """Whether a loop counts attempts: `range(…)`, `itertools.count()`, a list of pauses."""
        if isinstance(iterated, ast.Call):
            name = self._values.dotted(iterated.func)
            if name == "enumerate" and iterated.args:
                return self._counts(iterated.args[0])
            if name == "range":
                names = {
                    part.func.id
                    for part in ast.walk(iterated)
                    if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)
                }
                return "len" not in names
            return name == "itertools.count"
        parts = iterated.elts if isinstance(iterated, ast.Tuple | ast.List) else []
        return bool(parts) and all(
            isinstance(part, ast.Constant) and isinstance(part.value, int | float) for part in parts
        )

    def _caught(self, handler: ast.ExceptHandler) -> set[str]:
        if handler.type is None:
            return {""}
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        return {self._values.dotted(kind) for kind in kinds}

    def _status_loop(self, loop: ast.For | ast.While) -> str | None:
        """A loop that checks the status of a raw response, and continues after a 4xx."""
        asked = inside(loop.test) if isinstance(loop, ast.While) else ()
        raw = [node for node in (*_of_this_loop(loop), *asked) if node in self._calls.raw]
        if not raw:
            return None
        if isinstance(loop, ast.While) and self._is_any_failure(loop.test):
            return ANY_STATUS
        for node in (node for node in _of_this_loop(loop) if isinstance(node, ast.If)):
            if self._is_any_failure(node.test) and (_continues(node.body) or _falls_through(node, loop)):
                return ANY_STATUS
            if self._is_success(node.test) and not node.orelse and _leaves(node.body) and _only_waits(node, loop):
                return ANY_STATUS
        return None

    def _is_success(self, test: ast.expr) -> bool:
        """Whether a condition only holds for a success: `r.ok`, `status == 200`, `200 <= status < 300`."""
        match test:
            case ast.Attribute(attr="ok" | "is_success"):
                return True
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[ast.Constant(value=int(status))]):
                return is_status(left) and status < FIRST_FAILURE
            case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE()], comparators=[ast.Constant(value=int(status))]):
                return is_status(left) and status <= FIRST_FAILURE
            case ast.Compare(ops=[_, ast.Lt() | ast.LtE()], comparators=[status, ast.Constant(value=int(end))]):
                return is_status(status) and end <= FIRST_FAILURE
        return False

    def _is_any_failure(self, test: ast.expr) -> bool:
        """Whether a condition holds for a permanent 4xx: `not r.ok`, `r.status_code != 200`, `>= 400`."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=ast.Attribute(attr="ok" | "is_success")):
                return True
            case ast.Attribute(attr="is_error" | "is_client_error"):
                return True
            case ast.Compare(left=left, ops=[operator], comparators=[ast.Constant(value=int(status))]) if is_status(
                left
            ):
                if isinstance(operator, ast.NotEq):
                    return status < FIRST_FAILURE
                return isinstance(operator, ast.GtE | ast.Gt) and status <= FIRST_FAILURE
            case ast.Compare(left=left, ops=[ast.In()], comparators=[listed]) if is_status(left):
                return bool(wrong_statuses(self._values, listed))
        return False

    def _problem(self, body: list[ast.stmt], caught: set[str], how: str) -> str | None:
        """What is wrong with repeating statements after these errors."""
        last = {name.rpartition(".")[2] for name in caught}
        if self._reaches(body, callwell=True):
            if last & (REFUSALS | BROAD_EXCEPTIONS):
                return f"{how} Callwell's calls after any failure, even after refusals"
            again = any(is_error(name) for name in caught) and not last <= LATER
            return f"{how} calls that Callwell already retries" if again else None
        if last & (HTTP_ERRORS | BROAD_EXCEPTIONS) and self._raises_for_status(body):
            return f"{how} a request after any failure, even if the request was invalid"
        return None

    def _raises_for_status(self, body: list[ast.stmt]) -> bool:
        """Whether statements, or functions of the module that they call, make an error of a refusal."""
        nodes = [node for statement in body for node in inside(statement)]
        calls = (node.func for node in nodes if isinstance(node, ast.Call))
        called = {function for func in calls for function in self._values.bindings.functions(func)}
        nodes += [node for function in called for statement in function.body for node in inside(statement)]
        return any(isinstance(node, ast.Attribute) and node.attr == "raise_for_status" for node in nodes)

    def _reaches(self, body: list[ast.stmt], *, callwell: bool = False) -> bool:
        wanted = self._retried if callwell else self._calls.reaching
        return any(node in wanted for statement in body for node in inside(statement))


def _of_this_loop(loop: ast.For | ast.While) -> Iterator[ast.AST]:
    """The nodes of a loop's body, except for those in nested loops and functions."""
    waiting: list[ast.AST] = list(loop.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(
            node, ast.For | ast.While | ast.AsyncFor | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        ):
            waiting.extend(ast.iter_child_nodes(node))


def _ends_loop(attempt: Attempt, loop: ast.For | ast.While) -> bool:
    """Whether a success of the tried statements ends the loop."""
    last = [body[-1] for body in (attempt.body, attempt.orelse) if body]
    if any(isinstance(statement, ast.Return | ast.Break) for statement in last):
        return True
    if attempt not in loop.body:
        return False
    after = loop.body[loop.body.index(attempt) + 1 :]
    return bool(after) and isinstance(after[-1], ast.Return | ast.Break)


def chooses(handler: ast.ExceptHandler) -> bool:
    """Whether a handler decides by the error itself what is retried.

    Args:
        handler: the handler.
    """
    for statement in handler.body:
        for node in inside(statement):
            if isinstance(node, ast.If | ast.IfExp | ast.Match):
                test = node.subject if isinstance(node, ast.Match) else node.test
                for part in ast.walk(test):
                    if isinstance(part, ast.Name) and part.id == handler.name:
                        return True
                    if isinstance(part, ast.Attribute) and part.attr in ("status_code", "status", "code"):
                        return True
    return False


def _goes_on(body: list[ast.stmt], loop: ast.For | ast.While, attempt: Attempt) -> bool:
    """Whether a handler of a failure starts another iteration."""
    if _continues(body):
        return True
    if isinstance(body[-1], ast.Raise | ast.Return | ast.Break):
        return False
    return attempt not in loop.body or attempt is loop.body[-1]


def _continues(body: list[ast.stmt]) -> bool:
    """Whether statements start another iteration, at least for some failures."""
    nodes = [node for statement in body for node in inside(statement)]
    return any(isinstance(node, ast.Continue) for node in nodes)


def _limits_retries(word: ast.keyword) -> bool:
    """Whether an argument of an actor chooses what is repeated, or says that nothing is."""
    never = isinstance(word.value, ast.Constant) and not word.value.value
    return word.arg in ("retry_when", "throws") or (word.arg == "max_retries" and never)


def _falls_through(failure: ast.If, loop: ast.For | ast.While) -> bool:
    """Whether the loop continues after a failure, and ends otherwise: `if failed: wait() else: return`."""
    return failure in loop.body[-1:] and not _leaves(failure.body) and bool(failure.orelse) and _leaves(failure.orelse)


def _leaves(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Return | ast.Break | ast.Raise)


def _only_waits(success: ast.If, loop: ast.For | ast.While) -> bool:
    """Whether only calls such as sleeping or logging follow in the loop."""
    if success not in loop.body:
        return False
    rest = loop.body[loop.body.index(success) + 1 :]
    names = {node.attr for statement in rest for node in inside(statement) if isinstance(node, ast.Attribute)}
    plain = all(isinstance(statement, ast.Expr | ast.AugAssign | ast.Assign) for statement in rest)
    return plain and "raise_for_status" not in names
