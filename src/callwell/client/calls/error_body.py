# SPDX-License-Identifier: Apache-2.0
"""Reads an error response: its code, message and parameter, overall and for each problem, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from callwell.errors import Problem
from callwell.observe.redact import redact

if TYPE_CHECKING:
    from callwell.core.rules.profile import ErrorRule

MAX_TEXT: Final = 300
"""Characters of a provider's text that an error keeps: enough for a few sentences, but not a whole HTML page."""

MAX_PROBLEMS: Final = 100
"""Problems of one response that an error keeps: more would not help, and a body can list thousands."""

MAX_SHOWN_PROBLEMS: Final = 5
"""Problems that a message names: what fits in a line of a log."""


def read_problems(rule: ErrorRule, body: Any, secrets: tuple[str, ...] = ()) -> tuple[Problem, tuple[Problem, ...]]:
    """The overall problem that a body names, and the individual problems that it lists.

    Args:
        rule: where to find them.
        body: the decoded body of an error response, of any type.
        secrets: strings to hide.
    """
    listed = _find_value(body, rule.problems)
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    whole = _read_problem(rule, body, secrets)
    return whole, tuple(_read_problem(rule, item, secrets) for item in items[:MAX_PROBLEMS])


def format_problems(whole: Problem, listed: tuple[Problem, ...]) -> str:
    """All problems in one line, each with its parameter.

    Args:
        whole: the overall problem of the response; used if it lists none.
        listed: the problems that it lists.
    """
    texts = [
        f"{problem.parameter}: {problem.message}" if problem.parameter else problem.message
        for problem in listed or (whole,)
    ]
    more = f"; and {len(texts) - MAX_SHOWN_PROBLEMS} more" if len(texts) > MAX_SHOWN_PROBLEMS else ""
    return "; ".join(texts[:MAX_SHOWN_PROBLEMS]) + more


def _read_problem(rule: ErrorRule, body: Any, secrets: tuple[str, ...]) -> Problem:
    code, message, parameter = (
        redact(text, *secrets)[:MAX_TEXT] if text else None
        for text in (_read_code(rule, body), _read_text(body, rule.message), _read_parameter(body, rule.parameter))
    )
    return Problem(message or "", code, parameter)


def _read_code(rule: ErrorRule, body: Any) -> str | None:
    text = _read_text(body, rule.code)
    if text is None or rule.code_is == "text":
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return None if parts.scheme and not parts.netloc else parts.path.rstrip("/").rpartition("/")[2] or None


def _read_text(body: Any, paths: tuple[str, ...]) -> str | None:
    for path in paths:
        text = _to_text(_find_value(body, path))
        if text:
            return text
    return None


def _find_value(body: Any, path: str | None) -> Any:
    """The value at a dotted path. In a list, a number is an index, and a name means the first item that has it."""
    if path is None:
        return None
    if isinstance(body, dict) and path in body:
        return body[path]
    for step in path.split("."):
        if isinstance(body, list):
            if step.isdecimal():
                body = body[int(step)] if int(step) < len(body) else None
                continue
            body = next((item for item in body if isinstance(item, dict) and step in item), None)
        body = body.get(step) if isinstance(body, dict) else None
    return body


def _to_text(value: Any) -> str:
    """A code or message as text: a number as its digits, a list of strings joined."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "; ".join(value)
    return ""


def _read_parameter(body: Any, paths: tuple[str, ...]) -> str | None:
    """The name of a parameter; a list of names and indexes becomes a dotted path."""
    for value in (_find_value(body, path) for path in paths):
        if isinstance(value, list) and value and all(isinstance(step, str | int) for step in value):
            return ".".join(map(str, value))
    return _read_text(body, paths)
