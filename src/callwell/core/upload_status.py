# SPDX-License-Identifier: Apache-2.0
"""What a provider has of a file, as the response of its status operation says.

A field that the profile does not name, or that the response leaves out, is None: nothing follows from it. Numbers are
read in either form that JSON has for them, `5` and `"5"`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.core import json_values, ranges

if TYPE_CHECKING:
    from callwell.core.ranges import PieceRange
    from callwell.core.rules.operations import UntilRule, UploadRule


class UploadStatus(NamedTuple):
    """What one response says.

    Attributes:
        pieces: the pieces that have arrived; None if it does not say.
        total: how many pieces it expects.
        is_whole: whether the whole file is there.
        has_failed: the provider cannot use the file.
        word: the state in the provider's own words.
        size: bytes that it has.
        checksum: of what it has, as the response gives it.
        checksum_matches: whether that is the checksum of what was sent, once that is known.
    """

    pieces: tuple[PieceRange, ...] | None = None
    total: int | None = None
    is_whole: bool | None = None
    has_failed: bool = False
    word: str = ""
    size: int | None = None
    checksum: str | None = None
    checksum_matches: bool | None = None


def parse_status(rule: UploadRule, json: Any) -> UploadStatus:
    """Read a response of the status operation. It never raises: what cannot be read counts as not said.

    Args:
        rule: where the response says what.
        json: the response's body.
    """
    listed = json_values.value_at(json, rule.received)
    numbers = [parse_count(value) for value in listed] if isinstance(listed, list) else None
    checksum = None if rule.checksum is None else json_values.value_at(json, rule.checksum)
    state = rule.state
    word = None if state is None else json_values.value_at(json, state.at)
    return UploadStatus(
        pieces=None if numbers is None else ranges.from_numbers(number for number in numbers if number),
        total=parse_count(json_values.value_at(json, rule.total)),
        is_whole=None if state is None or word is None else has_reached(state, json),
        has_failed=state is not None and find_failure(state, json) is not None,
        word="" if word is None else str(word),
        size=None if rule.size is None else parse_count(json_values.value_at(json, rule.size)),
        checksum=checksum if isinstance(checksum, str) and checksum else None,
    )


def has_reached(rule: UntilRule, json: Any) -> bool:
    """Whether an object is in a state. Flags are read in either form, `true` and `"true"`."""
    word = json_values.value_at(json, rule.at)
    if word in rule.values:
        return True
    try:
        return isinstance(word, str) and json_values.to_flag(word) in rule.values
    except json_values.AmbiguousValue:
        return False


def find_failure(rule: UntilRule, json: Any) -> str | None:
    """The provider's word for why an object will never reach a state; None while it still may.

    There can be several words, one for each thing that is made of the file. While one of them says that work goes
    on, nothing is decided.
    """
    if rule.failed_at is None or has_reached(rule, json):
        return None
    words = _values_at(json, rule.failed_at.split("."))
    if any(word in rule.pending for word in words):
        return None
    return next((str(word) for word in words if word in rule.failed), None)


def parse_count(value: object) -> int | None:
    """A number of things in any form with one meaning; None for all else."""
    try:
        return json_values.to_count(value)
    except json_values.AmbiguousValue:
        return None


def _values_at(json: Any, path: list[str]) -> list[Any]:
    """All values at a path that may lead through lists."""
    if isinstance(json, list):
        return [word for item in json for word in _values_at(item, path)]
    if not path:
        return [json]
    return _values_at(json.get(path[0]), path[1:]) if isinstance(json, dict) else []
