# SPDX-License-Identifier: Apache-2.0
"""JSON bodies checked against a table of rules; one error names everything that is missing or of another type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from callwell.emulator.apivideo.languages import LANGUAGES
from callwell.emulator.apivideo.replies import ApiVideoError, ApiVideoProblem, api_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

INVALID: Final = "invalid-attribute"
LANGUAGE: Final = re.compile(r"[A-Za-z]+(-[A-Za-z]+)*")
LANGUAGE_MALFORMED: Final = 'The "language" attribute must contain only letters and dashes (for example "fr", "fr-BE").'
LANGUAGE_UNKNOWN: Final = 'The "language" attribute is not valid.'


class AttributeRule(NamedTuple):
    """What one attribute of a JSON body may be.

    Attributes:
        check: returns what is wrong with a value, None if nothing is. A string is the error's title, or its detail if
            it begins with a colon: the service uses both, by attribute.
        required: the attribute must be there, and not be empty.
        nullable: the attribute may be null, which becomes None.
    """

    check: Callable[[Any], str | None]
    required: bool = False
    nullable: bool = False


def check_text(value: Any) -> str | None:
    """Check that a value is a string."""
    return None if isinstance(value, str) else "This attribute must be a string."


def check_flag(value: Any) -> str | None:
    """Check that a value is true or false."""
    return None if isinstance(value, bool) else "This attribute must be a boolean."


def check_texts(value: Any) -> str | None:
    """Check that a value is a list of strings."""
    is_valid = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return None if is_valid else "This attribute must be an array."


def check_pairs(value: Any) -> str | None:
    """Check that a value is a list of keys with their values."""
    is_valid = isinstance(value, list) and all(
        isinstance(pair, dict) and isinstance(pair.get("key"), str) and isinstance(pair.get("value"), str)
        for pair in value
    )
    return None if is_valid else "This attribute must be an array."


def check_map(value: Any) -> str | None:
    """Check that a value is an object."""
    return None if isinstance(value, dict) else "This attribute must be an object."


def check_language(value: Any) -> str | None:
    """Check that a value is one of the languages that videos can have."""
    if not isinstance(value, str) or not LANGUAGE.fullmatch(value):
        return f":{LANGUAGE_MALFORMED}"
    return None if value in LANGUAGES else f":{LANGUAGE_UNKNOWN}"


def integer_between(minimum: int, maximum: int) -> Callable[[Any], str | None]:
    """Return a check that a value is a whole number between two bounds, both included."""

    def check(value: Any) -> str | None:
        # In Python, True is an integer.
        is_valid = isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum
        return None if is_valid else f":This value should be between {minimum} and {maximum}."

    return check


def text_up_to(max_length: int) -> Callable[[Any], str | None]:
    """Return a check that a value is a string of at most `max_length` characters."""

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return check_text(value)
        return None if len(value) <= max_length else f":At most {max_length} characters."

    return check


def list_of(*choices: str, max_items: int | None = None) -> Callable[[Any], str | None]:
    """Return a check that a value is a list of some of `choices`, of any strings if there are none.

    Args:
        choices: the strings that are allowed.
        max_items: how many items there may be.
    """

    def check(value: Any) -> str | None:
        complaint = check_texts(value)
        if complaint is not None:
            return complaint
        if choices and not set(value) <= set(choices):
            return f":Use {', '.join(choices)}."
        return f":At most {max_items} items." if max_items is not None and len(value) > max_items else None

    return check


def text_matching(pattern: str) -> Callable[[Any], str | None]:
    """Return a check that a value is a string which matches a pattern as a whole."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and compiled.fullmatch(value) else ":This value is not valid."

    return check


def parse_attributes(body: bytes, table: Mapping[str, AttributeRule]) -> dict[str, Any]:
    """Return the attributes of a body that the table knows; others are ignored.

    Args:
        body: JSON; every operation that takes attributes requires a body, if only `{}`.
        table: the rules by attribute.

    Raises:
        ApiVideoError: the body is not a JSON object, or some attributes are wrong; all of them are named.
    """
    is_empty = not body.strip()
    try:
        given = {} if is_empty else msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise api_error("invalid-payload") from error
    if not isinstance(given, dict):
        raise api_error("invalid-payload")
    checked = [_check_attribute(name, rule, given) for name, rule in table.items()]
    problems = [problem for problem in checked if problem is not None]
    if problems:
        raise ApiVideoError(*problems)
    # After the check: for an empty body, a required attribute that is missing is the better complaint.
    if is_empty:
        raise api_error("invalid-payload")
    return {name: given[name] for name in table if name in given}


def attribute_problem(name: str, complaint: str) -> ApiVideoProblem:
    """Return an attribute's problem, with the complaint as its title, or as its detail after a colon."""
    if complaint.startswith(":"):
        return ApiVideoProblem(INVALID, name, detail=complaint[1:])
    return ApiVideoProblem(INVALID, name, title=complaint)


def _check_attribute(name: str, rule: AttributeRule, given: Mapping[str, Any]) -> ApiVideoProblem | None:
    value = given.get(name)
    if rule.required and (value is None or value == ""):
        return ApiVideoProblem("attribute-required", name)
    if name not in given or (value is None and rule.nullable):
        return None
    complaint = rule.check(value)
    if value is None and complaint is None:
        complaint = ":Not null."
    return None if complaint is None else attribute_problem(name, complaint)
