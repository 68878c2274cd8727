# SPDX-License-Identifier: Apache-2.0
"""What is sent is what the type means, wherever it goes: path, query, header, JSON body and form."""

from __future__ import annotations

import collections
import datetime as dt
import http
import io
import math
import pathlib
import uuid
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import pytest

from callwell.client.calls.wire_values import to_wire_value
from callwell.errors import InvalidOption
from callwell.keys import Key
from tests.client.arguments import (
    LIST,
    NEW_YORK,
    NOON,
    PLACES,
    TEXT,
    Cell,
    Colour,
    Count,
    Level,
    Name,
    Pair,
    Place,
    Point,
    Shade,
    make,
    sent,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


PLAIN: Final[list[tuple[dict[str, Any], object, str, object]]] = [
    (TEXT, Colour.RED, "red", "red"),
    (TEXT, Shade.DARK, "dark", "dark"),
    (TEXT, Name("ada"), "ada", "ada"),
    ({"type": "string", "enum": ["dark"]}, Shade.DARK, "dark", "dark"),
    ({"type": "integer"}, Level.HIGH, "3", 3),
    ({"type": "integer"}, http.HTTPStatus.OK, "200", 200),
    ({"type": "integer"}, Count(), "7", 7),
    ({"type": "integer"}, 10**30, str(10**30), 10**30),
    ({"type": "integer"}, Decimal("5.0"), "5", 5),
    ({"type": "number"}, Decimal("1.10"), "1.10", 1.1),
    ({"type": "number"}, Decimal("1E+3"), "1000", 1000),
    ({"type": "number"}, 1e21, "1e21", 1e21),
    ({"type": "number"}, 5.0, "5.0", 5.0),
    ({"type": "number"}, 3, "3", 3),
    (TEXT, Decimal("1.10"), "1.10", "1.10"),
    ({}, Decimal("1.10"), "1.10", 1.1),
    ({"type": "boolean"}, True, "true", True),
    ({"type": "boolean"}, False, "false", False),
    ({"type": "boolean"}, Cell(), "true", True),
    ({}, True, "true", True),
    (TEXT, NOON, "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
    (TEXT, NOON.replace(tzinfo=NEW_YORK), "2026-03-01T12:00:00-04:00", "2026-03-01T12:00:00-04:00"),
    (TEXT, NOON.replace(microsecond=5), "2026-03-01T12:00:00.000005Z", "2026-03-01T12:00:00.000005Z"),
    (
        {"type": "string", "format": "date-time"},
        NOON.replace(tzinfo=dt.timezone(dt.timedelta(hours=1, seconds=30))),
        "2026-03-01T10:59:30Z",
        "2026-03-01T10:59:30Z",
    ),
    ({"type": "string", "format": "date"}, dt.date(2026, 3, 1), "2026-03-01", "2026-03-01"),
    ({}, dt.date(2026, 3, 1), "2026-03-01", "2026-03-01"),
    (TEXT, dt.time(8, 30), "08:30:00", "08:30:00"),
    ({"type": "string", "format": "duration"}, dt.timedelta(minutes=5), "PT300S", "PT300S"),
    (TEXT, uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005", "00000000-0000-0000-0000-000000000005"),
    (TEXT, pathlib.PurePosixPath("a/b"), "a/b", "a/b"),
    ({"type": "string", "format": "byte"}, b"\x00\xff", "AP8=", "AP8="),
    ({"anyOf": [{"type": "null"}, {"type": "string"}]}, Colour.RED, "red", "red"),
]


@pytest.mark.parametrize("place", [*PLACES, "body"])
@pytest.mark.parametrize(("schema", "value", "text", "json"), PLAIN)
def test_a_value_means_the_same_everywhere(
    place: Place, schema: dict[str, Any], value: object, text: str, json: object
) -> None:
    """Path, query and header have the text that JSON has without its quotes."""
    assert sent(place, schema, value) == (json if place == "body" else text)


def test_decimals_keep_their_digits_in_bodies() -> None:
    """A number of a body is written as it was given."""
    body = make("body", {}, {"a": Decimal("0.10"), "b": [Decimal("12345678901234567890.5")]}).body
    assert body == b'{"v":{"a":0.10,"b":[12345678901234567890.5]}}'


@pytest.mark.parametrize("place", [*PLACES, "body"])
@pytest.mark.parametrize(
    ("schema", "value", "words"),
    [
        (TEXT, dt.datetime(2026, 3, 1, 12), "a time with a zone"),  # noqa: DTZ001 - it is the case
        ({}, dt.datetime(2026, 3, 1, 12), "a time with a zone"),  # noqa: DTZ001 - as above
        ({"type": "string", "format": "date"}, NOON, "a date without a time of day"),
        ({"type": "string", "format": "date-time"}, NOON.date(), "a time with a zone"),
        ({"type": "integer"}, NOON, "a whole number"),
        ({}, dt.timedelta(1), "a span as a number or a string"),
        (TEXT, b"abc", "a string"),
        ({}, b"abc", "bytes must be decoded first"),
        ({}, bytearray(b"abc"), "bytes must be decoded first"),
        ({"type": "number"}, math.nan, "a number"),
        ({"type": "number"}, math.inf, "a number"),
        ({"type": "number"}, Decimal("NaN"), "a number"),
        ({}, math.nan, "a finite number"),
        ({}, -math.inf, "a finite number"),
        ({}, Decimal("Infinity"), "a finite number"),
        ({}, Fraction(1, 3), "what JSON can hold"),
        ({}, 1j, "what JSON can hold"),
        ({}, object(), "what JSON can hold"),
        ({}, io.StringIO("a\nb"), "what JSON can hold"),
        ({}, "\ud800", "what JSON can hold"),
        ({}, Colour, "what JSON can hold"),
        (TEXT, Key("k-1"), "a string"),
        ({"type": "integer"}, True, "a whole number"),
        ({"type": "integer"}, Decimal("5.5"), "a whole number"),
        ({"enum": [1, 2]}, True, "one of 1, 2"),
        (TEXT, Level.HIGH, "a string"),
        ({"type": "boolean"}, 1, "True or False"),
        ({"type": "integer"}, "5", "a whole number"),
    ],
)
def test_what_may_mean_two_things_is_refused(place: Place, schema: dict[str, Any], value: object, words: str) -> None:
    """Nothing is sent of what is not plain, and the message says what is."""
    with pytest.raises(InvalidOption, match=words):
        make(place, schema, value)


def endless(value: list[Any]) -> list[Any]:
    """A list that holds itself."""
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        endless([]),
        {1: "a"},
        {None: "a"},
        {"a": {("b",): 1}},
        {"a": [b"x"]},
        {"a": {"b": math.nan}},
        {"a": object()},
        {Colour.RED: 1, "red": 2},
    ],
)
def test_the_inside_of_bodies_is_looked_at(value: object) -> None:
    """What JSON cannot hold is found however deep it is."""
    with pytest.raises(InvalidOption, match="what JSON can hold"):
        make("body", {}, value)


def numbers() -> Iterator[Colour]:
    """Something that gives its items once."""
    yield Colour.RED
    yield Colour.RED


@pytest.mark.parametrize(
    ("make_value", "items"),
    [
        (lambda: ["a", Shade.DARK], ["a", "dark"]),
        (lambda: ("a", "b"), ["a", "b"]),
        (lambda: {"c", "a", "b"}, ["a", "b", "c"]),
        (lambda: frozenset({"b", "a"}), ["a", "b"]),
        (numbers, ["red", "red"]),
        (lambda: collections.deque(["a", "b"]), ["a", "b"]),
        ({"a": 1}.keys, ["a"]),
        (lambda: map(str, range(2)), ["0", "1"]),
    ],
)
def test_whatever_holds_several_is_a_list(make_value: Callable[[], Any], items: list[str]) -> None:
    """Each place writes lists in its own way. A set is put in order, so that the same call is the same request."""
    assert sent("body", LIST, make_value()) == items
    assert [text for _, text in parse_qsl(make("query", LIST, make_value()).target.partition("?")[2])] == items
    for place in PLACES:
        assert sent(place, LIST, make_value(), explode=False) == ",".join(items)


def test_arrays_are_lists() -> None:
    """Arrays and scalars of the usual library are what they hold."""
    numpy = pytest.importorskip("numpy")
    values = {
        "i": numpy.int64(5),
        "f": numpy.float64(1.5),
        "s": numpy.float32(0.5),
        "b": numpy.bool_(True),
        "a": numpy.array([[1, 2], [3, 4]]),
    }
    assert sent("body", {}, values) == {"i": 5, "f": 1.5, "s": 0.5, "b": True, "a": [[1, 2], [3, 4]]}
    assert sent("query", {"type": "integer"}, numpy.int64(5)) == "5"
    assert sent("path", {"type": "integer"}, numpy.uint8(5)) == "5"
    with pytest.raises(InvalidOption):
        make("query", {"type": "number"}, numpy.float64("nan"))


def test_records_are_objects() -> None:
    """Records of several makes, with whatever is in them."""
    value = {
        "point": Point(1, NOON),
        "pair": Pair(Colour.RED),
        "deep": [{"when": NOON.date(), Colour.RED: {Level.HIGH}}],
    }
    assert sent("body", {}, value) == {
        "point": {"x": 1, "at": "2026-03-01T12:00:00Z"},
        "pair": {"leftSide": "red"},
        "deep": [{"when": "2026-03-01", "red": [3]}],
    }


def test_the_schema_of_a_field_counts_for_the_field() -> None:
    """A Decimal is a string where the field takes strings, and a number elsewhere."""
    schema = {
        "type": "object",
        "properties": {"price": TEXT, "prices": {"type": "array", "items": TEXT}},
        "additionalProperties": {"type": "number"},
    }
    decimal = Decimal("1.50")
    body = make("body", schema, {"price": decimal, "prices": (decimal,), "other": decimal}).body
    assert body == b'{"v":{"price":"1.50","prices":["1.50"],"other":1.50}}'


def test_plain_values_stay_what_they_are() -> None:
    """JSON in, the same JSON out."""
    value = {"a": [1, 1.5, "x", None, True, {"b": []}]}
    assert to_wire_value("v", {}, value) == value
