# SPDX-License-Identifier: Apache-2.0
"""Explains one operation: what it takes and returns, what it counts against, and what happens when a call fails."""

from __future__ import annotations

import shlex
import textwrap
from typing import TYPE_CHECKING, Any, Final

from callwell.cli import output
from callwell.client.calls.operations import find_operation
from callwell.client.calls.validation import describe_schema
from callwell.description import schemas
from callwell.description.names import to_identifier
from callwell.description.plain_text import first_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.core.rules.operations import OperationRule, PagingRule
    from callwell.description.model import Operation, Parameter
    from callwell.description.provider import Provider

LABELS: Final = {
    "returns": "returns",
    "paging": "paging",
    "quotas": "quotas",
    "key": "key",
    "repeat": "repeat",
    "after_5xx": "after 5xx",
    "no_answer": "no answer",
    "python": "Python",
    "command": "command",
}
"""The facts below the arguments: their key in JSON, and their label on a terminal."""

LABEL: Final = 10
"""Columns before the text of a line."""

MOST_FIELDS: Final = 8
"""Fields of a result that are named."""

WIDEST: Final = 100
"""Columns of a line of text: longer ones are hard to read."""


def print_operation(provider: Provider, environment: str, name: str, given: str, *, as_json: bool) -> None:
    """Print the explanation of an operation.

    Args:
        provider: its provider.
        environment: the environment in effect.
        name: the operation, by its name or by the document's own one.
        given: the provider as the user named it.
        as_json: print one JSON object.

    Raises:
        UnknownName: there is no such operation.
    """
    operation = provider.operation(name)
    facts = _facts(provider, environment, operation, given)
    if as_json:
        output.emit_json(facts)
        return
    output.emit(facts["request"])
    for line in _wrap_text(operation.summary, 0):
        output.emit(line)
    output.emit("")
    if facts["arguments"]:
        columns = ("argument", "in", "type", "required", "about")
        output.emit_table(columns, [[row[key] for key in columns] for row in map(_shorten, facts["arguments"])])
        output.emit("")
    for field, label in LABELS.items():
        if facts[field]:
            for line in _wrap(label, facts[field]):
                output.emit(line)


def _facts(provider: Provider, environment: str, operation: Operation, given: str) -> dict[str, Any]:
    rule = provider.rule(operation.name)
    base_url = provider.environment(environment).base_url
    key = provider.in_environment(environment).profile.key
    return {
        "operation": operation.name,
        "request": f"{operation.method} {base_url}{operation.path}",
        "summary": operation.summary,
        "arguments": [_argument(parameter) for parameter in operation.parameters],
        "returns": _describe_result(operation, rule),
        "paging": None if rule.paging is None else _paging(rule.paging),
        "quotas": _quotas(provider, operation),
        "key": "none is sent" if operation.keyless else f"in the header {key.header}, from {key.env} by default",
        **_failures(provider, operation, rule),
        "python": _python(operation),
        "command": _command(operation, rule, given),
    }


def _argument(parameter: Parameter) -> dict[str, Any]:
    return {
        "argument": parameter.name,
        "in": parameter.location,
        "type": describe_schema(parameter.schema),
        "required": parameter.required,
        "about": parameter.summary,
    }


def _shorten(row: dict[str, Any]) -> dict[str, Any]:
    """An argument as a row of a table: the first sentence about it."""
    return {**row, "about": first_sentence(row["about"]).removesuffix(".")}


def _describe_result(operation: Operation, rule: OperationRule) -> str:
    if rule.asset is not None:
        return "a file, by the address in the response"
    if rule.paging is not None:
        item = schemas.at_path(operation.response_schema, rule.paging.first_item) or {}
        return f"a list of pages; each item is {_describe(item)}"
    others = ", ".join(media.name for media in operation.media if media.kind != "json" and media.name)
    if operation.response_schema:
        described = _describe(operation.response_schema)
        return f"{described}, or {others}" if others else described
    return others or "what the response has; the document does not say"


def _describe(schema: Mapping[str, Any]) -> str:
    """A result in words."""
    parts = schemas.alternatives(schema)
    if len(parts) > 1:
        return "one of several types"
    kinds = schemas.type_names(parts[0])
    properties = parts[0].get("properties")
    if "array" in kinds:
        return f"a list; each item is {_describe(parts[0].get('items') or {})}"
    if isinstance(properties, dict) and properties:
        names = list(properties)
        more = f" and {len(names) - MOST_FIELDS} more" if len(names) > MOST_FIELDS else ""
        return f"an object with {', '.join(names[:MOST_FIELDS])}{more}"
    return " or ".join(kinds) or "any value"


def _paging(rule: PagingRule) -> str:
    size = f", at most {rule.max_size} items a page" if rule.max_size else ""
    match rule.style:
        case "page" | "offset":
            return f"by {rule.style}, in {rule.position}{size}"
        case "cursor":
            return f"by cursor, in {rule.position}, from {rule.next or f'the last item ({rule.next_item})'}{size}"
        case "next-link":
            return f"by the link in {rule.next or rule.links}{size}"
        case _:
            return f"by the header Link{size}"


def _quotas(provider: Provider, operation: Operation) -> str:
    known = provider.profile.quotas
    texts = []
    for name in find_operation(provider, operation.name).plan.quotas:
        quota = known[name]
        limit = "its limit is learned from responses" if quota.adaptive else f"{quota.limit} in {quota.window_s:g} s"
        texts.append(f"{name} ({limit})")
    return ", ".join(texts) or "none"


def _failures(provider: Provider, operation: Operation, rule: OperationRule) -> dict[str, str]:
    """What happens when a call fails."""
    retry = provider.profile.retry
    if find_operation(provider, operation.name).plan.traits.repeatable:
        why = f"a {operation.method} may be sent twice" if rule.repeatable is None else "the profile says so"
        again = f"it is sent again, up to {retry.attempts} attempts"
        return {"repeat": f"safe: {why}", "after_5xx": again, "no_answer": again}
    found = "exactly_once searches for what it made" if rule.marker is not None else "exactly_once records it"
    unknown = f"OutcomeUnknown: it may be done, and is not sent again; {found}"
    after_5xx = (
        f"it is sent again, up to {retry.attempts} attempts: the profile says so" if retry.unsafe_5xx else unknown
    )
    return {"repeat": f"not safe: a {operation.method} may do it twice", "after_5xx": after_5xx, "no_answer": unknown}


def _python(operation: Operation) -> str:
    given = ", ".join(f"{to_identifier(parameter.name)}=…" for parameter in operation.parameters if parameter.required)
    return f"client.{operation.name}({given})"


def _command(operation: Operation, rule: OperationRule, given: str) -> str:
    values = " ".join(_command_value(parameter) for parameter in operation.parameters if parameter.required)
    verb = "list" if rule.paging is not None else "call"
    return f"callwell {verb} {shlex.quote(given)} {operation.name} {values}".rstrip()


def _command_value(parameter: Parameter) -> str:
    return f"{parameter.name}:={{…}}" if "object" in schemas.type_names(parameter.schema) else f"{parameter.name}=…"


def _wrap(label: str, text: str) -> Iterator[str]:
    """A labelled text in lines that fit the terminal. Code stays on one line, to be copied."""
    if label in (LABELS["python"], LABELS["command"]):
        yield f"{label:<{LABEL}} {text}"
        return
    first, *others = _wrap_text(text, LABEL + 1)
    yield f"{label:<{LABEL}} {first}"
    yield from (f"{'':<{LABEL}} {line}" for line in others)


def _wrap_text(text: str, indent: int) -> list[str]:
    """A string in lines that fit the terminal next to what is before them."""
    width = max(40, min(output.width(), WIDEST) - indent)
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
