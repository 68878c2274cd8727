# SPDX-License-Identifier: Apache-2.0
"""What is sent is what the type means, wherever it goes: path, query, header, JSON body and form."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import http
import io
import math
import pathlib
import uuid
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import parse_qsl, unquote

import msgspec
import pytest

from callwell.client.binding import Bound, query_pairs
from callwell.client.wire_values import wire_value
from callwell.errors import InvalidOption
from callwell.keys import Key
from callwell.spec.model import Parameter
from tests.client.acme import bind, operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Place = Literal["path", "query", "header", "body"]

TEXT: Final = {"type": "string"}
LIST: Final = {"type": "array", "items": TEXT}
PLACES: Final[tuple[Place, ...]] = ("path", "query", "header")
NEW_YORK: Final = dt.timezone(dt.timedelta(hours=-4))
NOON: Final = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


class Colour(enum.Enum):
    """A plain enumeration."""

    RED = "red"


class Shade(enum.StrEnum):
    """One of texts."""

    DARK = "dark"


class Level(enum.IntEnum):
    """One of numbers."""

    HIGH = 3


class Count:
    """A number of another library's."""

    def __index__(self) -> int:
        return 7


class Name(str):
    """A text with a face of its own."""

    __slots__ = ()

    def __str__(self) -> str:
        return "<Name>"


class Cell:
    """A scalar of an array library's."""

    dtype = "bool"
    shape = ()

    def item(self) -> bool:
        """Its value."""
        return True


@dataclass
class Point:
    """A record of the standard library's."""

    x: int
    at: dt.datetime


class Pair(msgspec.Struct, rename="camel"):
    """A record with another name on the wire."""

    left_side: Colour


def make(place: Place, schema: dict[str, Any], value: object, *, form: bool = False, **how: Any) -> Bound:
    """A request with one argument."""
    path = "/x/{v}" if place == "path" else "/x"
    one = Parameter(name="v", wire="v", place=place, required=place == "path", schema=schema, **how)
    made = operation("x.y", "POST" if place == "body" else "GET", path, one)
    return bind(made if not form else operation_with_form(one), {"v": value})


def operation_with_form(one: Parameter) -> Any:
    """An operation that takes a form."""
    import dataclasses

    return dataclasses.replace(operation("x.y", "POST", "/x", one), form=True)


def sent(place: Place, schema: dict[str, Any], value: object, **how: Any) -> Any:
    """What arrives of one argument: texts, or JSON for a body."""
    bound = make(place, schema, value, **how)
    if place == "path":
        return unquote(bound.target.removeprefix("/x/"))
    if place == "header":
        return dict(bound.headers).get("v")
    if place == "query":
        pairs = parse_qsl(bound.target.partition("?")[2], keep_blank_values=True)
        return [text for _, text in pairs] if len(pairs) != 1 else pairs[0][1]
    assert isinstance(bound.body, bytes)
    return msgspec.json.decode(bound.body)["v"]


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
        ({}, dt.timedelta(1), "a span as a number or a text"),
        (TEXT, b"abc", "a text"),
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
        (TEXT, Key("k-1"), "a text"),
        ({"type": "integer"}, True, "a whole number"),
        ({"type": "integer"}, Decimal("5.5"), "a whole number"),
        ({"enum": [1, 2]}, True, "one of 1, 2"),
        (TEXT, Level.HIGH, "a text"),
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
    """A Decimal is a text where the field takes texts, and a number elsewhere."""
    schema = {
        "type": "object",
        "properties": {"price": TEXT, "prices": {"type": "array", "items": TEXT}},
        "additionalProperties": {"type": "number"},
    }
    one = Decimal("1.50")
    body = make("body", schema, {"price": one, "prices": (one,), "other": one}).body
    assert body == b'{"v":{"price":"1.50","prices":["1.50"],"other":1.50}}'


def test_none_is_never_a_text() -> None:
    """It is null in JSON, absent in objects of queries, headers and forms, and refused in their lists."""
    loose: dict[str, Any] = {"type": ["object", "null"]}
    assert sent("body", loose, {"a": None, "b": [None]}) == {"a": None, "b": [None]}
    assert make("query", loose, {"a": None, "b": 1}).target == "/x?b=1"
    assert make("query", loose, {"a": {"c": None}, "b": 1}, style="deepObject").target == "/x?v[b]=1"
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
        with pytest.raises(InvalidOption, match="plain values here"):
            make(place, {}, value)
    with pytest.raises(InvalidOption):
        make("path", {}, {"a": 1})


def test_objects_that_are_not_exploded() -> None:
    """Keys and values stand in turn, with commas between them."""
    assert make("query", {}, {"a": 1, "b": True}, explode=False).target == "/x?v=a%2C1%2Cb%2Ctrue"
    assert sent("header", {}, {"a": 1, "b": Colour.RED}) == "a,1,b,red"


@pytest.mark.parametrize("place", ["query", "header"])
def test_a_comma_in_a_list_of_commas_is_refused(place: Place) -> None:
    """It would be two items for the reader; where items stand alone, it is a character like others."""
    with pytest.raises(InvalidOption, match="a text without a comma"):
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
    """A segment is the name of one thing, whatever the type that it comes in."""
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
    assert query_pairs(query) == [
        ("b", "true"),
        ("c", "1"),
        ("c", "3"),
        ("d", "2026-03-01T12:00:00Z"),
        ("e", "1.0"),
        ("f", ""),
    ]
    for value in ({"a": 1}, [None], math.nan, b"x"):
        with pytest.raises(InvalidOption, match="query: q"):
            query_pairs({"q": value})


def test_plain_values_stay_what_they_are() -> None:
    """JSON in, the same JSON out."""
    value = {"a": [1, 1.5, "x", None, True, {"b": []}]}
    assert wire_value("v", {}, value) == value
