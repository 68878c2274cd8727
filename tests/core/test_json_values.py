# SPDX-License-Identifier: Apache-2.0
"""Flags and numbers of responses in the types in which they really come."""

from __future__ import annotations

from typing import Any

import pytest

from callwell.core import json_values
from callwell.core.json_values import AmbiguousValue


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        *((value, True) for value in (True, 1, 1.0, "true", "TRUE", " True ", "1", "yes", "y", "on")),
        *((value, False) for value in (False, 0, 0.0, "false", "False", "0", "no", "off")),
        *((value, None) for value in (None, "", "null", "None")),
    ],
)
def test_flags(value: object, flag: bool | None) -> None:  # noqa: FBT001 - the value is the case
    """True, false, and what says as little as null."""
    assert json_values.to_flag(value) is flag


@pytest.mark.parametrize("value", [2, -1, 0.5, "maybe", "2", [], [True], {}, {"more": True}, float("nan")])
def test_what_is_no_flag_is_reported(value: object) -> None:
    """A value that may mean anything is refused with what was found."""
    with pytest.raises(AmbiguousValue, match="expected true or false, found"):
        json_values.to_flag(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((value, 5) for value in (5, 5.0, "5", " 5 ", "+5", "5.0", "5.00")),
        *((value, 0) for value in (0, "0", -0.0)),
        *((value, -1) for value in (-1, "-1", -1.0)),
        *((value, None) for value in (None, "", "null")),
        (2**70, 2**70),
    ],
)
def test_whole_numbers(value: object, number: int | None) -> None:
    """Strings and decimals that are whole numbers count as such."""
    assert json_values.to_integer(value) == number


@pytest.mark.parametrize(
    "value",
    [True, False, 5.5, "5.5", "1,000", "5 things", "5e0", "\u0665", "9" * 5000, [], [5], {"value": 5}, float("inf")],
)
def test_what_is_no_whole_number_is_reported(value: Any) -> None:
    """A flag is not a number, and neither is what must be guessed."""
    with pytest.raises(AmbiguousValue, match="expected a whole number, found") as caught:
        json_values.to_integer(value)
    assert len(str(caught.value)) < 120


def test_counts() -> None:
    """A number below zero means that the count is unknown."""
    assert [json_values.to_count(value) for value in (3, "3", 0, -1, "-1", None)] == [3, 3, 0, None, None, None]


@pytest.mark.parametrize(("value", "name"), [("a", "a"), (5, "5"), (5.0, "5"), (0, "0"), ("", None), (None, None)])
def test_names(value: object, name: str | None) -> None:
    """A number names an object as well as a string does."""
    assert json_values.to_name(value) == name


@pytest.mark.parametrize("value", [True, 5.5, [], {}, float("nan"), float("inf")])
def test_what_is_no_name_is_reported(value: object) -> None:
    """Nothing else can be put into an address."""
    with pytest.raises(AmbiguousValue, match="expected a name"):
        json_values.to_name(value)
