# SPDX-License-Identifier: Apache-2.0
"""What an error answer says is wrong: code, words and parameter, once or for each fault, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from callwell.errors import Problem
from callwell.observe.redact import redact

if TYPE_CHECKING:
    from callwell.core.rules.profile import ErrorRule

MAX_TEXT: Final = 300
"""Characters of a provider's words that a message repeats."""

MAX_PROBLEMS: Final = 100
"""Problems of one answer that an error holds."""

MAX_SHOWN_PROBLEMS: Final = 5
"""Problems that a message names."""


def read_problems(rule: ErrorRule, body: Any, secrets: tuple[str, ...] = ()) -> tuple[Problem, tuple[Problem, ...]]:
    """What a body says is wrong as a whole, and one by one.

    Args:
        rule: where it says so.
        body: of an error answer, whatever it is.
        secrets: texts that are not repeated.
    """
    listed = _find_value(body, rule.problems)
    inner = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    whole = _read_problem(rule, body, secrets)
    return whole, tuple(_read_problem(rule, one, secrets) for one in inner[:MAX_PROBLEMS])


def format_problems(whole: Problem, each: tuple[Problem, ...]) -> str:
    """What is wrong, in one line: each fault with its parameter.

    Args:
        whole: what the answer says as a whole.
        each: what it says one by one.
    """
    problems = each or (whole,)
    lines = [
        f"{problem.parameter}: {problem.message}" if problem.parameter else problem.message for problem in problems
    ]
    more = f"; and {len(lines) - MAX_SHOWN_PROBLEMS} more" if len(lines) > MAX_SHOWN_PROBLEMS else ""
    return "; ".join(lines[:MAX_SHOWN_PROBLEMS]) + more


def _read_problem(rule: ErrorRule, said: Any, secrets: tuple[str, ...]) -> Problem:
    code, message, parameter = (
        redact(text, *secrets)[:MAX_TEXT] if text else None
        for text in (_read_code(rule, said), _read_text(said, rule.message), _read_parameter(said, rule.parameter))
    )
    return Problem(message or "", code, parameter)


def _read_code(rule: ErrorRule, said: Any) -> str | None:
    text = _read_text(said, rule.code)
    if text is None or rule.code_is == "text":
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return None if parts.scheme and not parts.netloc else parts.path.rstrip("/").rpartition("/")[2] or None


def _read_text(said: Any, places: tuple[str, ...]) -> str | None:
    for place in places:
        text = _to_text(_find_value(said, place))
        if text:
            return text
    return None


def _find_value(said: Any, place: str | None) -> Any:
    """What stands at a dotted place. Of a list it is what the place numbers, or else the first that has it."""
    if place is None:
        return None
    if isinstance(said, dict) and place in said:
        return said[place]
    for step in place.split("."):
        if isinstance(said, list):
            if step.isdecimal():
                said = said[int(step)] if int(step) < len(said) else None
                continue
            said = next((one for one in said if isinstance(one, dict) and step in one), None)
        said = said.get(step) if isinstance(said, dict) else None
    return said


def _to_text(value: Any) -> str:
    """A code or words: a number counts as its digits, a list of texts as all of them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return "; ".join(value)
    return ""


def _read_parameter(said: Any, places: tuple[str, ...]) -> str | None:
    """The name of a parameter, which may stand there step by step: a list of names and indexes."""
    for value in (_find_value(said, place) for place in places):
        if isinstance(value, list) and value and all(isinstance(step, str | int) for step in value):
            return ".".join(map(str, value))
    return _read_text(said, places)
