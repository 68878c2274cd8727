# SPDX-License-Identifier: Apache-2.0
"""What a provider says it has of a file, read from the answer of its status operation.

A word that the profile does not name, or that the answer leaves out, is None: nothing follows from it. Numbers count in
either form that JSON has for them, `5` and `"5"`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.core import json_values, paging, ranges

if TYPE_CHECKING:
    from callwell.core.ranges import Run
    from callwell.core.rules.operations import UntilRule, UploadRule


class Received(NamedTuple):
    """What one answer says.

    Attributes:
        parts: the pieces that have arrived; None if it does not say.
        total: how many it expects.
        arrived: the whole file is there; False while it is not.
        failed: the provider cannot use the file.
        word: the state in the provider's own words.
        size: bytes that it has.
        checksum: of what it has, as the answer has it.
        same: whether that is the checksum of what was sent, once that was worked out.
    """

    parts: tuple[Run, ...] | None = None
    total: int | None = None
    arrived: bool | None = None
    failed: bool = False
    word: str = ""
    size: int | None = None
    checksum: str | None = None
    same: bool | None = None


def read(rule: UploadRule, json: Any) -> Received:
    """What an answer of the status operation says.

    Args:
        rule: where it says it.
        json: the answer's body.
    """
    parts = paging.at(json, rule.received)
    numbers = [number(one) for one in parts] if isinstance(parts, list) else None
    checksum = None if rule.checksum is None else paging.at(json, rule.checksum)
    state = rule.state
    word = None if state is None else paging.at(json, state.at)
    return Received(
        parts=None if numbers is None else ranges.of(one for one in numbers if one is not None and one > 0),
        total=number(paging.at(json, rule.total)),
        arrived=None if state is None or word is None else reached(state, json),
        failed=state is not None and failed(state, json) is not None,
        word="" if word is None else str(word),
        size=None if rule.size is None else number(paging.at(json, rule.size)),
        checksum=checksum if isinstance(checksum, str) and checksum else None,
    )


def reached(rule: UntilRule, json: Any) -> bool:
    """Whether an object is in a state. A flag counts in either form, `true` and `"true"`."""
    word = paging.at(json, rule.at)
    if word in rule.values:
        return True
    try:
        return isinstance(word, str) and json_values.flag(word) in rule.values
    except json_values.Unclear:
        return False


def failed(rule: UntilRule, json: Any) -> str | None:
    """The provider's word for why an object will never be in a state; None while it still may be.

    Several words can stand there, one for each thing that is made. While one of them says that work goes on, nothing is
    decided.
    """
    if rule.failed_at is None or reached(rule, json):
        return None
    words = _all(json, rule.failed_at.split("."))
    if any(word in rule.pending for word in words):
        return None
    return next((str(word) for word in words if word in rule.failed), None)


def number(value: object) -> int | None:
    """A number of things in any form that is plain, None for all else."""
    try:
        return json_values.count(value)
    except json_values.Unclear:
        return None


def _all(json: Any, path: list[str]) -> list[Any]:
    """What stands at a path that leads through lists."""
    if isinstance(json, list):
        return [word for one in json for word in _all(one, path)]
    if not path:
        return [json]
    return _all(json.get(path[0]), path[1:]) if isinstance(json, dict) else []
