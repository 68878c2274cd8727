# SPDX-License-Identifier: Apache-2.0
"""Writes a profile as TOML for a person to complete: each part with its reason, each open question as a comment.

The fields of a record are written unless they have their defaults. So a new key of a profile needs no change here.
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.description.error import BARE_KEY
from callwell.description.infer.inference import QUOTA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.description.infer.evidence import Found, Question
    from callwell.description.infer.inference import Inferred

WIDTH: Final = 118
"""The line length of comments."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def write_profile(inferred: Inferred) -> str:
    """Write the text of `profile.toml`.

    Args:
        inferred: its content.
    """
    return "\n".join(_lines(inferred)).rstrip("\n") + "\n"


def to_toml(value: Any) -> str:
    """Write a value as TOML, on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            # A JSON string is a TOML string, except for DEL, which JSON does not escape.
            return json.dumps(_CONTROL.sub(" ", value), ensure_ascii=False)
        case dict():
            return f"{{ {', '.join(f'{to_key(name)} = {to_toml(item)}' for name, item in value.items())} }}"
        case _:
            return f"[{', '.join(map(to_toml, value))}]"


def to_key(name: str) -> str:
    """Write a key as TOML."""
    return name if BARE_KEY.fullmatch(name) else to_toml(name)


def _lines(inferred: Inferred) -> Iterator[str]:
    yield from _comment(
        f"How {inferred.title} behaves, as far as OpenAPI cannot say it. Written by `callwell init`: each part says "
        "whether the document says so (documented) or names and shapes suggest it (assumed). Questions begin with `?`."
    )
    yield ""
    for name in ("name", "title", "docs", "source"):
        value = getattr(inferred, name)
        if value:
            yield f"{name} = {to_toml(value)}"
    yield from _environments(inferred)
    yield from _key(inferred)
    yield from _quotas(inferred)
    if inferred.errors is not None:
        yield from _part("errors", inferred.errors)
    yield from _lists(inferred)
    for question in inferred.remarks:
        yield ""
        yield from _question(question)


def _environments(inferred: Inferred) -> Iterator[str]:
    for name, found in inferred.environments.by_name.items():
        yield from _part(f"environments.{to_key(name)}", found)
        if found.value.env:
            yield from _comment("assumed: it has keys of its own; without `env`, the key of the default one is sent")
    yield from _question_lines(inferred.environments.questions)


def _key(inferred: Inferred) -> Iterator[str]:
    yield from _part("key", inferred.key.rule, always=("scheme",))
    if inferred.canary is not None and inferred.key.rule.value.scheme != "none":
        yield from _comment("? which read may try a new key before other calls use it?")
        yield f"# canary = {to_toml(inferred.canary)}"
    yield from _question_lines(inferred.key.questions)


def _quotas(inferred: Inferred) -> Iterator[str]:
    yield ""
    yield from _comment("assumed: the limit is learned from responses; a documented one is better")
    yield f"[quotas.{QUOTA}]"
    yield "adaptive = true"
    yield from _question_lines(inferred.quota.questions)
    if inferred.quota.headers is not None:
        yield from _part("quota_headers", inferred.quota.headers)


def _lists(inferred: Inferred) -> Iterator[str]:
    for name, found in inferred.lists.items():
        yield from _part(f"operations.{to_key(name)}.paging", found, always=("style",))
    for name, problem in inferred.unclear.items():
        yield ""
        yield from _comment(f"? how are the pages of {name} read? {problem}")
        yield f"# [operations.{to_key(name)}.paging]"


def _part(table: str, found: Found[Any], *, always: Iterable[str] = ()) -> Iterator[str]:
    """Write a table with its reason."""
    yield ""
    yield from _comment(f"{found.level}: {found.reason}")
    yield f"[{table}]"
    for field in msgspec.structs.fields(type(found.value)):
        value = getattr(found.value, field.name)
        default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        if value is not None and (value != default or field.name in always):
            yield f"{to_key(field.name)} = {to_toml(value)}"
    yield from _question_lines(found.questions)


def _question_lines(questions: Iterable[Question]) -> Iterator[str]:
    for question in questions:
        yield from _question(question)


def _question(question: Question) -> Iterator[str]:
    yield from _comment(f"? {question.text}")
    yield from (f"# {line}" for line in question.example)


def _comment(text: str) -> Iterator[str]:
    """Write a comment. Text from a document may contain any character, so none may end the comment."""
    plain = " ".join(_CONTROL.sub(" ", text).split())
    yield from (f"# {line}" for line in textwrap.wrap(plain, WIDTH - 2, break_on_hyphens=False) or [""])
