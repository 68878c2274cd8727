# SPDX-License-Identifier: Apache-2.0
"""Infers from documented schemas where error responses have message, code, parameter and list of problems."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.core.rules.profile import ErrorRule
from callwell.description import schemas
from callwell.description.infer.answer_fields import AnswerField, plain_name, read_fields
from callwell.description.infer.evidence import Found

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from callwell.description.infer.facts import DescribedResponse, DocumentFacts

MESSAGES: Final = (
    *("message", "errormessage", "msg", "errordescription", "detail", "description", "usermessage", "longmessage"),
    *("title", "reason", "errorsummary", "summary", "text", "error", "errors", "hint"),
)
CODES: Final = ("code", "errorcode", "errortype", "type", "name", "errorid", "error", "reason", "id")
PARAMETERS: Final = (
    "param",
    "parameter",
    "field",
    "loc",
    "pointer",
    "property",
    "path",
    "fieldname",
    "attribute",
    "name",
)
TOP_PARAMETERS: Final = ("param", "parameter", "field")
"""The subset that means a parameter at the top level of a body, too: a `path` or `name` there may be anything."""

PROBLEMS: Final = (
    *("errors", "details", "detail", "problems", "violations", "issues", "invalidparams", "fielderrors", "elements"),
    *("validationerrors", "error"),
)
PARENTS: Final = frozenset({"error", "errors", "fault", "meta", "data", "status", "problem", "exception", "response"})
"""Objects that may contain the message of an error."""

MAX_PATHS: Final = 4
"""The most paths of one kind that are written: documents have a few shapes of errors, and often a stray one."""

MAX_PATHS_OF_SCHEMA: Final = 2
"""The most paths of one kind from one schema: the likeliest name, and one more."""

PROBLEM_TYPE: Final = "application/problem+json"
REQUEST_IDS: Final = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "x-trace-id")


class ProblemPaths(NamedTuple):
    """Where one problem of a list has its parts, as paths inside the problem.

    Attributes:
        messages: strings for people.
        codes: strings or numbers for programs.
        parameters: names of wrong parameters.
    """

    messages: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()


NO_PROBLEM: Final = ProblemPaths()


class ErrorShape(NamedTuple):
    """Where one schema of an error has its parts, as paths.

    Attributes:
        messages: strings for people.
        codes: strings or numbers for programs.
        parameters: names of wrong parameters.
        problems: the list of single problems.
        in_problems: the paths inside each problem.
    """

    messages: tuple[str, ...]
    codes: tuple[str, ...]
    parameters: tuple[str, ...]
    problems: str | None = None
    in_problems: ProblemPaths = NO_PROBLEM


def infer_errors(facts: DocumentFacts) -> Found[ErrorRule] | None:
    """Infer where errors have their message and code; None if no error is described.

    Args:
        facts: the document.
    """
    errors = [
        response for response in facts.responses if response.status[:1] in ("4", "5") or response.status == "default"
    ]
    shapes: Counter[ErrorShape] = Counter()
    for response in errors:
        shape = _read_shape(response)
        if shape.messages or shape.codes or shape.problems:
            shapes[shape] += 1
    if not shapes:
        return None
    ordered = [shape for shape, _ in shapes.most_common()]
    problems = next((shape for shape in ordered if shape.problems), None)
    nested = problems.in_problems if problems else NO_PROBLEM
    is_problem = any(PROBLEM_TYPE in error.media for error in errors)
    codes = _merge((shape.codes for shape in ordered), nested.codes)
    rule = ErrorRule(
        code=codes,
        code_is="url" if is_problem and codes[:1] == ("type",) else "text",
        message=_merge((shape.messages for shape in ordered), nested.messages) or ErrorRule().message,
        parameter=_merge((shape.parameters for shape in ordered), nested.parameters),
        problems=problems.problems if problems else None,
        request_id=_request_ids(facts),
    )
    return Found(rule, "documented", f"the schemas of {sum(shapes.values())} responses")


def _read_shape(response: DescribedResponse) -> ErrorShape:
    body = response.schema
    fields = [
        field
        for field in read_fields(body)
        if not field.parents or (len(field.parents) == 1 and field.parents[0] in PARENTS)
    ]
    fields += _fields_of_first(body)
    lists = (field for name in PROBLEMS for field in fields if field.name == name and _item_schema(field.schema))
    listed = next(lists, None)
    nested = _problem_paths(read_fields(_item_schema(listed.schema)) if listed else [])
    messages = tuple(_paths(fields, MESSAGES, "string"))
    codes = [path for path in _paths(fields, CODES, "string", "integer") if path not in messages[:1]]
    return ErrorShape(
        messages=messages,
        codes=tuple(codes),
        parameters=tuple(path for path in _paths(fields, TOP_PARAMETERS, "string") if path not in codes),
        problems=listed.path if listed and nested.messages else None,
        in_problems=nested,
    )


def _problem_paths(fields: list[AnswerField]) -> ProblemPaths:
    """The paths inside one problem of a list."""
    top = [field for field in fields if not field.parents]
    messages = list(_paths(top, MESSAGES, "string"))[:MAX_PATHS_OF_SCHEMA]
    codes = [path for path in _paths(top, CODES, "string", "integer") if path not in messages][:MAX_PATHS_OF_SCHEMA]
    taken = [*messages, *codes]
    parameters = [path for path in _paths(top, PARAMETERS, "string", "array") if path not in taken]
    return ProblemPaths(tuple(messages), tuple(codes), tuple(parameters[:MAX_PATHS_OF_SCHEMA]))


def _fields_of_first(body: Mapping[str, Any]) -> list[AnswerField]:
    """The fields of the first error, if the whole body is a list of errors."""
    if "array" not in schemas.value_types(body):
        return []
    return [field._replace(path=f"0.{field.path}") for field in read_fields(_item_schema(body)) if not field.parents]


def _item_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of an item of a list of objects; empty for anything else."""
    for part in schemas.alternatives(schema):
        items = part.get("items")
        if isinstance(items, dict) and "object" in schemas.value_types(items):
            return items
    return {}


def _paths(fields: Iterable[AnswerField], names: Iterable[str], *kinds: str) -> Iterator[str]:
    """The paths of fields with these names, in the order of the names, top-level ones first."""
    known = sorted(fields, key=lambda field: len(field.parents))
    for name in names:
        for field in known:
            if field.name == name and field.is_a(*kinds) and not field.schema.get("properties"):
                yield field.path


def _merge(groups: Iterable[tuple[str, ...]], nested: tuple[str, ...]) -> tuple[str, ...]:
    """The first distinct paths of each group, followed by those of single problems."""
    first = dict.fromkeys(path for group in groups for path in group[:MAX_PATHS_OF_SCHEMA])
    return tuple(dict.fromkeys([*list(first)[:MAX_PATHS], *nested]))


def _request_ids(facts: DocumentFacts) -> tuple[str, ...]:
    """The headers with the provider's request ID, documented ones first."""
    documented = {name for response in facts.responses for name in response.headers}
    wanted = {plain_name(name) for name in REQUEST_IDS}
    found = sorted(name for name in documented if name in REQUEST_IDS or plain_name(name).removeprefix("x") in wanted)
    return tuple(dict.fromkeys([*found, *ErrorRule().request_id]))
