# SPDX-License-Identifier: Apache-2.0
"""JSON bodies checked against a table: what is missing or of another kind is refused, all of it in one answer."""

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
    """One attribute.

    Attributes:
        complaint: what is wrong with a value: the title of the error, or its detail after a colon; None if nothing is.
        required: it must be there, and not be empty.
        nullable: it may be null, which is told as None.
    """

    check: Callable[[Any], str | None]
    required: bool = False
    nullable: bool = False


def check_text(value: Any) -> str | None:
    """A string."""
    return None if isinstance(value, str) else "This attribute must be a string."


def check_flag(value: Any) -> str | None:
    """True or false."""
    return None if isinstance(value, bool) else "This attribute must be a boolean."


def check_texts(value: Any) -> str | None:
    """A list of strings."""
    fits = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return None if fits else "This attribute must be an array."


def check_pairs(value: Any) -> str | None:
    """A list of keys with their values."""
    fits = isinstance(value, list) and all(
        isinstance(each, dict) and isinstance(each.get("key"), str) and isinstance(each.get("value"), str)
        for each in value
    )
    return None if fits else "This attribute must be an array."


def check_map(value: Any) -> str | None:
    """An object."""
    return None if isinstance(value, dict) else "This attribute must be an object."


def check_language(value: Any) -> str | None:
    """One of the languages that videos can have."""
    if not isinstance(value, str) or not LANGUAGE.fullmatch(value):
        return f":{LANGUAGE_MALFORMED}"
    return None if value in LANGUAGES else f":{LANGUAGE_UNKNOWN}"


def integer_between(least: int, most: int) -> Callable[[Any], str | None]:
    """A whole number between two bounds."""

    def complaint(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fits else f":This value should be between {least} and {most}."

    return complaint


def text_up_to(most: int) -> Callable[[Any], str | None]:
    """A string of some length at most."""

    def complaint(value: Any) -> str | None:
        fits = isinstance(value, str) and len(value) <= most
        return check_text(value) if not isinstance(value, str) else None if fits else f":At most {most} characters."

    return complaint


def list_of(*choices: str, most: int | None = None) -> Callable[[Any], str | None]:
    """A list of some of `choices`, or of anything if there are none, with `most` items at most."""

    def complaint(value: Any) -> str | None:
        wrong = check_texts(value)
        if wrong is None and choices and not set(value) <= set(choices):
            return f":Use {', '.join(choices)}."
        return f":At most {most} items." if wrong is None and most is not None and len(value) > most else wrong

    return complaint


def text_matching(pattern: str) -> Callable[[Any], str | None]:
    """A string of some shape."""
    shape = re.compile(pattern, re.ASCII)

    def complaint(value: Any) -> str | None:
        return None if isinstance(value, str) and shape.fullmatch(value) else ":This value is not valid."

    return complaint


def parse_attributes(body: bytes, table: Mapping[str, AttributeRule]) -> dict[str, Any]:
    """The attributes of a body that the table knows; others are ignored.

    Args:
        body: JSON; every operation that takes attributes requires one, if only `{}`.
        table: what there can be.

    Raises:
        ApiVideoError: the body is no JSON object, or something in it is wrong.
    """
    try:
        given = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise api_error("invalid-payload") from error
    if not isinstance(given, dict):
        raise api_error("invalid-payload")
    problems = [
        problem for name, field in table.items() if (problem := _check_attribute(name, field, given)) is not None
    ]
    if problems:
        raise ApiVideoError(*problems)
    if not body.strip():
        raise api_error("invalid-payload")
    return {name: given[name] for name in table if name in given}


def attribute_problem(name: str, complaint: str) -> ApiVideoProblem:
    """An attribute's problem, with the complaint as its title, or as its detail after a colon."""
    if complaint.startswith(":"):
        return ApiVideoProblem(INVALID, name, detail=complaint[1:])
    return ApiVideoProblem(INVALID, name, title=complaint)


def _check_attribute(name: str, field: AttributeRule, given: Mapping[str, Any]) -> ApiVideoProblem | None:
    value = given.get(name)
    if value is None or (field.required and value == ""):
        if field.required:
            return ApiVideoProblem("attribute-required", name)
        return (
            None if name not in given or field.nullable else attribute_problem(name, field.check(None) or ":Not null.")
        )
    complaint = field.check(value)
    return None if complaint is None else attribute_problem(name, complaint)
