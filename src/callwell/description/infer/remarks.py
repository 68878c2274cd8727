# SPDX-License-Identifier: Apache-2.0
"""Remarks about what a profile cannot express, and about operations that a person may want to describe.

They become comments at the end of the profile, next to the rules of operations.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from callwell.description import schemas
from callwell.description.infer.evidence import Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from callwell.description.infer.facts import DocumentFacts
    from callwell.description.model import Operation

MAX_NAMED: Final = 5
"""The most operations that a remark names."""

_IDEMPOTENCY: Final = re.compile(r"(x-)?(idempotency|idempotent|request-idempotency)-?(key|token|id)?")
_FILE_FIELD: Final = re.compile(
    r"(download|file|image|content|export|archive|audio|video)_?(ur[il]|link)s?$", re.IGNORECASE
)


def find_remarks(facts: DocumentFacts) -> tuple[Question, ...]:
    """Find all remarks about a document.

    Args:
        facts: the document.
    """
    return tuple(
        remark for remark in (_idempotency(facts), _long_operations(facts), _files(facts)) if remark is not None
    )


def find_canary(facts: DocumentFacts) -> str | None:
    """Find a read without required parameters that could try a new key, preferably one about the caller."""
    reads = [
        operation.name
        for operation in facts.api.operations.values()
        if operation.method == "GET"
        and not operation.keyless
        and not any(parameter.required for parameter in operation.parameters)
    ]
    about_me = [
        name for name in reads if re.search(r"(^|[._])(me|self|whoami|current|authenticated|account)([._]|$)", name)
    ]
    return min(about_me or reads, key=len, default=None)


def _idempotency(facts: DocumentFacts) -> Question | None:
    named: dict[str, list[str]] = {}
    for operation in facts.api.operations.values():
        for parameter in operation.parameters:
            if parameter.location == "header" and _IDEMPOTENCY.fullmatch(parameter.wire_name.lower()):
                named.setdefault(parameter.name, []).append(operation.name)
    if not named:
        return None
    name, operations = max(named.items(), key=lambda item: len(item[1]))
    shown = _some(operations)
    text = f"{len(operations)} operations take {name} ({shown}); are they repeatable where every call gives it?"
    return Question(text, (f'[operations."{operations[0]}"]', "repeatable = true"))


def _long_operations(facts: DocumentFacts) -> Question | None:
    accepted = {(response.method, response.path) for response in facts.responses if response.status == "202"}
    names = [
        operation.name for operation in facts.api.operations.values() if (operation.method, operation.path) in accepted
    ]
    if not names:
        return None
    return Question(
        f"{len(names)} operations may answer 202 and continue working ({_some(names)}): poll what they create"
    )


def _files(facts: DocumentFacts) -> Question | None:
    found = [(operation, path) for operation in facts.api.operations.values() for path in _file_fields(operation)]
    if not found:
        return None
    operation, path = found[0]
    names = list(dict.fromkeys(operation.name for operation, _ in found))
    text = f"{len(names)} operations have fields that look like addresses of files ({_some(names)})"
    *first, _ = operation.name.split(".")
    variables = "".join(f"/{{{parameter.name}}}" for parameter in operation.parameters if parameter.location == "path")
    example = (
        f'[operations."{operation.name}".asset]',
        f'url = "{path}"',
        f'name = "{".".join(first)}{variables}/file"',
    )
    return Question(text, example)


def _file_fields(operation: Operation) -> Iterator[str]:
    """The fields of a single object that hold the address of a file."""
    properties: Mapping[str, Any] = operation.response_schema.get("properties") or {}
    for name, schema in properties.items() if operation.method == "GET" else ():
        if isinstance(schema, dict) and _FILE_FIELD.search(name) and schemas.type_names(schema) == ["string"]:
            yield name


def _some(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - MAX_NAMED} more" if len(known) > MAX_NAMED else ""
    return ", ".join(known[:MAX_NAMED]) + more
