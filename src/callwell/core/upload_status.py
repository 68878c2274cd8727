# SPDX-License-Identifier: Apache-2.0
"""Reads from a status response which parts of a file a provider has.

A field that the profile does not name, or that the response leaves out, is None: nothing follows from it. Numbers are
read as `5` or `"5"`. A field that cannot be read is None too, and `UploadStatus.unreadable` names it: code that needs
it must not assume that all is well.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from callwell.core import json_values, ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.core.ranges import PieceRange
    from callwell.core.rules.operations import UntilRule, UploadRule

T = TypeVar("T")


class UploadStatus(NamedTuple):
    """The contents of one status response.

    Attributes:
        pieces: the pieces that have arrived; None if it does not say.
        total: the number of pieces that it expects.
        is_whole: whether the whole file is there.
        has_failed: the provider cannot use the file.
        word: the state in the provider's own words.
        size: the number of bytes that it has.
        checksum: of the bytes that it has, as in the response.
        checksum_matches: whether that equals the checksum of the sent file, once that is known.
        unreadable: the first field that cannot be read, and what is wrong with it; empty if all can.
    """

    pieces: tuple[PieceRange, ...] | None = None
    total: int | None = None
    is_whole: bool | None = None
    has_failed: bool = False
    word: str = ""
    size: int | None = None
    checksum: str | None = None
    checksum_matches: bool | None = None
    unreadable: str = ""


def parse_status(rule: UploadRule, json: Any) -> UploadStatus:
    """Read a response of the status operation. It never raises.

    Args:
        rule: where the response says what.
        json: the response's body.
    """
    problems = list[str]()

    def parse(name: str, parser: Callable[[Any], T], path: str | None) -> T | None:
        try:
            return parser(json_values.value_at(json, path))
        except json_values.AmbiguousValue as error:
            problems.append(f"{name}: {error}")
            return None

    state = rule.state
    word = None if state is None else json_values.value_at(json, state.at)
    return UploadStatus(
        pieces=parse("received", _parse_pieces, rule.received),
        total=parse("total", partial(_parse_total, rule), rule.total),
        is_whole=None if state is None or word is None else has_reached(state, json),
        has_failed=state is not None and find_failure(state, json) is not None,
        word="" if word is None else str(word),
        size=parse("size", json_values.to_count, rule.size),
        checksum=parse("checksum", _parse_checksum, rule.checksum),
        unreadable=problems[0] if problems else "",
    )


def _parse_pieces(value: Any) -> tuple[PieceRange, ...] | None:
    """The numbers of the pieces that have arrived; an unreadable one makes all of them uncertain."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise json_values.AmbiguousValue(value, "a list of numbers")
    numbers = [json_values.to_count(item) for item in value]
    return ranges.from_numbers([number for number in numbers if number])


def _parse_total(rule: UploadRule, value: Any) -> int | None:
    """The number of pieces; None for the placeholder that the client itself sends while the number is unknown."""
    return None if value is not None and value == rule.unknown_total else json_values.to_count(value)


def _parse_checksum(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    raise json_values.AmbiguousValue(value, "a string")


def has_reached(rule: UntilRule, json: Any) -> bool:
    """Whether an object is in a state. Flags are read as `true` or `"true"`."""
    word = json_values.value_at(json, rule.at)
    if _is_among(word, rule.values):
        return True
    try:
        return isinstance(word, str) and json_values.to_flag(word) in rule.values
    except json_values.AmbiguousValue:
        return False


def find_failure(rule: UntilRule, json: Any) -> str | None:
    """The provider's word for why an object will never reach a state; None while it still may.

    There can be several words, one for each product of the file. While one of them says that work continues, nothing is
    decided.
    """
    if rule.failed_at is None or has_reached(rule, json):
        return None
    words = _values_at(json, rule.failed_at.split("."))
    if any(_is_among(word, rule.pending) for word in words):
        return None
    return next((str(word) for word in words if _is_among(word, rule.failed)), None)


def _is_among(word: Any, known: tuple[str | bool, ...]) -> bool:
    """Whether a state is one that the profile names, ignoring case, which providers change without meaning anything."""
    if isinstance(word, str):
        return word.strip().lower() in [name.lower() for name in known if isinstance(name, str)]
    return word in known


def _values_at(json: Any, path: list[str]) -> list[Any]:
    """All values at a path, which may lead through lists."""
    if isinstance(json, list):
        return [word for item in json for word in _values_at(item, path)]
    if not path:
        return [json]
    return _values_at(json.get(path[0]), path[1:]) if isinstance(json, dict) else []
