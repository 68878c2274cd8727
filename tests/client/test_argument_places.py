# SPDX-License-Identifier: Apache-2.0
"""What each place can hold: nulls, commas, spaces, empty lists, and what would make another path."""

from __future__ import annotations

import math
import pathlib
from decimal import Decimal
from typing import Any

import pytest

from callwell.client.calls.parameter_styles import raw_query_pairs
from callwell.errors import InvalidOption
from tests.client.arguments import LIST, NOON, PLACES, TEXT, Colour, Level, Place, Shade, make, sent


def test_none_is_never_a_text() -> None:
    """It is null in JSON, absent in objects of queries, headers and forms, and refused in their lists."""
    loose: dict[str, Any] = {"type": ["object", "null"]}
    assert sent("body", loose, {"a": None, "b": [None]}) == {"a": None, "b": [None]}
    assert make("query", loose, {"a": None, "b": 1}).target == "/x?b=1"
    assert make("query", loose, {"a": {"c": None}, "b": 1}, style="deepObject").target == "/x?v%5Bb%5D=1"
    assert make("query", loose, {"a": None}, explode=False).target == "/x"
    assert make("header", loose, None).headers == ()
    form = make("body", {"type": ["string", "null"]}, None, form=True).body
    assert isinstance(form, bytes)
    assert b"null" not in form
    assert b"None" not in form
    anything: dict[str, Any] = {"type": "array"}
    for place in PLACES:
        with pytest.raises(InvalidOption):
            make(place, anything, ["a", None])
    with pytest.raises(InvalidOption):
        make("body", anything, ["a", None], form=True)


@pytest.mark.parametrize("place", PLACES)
def test_what_has_no_form_in_a_place_is_refused(place: Place) -> None:
    """Lists in lists and objects in lists are not written as Python writes them."""
    for value in ([["a"]], [{"a": 1}]):
        with pytest.raises(
            InvalidOption, match="a string, number or boolean, since it is sent in an address or a header"
        ):
            make(place, {}, value)
    with pytest.raises(InvalidOption):
        make("path", {}, {"a": 1})


def test_objects_that_are_not_exploded() -> None:
    """Keys and values stand in turn, with commas between them."""
    assert make("query", {}, {"a": 1, "b": True}, explode=False).target == "/x?v=a,1,b,true"
    assert sent("header", {}, {"a": 1, "b": Colour.RED}) == "a,1,b,red"


@pytest.mark.parametrize("place", ["query", "header"])
def test_a_comma_in_a_list_of_commas_is_refused(place: Place) -> None:
    """It would be two items for the reader; where items stand alone, it is a character like others."""
    with pytest.raises(InvalidOption, match="a string without a comma"):
        make(place, LIST, ["a,b"], explode=False)
    assert sent("query", LIST, ["a,b", "c"]) == ["a,b", "c"]
    assert sent("header", TEXT, "a,b") == "a,b"


def test_empty_lists_are_not_empty_texts() -> None:
    """Nothing is said of a list without items."""
    for how in (True, False):
        assert make("query", LIST, [], explode=how).target == "/x"
    assert make("header", LIST, []).headers == ()
    with pytest.raises(InvalidOption):
        make("path", LIST, [])


@pytest.mark.parametrize("value", ["a\nb", "a\r\nx: y", "\x00", "é", " a", "a ", "\ta"])
def test_headers_hold_what_arrives_unchanged(value: str) -> None:
    """No line breaks, nothing beyond ASCII, and no spaces that HTTP would take away."""
    for given in (value, [value]):
        with pytest.raises(InvalidOption, match="printable ASCII"):
            make("header", {}, given)


@pytest.mark.parametrize("value", ["", ".", "..", [".."], [""], pathlib.PurePosixPath("..")])
def test_no_value_makes_another_path(value: object) -> None:
    """A path segment is one identifier, whatever its Python type."""
    with pytest.raises(InvalidOption):
        make("path", {}, value)
    assert make("path", {}, "a/../b").target == "/x/a%2F..%2Fb"


def test_forms_have_the_same_values() -> None:
    """A field of a form is the text, and an object in it is JSON."""
    for value, text in (
        (NOON, b"2026-03-01T12:00:00Z"),
        (Decimal("1.10"), b"1.10"),
        (True, b"true"),
        (Shade.DARK, b"dark"),
    ):
        body = make("body", {}, value, form=True).body
        assert isinstance(body, bytes)
        assert b"\r\n\r\n" + text + b"\r\n" in body
    body = make("body", {}, {"price": Decimal("1.10")}, form=True).body
    assert isinstance(body, bytes)
    assert b'{"price":1.10}' in body


def test_queries_that_no_description_knows() -> None:
    """`request` takes the same values: lists are repeated, None is left out."""
    query = {"a": None, "b": True, "c": [1, Level.HIGH], "d": NOON, "e": Decimal("1.0"), "f": ""}
    assert raw_query_pairs(query) == [
        ("b", "true"),
        ("c", "1"),
        ("c", "3"),
        ("d", "2026-03-01T12:00:00Z"),
        ("e", "1.0"),
        ("f", ""),
    ]
    for value in ({"a": 1}, [None], math.nan, b"x"):
        with pytest.raises(InvalidOption, match="query: q"):
            raw_query_pairs({"q": value})
