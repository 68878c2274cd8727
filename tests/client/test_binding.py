# SPDX-License-Identifier: Apache-2.0
"""Arguments become requests: names, types, places and wire forms."""

from __future__ import annotations

import string
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from callwell.client import NOT_GIVEN
from callwell.client.calls.binding import BoundRequest
from callwell.client.calls.validation import check_value, describe_schema
from callwell.description.model import Parameter
from callwell.errors import InvalidOption, UnknownName
from tests.client.acme import STRING_SCHEMA, acme, bind, operation, parameter

API = acme().api.operations
MAKE = API["things.make"]
LIST = API["things.list"]
GET = API["things.get"]


def test_places() -> None:
    """Each argument goes where the description says: path, query, header, body."""
    assert bind(GET, {"thing_id": "a"}) == BoundRequest("GET", "/things/a", None)
    result = bind(MAKE, {"name": "n", "count": 3, "trace": "t", "labels": {"a": "b"}})
    assert (result.method, result.target, result.headers) == ("POST", "/things", (("x-trace", "t"),))
    assert isinstance(result.body, bytes)
    assert msgspec.json.decode(result.body) == {"name": "n", "count": 3, "labels": {"a": "b"}}


def test_wire_forms() -> None:
    """Booleans in lower case, indexed and repeated lists, reserved characters quoted."""
    bound = bind(LIST, {"page": 2, "deep": True, "tags": ["a&b", "ü", ""], "ids": [1, 2], "colour": "red"})
    assert (
        bound.target
        == "/things?page=2&colour=red&deep=true&tags%5B0%5D=a%26b&tags%5B1%5D=%C3%BC&tags%5B2%5D=&ids=1&ids=2"
    )
    assert bind(LIST, {"deep": False, "tags": []}).target == "/things?deep=false"


def test_absent_and_null() -> None:
    """`NOT_GIVEN` is absent, None is null where the body may hold it, and absent everywhere else."""
    assert bind(MAKE, {"name": "n", "note": NOT_GIVEN, "count": NOT_GIVEN}).body == b'{"name":"n"}'
    assert bind(MAKE, {"name": "n", "note": None}).body == b'{"name":"n","note":null}'
    assert bind(MAKE, {"name": "n", "count": None, "trace": None}) == BoundRequest("POST", "/things", b'{"name":"n"}')
    assert bind(LIST, {"maybe": None}).target == "/things"
    assert repr(NOT_GIVEN) == "NOT_GIVEN"


def test_an_operation_with_a_body_always_sends_one() -> None:
    """A body without any of its fields is an empty object."""
    optional = operation("x.y", "POST", "/x", parameter("a", "body", STRING_SCHEMA))
    assert bind(optional, {}).body == b"{}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"things\.make: name cannot be None: expected a string of 1 to 5 characters"),
        ({"name": None}, r"things\.make: name cannot be None"),
        ({"name": NOT_GIVEN}, r"things\.make: name cannot be None"),
        ({"name": ""}, "a string of 1 to 5 characters"),
        ({"name": "123456"}, "a string of 1 to 5 characters"),
        ({"name": 5}, "a string of 1 to 5 characters"),
        ({"name": b"n"}, "a string of 1 to 5 characters"),
        ({"name": "\ud800"}, "a string of 1 to 5 characters"),
        ({"name": "n", "count": 0}, "a whole number from 1 to 10"),
        ({"name": "n", "count": 11}, "a whole number from 1 to 10"),
        ({"name": "n", "count": True}, "a whole number from 1 to 10"),
        ({"name": "n", "count": 1.0}, "a whole number from 1 to 10"),
        ({"name": "n", "count": "1"}, "a whole number from 1 to 10"),
        ({"name": "n", "ratio": float("nan")}, "a number"),
        ({"name": "n", "ratio": float("inf")}, "a number"),
        ({"name": "n", "ratio": "1"}, "a number"),
        ({"name": "n", "labels": [1]}, "a mapping of strings"),
        ({"name": "n", "labels": {1: 2}}, "a mapping of strings"),
        ({"name": "n", "labels": {"a": object()}}, "what JSON can hold"),
        ({"name": "n", "labels": {"a": "\ud800"}}, "what JSON can hold"),
        ({"name": "n", "trace": "a\r\nb: c"}, "printable ASCII"),
        ({"name": "n", "trace": "ü"}, "printable ASCII"),
    ],
)
def test_wrong_values_are_reported(arguments: dict[str, Any], message: str) -> None:
    """A value of the wrong kind is refused before anything is sent, with what is expected."""
    with pytest.raises(InvalidOption, match=message):
        bind(MAKE, arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"colour": "blue"}, "one of red, green"),
        ({"colour": ["red"]}, "one of red, green"),
        ({"deep": 1}, "True or False"),
        ({"tags": "abc"}, "a list, each a string"),
        ({"tags": [1]}, "a string"),
        ({"tags": [None]}, "a string"),
        ({"ids": ["1"]}, "a whole number"),
        ({"ids": 5}, "a list, each a whole number"),
    ],
)
def test_wrong_query_values_are_reported(arguments: dict[str, Any], message: str) -> None:
    """Enumerations, booleans and the items of lists are checked too."""
    with pytest.raises(InvalidOption, match=message):
        bind(LIST, arguments)


def test_unknown_names_are_reported_with_the_nearest() -> None:
    """A misspelt name is refused with the one that was probably meant."""
    with pytest.raises(
        UnknownName, match=r"unknown parameter 'color' of things\.list: did you mean colour\?"
    ) as caught:
        bind(LIST, {"color": "red"})
    assert caught.value.near == ("colour",)


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_segment_is_the_name_of_one_thing(value: str) -> None:
    """What would change the path's shape is refused."""
    with pytest.raises(InvalidOption, match="one identifier"):
        bind(GET, {"thing_id": value})


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_segment_stays_one_segment(value: str) -> None:
    """Whatever is in a name, it is one segment of the path, and comes out as it went in."""
    if value in (".", ".."):
        return
    target = bind(GET, {"thing_id": value}).target
    assert set(target) <= set(string.ascii_letters + string.digits + "/-._~%")
    assert target.count("/") == 2
    assert unquote(target.rpartition("/")[2]) == value


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), max_size=5))
def test_lists_come_out_as_they_went_in(tags: list[str]) -> None:
    """Indexed lists keep their order and every character."""
    parts = urlsplit(f"https://h{bind(LIST, {'tags': tags}).target}")
    found = parse_qsl(parts.query, keep_blank_values=True)
    assert found == [(f"tags[{i}]", tag) for i, tag in enumerate(tags)]
    assert parts.fragment == ""


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "a value"),
        ({"type": "boolean"}, "True or False"),
        ({"type": ["integer", "null"]}, "a whole number"),
        ({"anyOf": [{"type": "null"}, {"type": "number"}]}, "a number"),
        ({"type": "string", "minLength": 1}, "a string that is not empty"),
        ({"type": "string", "minLength": 3}, "a string of at least 3 characters"),
        ({"type": "integer", "minimum": 1}, "a whole number of at least 1"),
        ({"anyOf": [{"type": "null"}, {"type": "integer", "maximum": 9}]}, "a whole number of at most 9"),
        ({"type": "array"}, "a list, each a value"),
    ],
)
def test_schemas_in_words(schema: dict[str, Any], words: str) -> None:
    """What a schema takes is said as a noun phrase."""
    assert describe_schema(schema) == words


def test_schemas_that_say_little_take_much() -> None:
    """Without a type anything is taken, and null where it is named."""
    for value in (1, "a", None, [1], {"a": 1}):
        assert takes({}, value)
    for value in (None, 5):
        assert takes({"anyOf": [{"type": "null"}, {"type": "integer"}]}, value)
    for value in ("a", 5):
        assert takes({"oneOf": [{"type": "string"}, {"type": "integer"}]}, value)
    assert not takes({"oneOf": [{"type": "string"}, {"type": "integer"}]}, None)
    assert not takes({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "a")


def takes(schema: dict[str, Any], value: object) -> bool:
    """Whether a value is what a schema takes."""
    try:
        check_value("x", schema, value)
    except InvalidOption:
        return False
    return True


DEEP: dict[str, Any] = {
    "type": "object",
    "properties": {
        "browser": {"type": "array", "items": {"type": "string"}},
        "kind": {"enum": ["a"], "type": "string"},
    },
    "additionalProperties": False,
}


def test_objects_in_queries() -> None:
    """An object stands as `name[key]=value`, a list in it as `name[key][]=item`; without that style, by its keys."""
    deep = Parameter(name="by", wire_name="by", location="query", required=False, schema=DEEP, style="deepObject")
    value = {"by": {"browser": ["a b", "c"], "kind": "a"}}
    result = operation("x.y", "GET", "/x", deep)
    assert bind(result, value).target == "/x?by%5Bbrowser%5D%5B%5D=a%20b&by%5Bbrowser%5D%5B%5D=c&by%5Bkind%5D=a"
    flat = replace(deep, style="form")
    assert bind(operation("x.y", "GET", "/x", flat), {"by": {"kind": "a"}}).target == "/x?kind=a"


def test_lists_with_commas() -> None:
    """A list that is not exploded is one string."""
    schema = {"type": "array", "items": {"type": "string"}}
    ids = Parameter(name="ids", wire_name="ids", location="query", required=False, schema=schema, explode=False)
    assert bind(operation("x.y", "GET", "/x", ids), {"ids": ["a", "b"]}).target == "/x?ids=a,b"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"brwser": ["a"]}, r"unknown field 'brwser' of x: did you mean browser\?"),
        ({"browser": [1]}, r"x\.browser cannot be 1: expected a string"),
        ({"kind": "b"}, "one of a"),
        ({3: "a"}, "a mapping with browser, kind"),
    ],
)
def test_the_inside_of_objects_is_looked_at(value: object, message: str) -> None:
    """A mistake in an object is found where it is, as far as the schema says what belongs there."""
    with pytest.raises((InvalidOption, UnknownName), match=message):
        check_value("x", DEEP, value)


def test_what_objects_must_have() -> None:
    """A required field of an object is missed; a free one takes what is said of the others."""
    schema: dict[str, Any] = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
    with pytest.raises(InvalidOption, match=r"x\.a cannot be None: expected a string"):
        check_value("x", schema, {})
    check_value("x", {**schema, "required": ["a", "b"]}, {"a": "a", "b": 1})
    free = {"type": "object", "additionalProperties": {"type": "integer"}}
    check_value("x", free, {"any": 1})
    with pytest.raises(InvalidOption, match=r"x\.any cannot be 'a'"):
        check_value("x", free, {"any": "a"})


PATTERNED: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "patternProperties": {"^x-": {"type": "string"}, "[": {}},
    "additionalProperties": False,
}


def test_keys_that_a_pattern_allows() -> None:
    """`additionalProperties` is about the keys that no pattern matches; each matching pattern's schema counts."""
    check_value("x", PATTERNED, {"name": "a", "x-note": "b"})
    with pytest.raises(InvalidOption, match=r"x\.x-note cannot be 1: expected a string"):
        check_value("x", PATTERNED, {"x-note": 1})
    with pytest.raises(UnknownName, match="unknown field 'note' of x"):
        check_value("x", {**PATTERNED, "patternProperties": {"^x-": {}}}, {"note": 1})
    free = {"type": "object", "patternProperties": {"^x-": {}}, "additionalProperties": {"type": "integer"}}
    check_value("x", free, {"x-a": "a", "b": 1})
    with pytest.raises(InvalidOption, match=r"x\.b cannot be 'a'"):
        check_value("x", free, {"b": "a"})


def test_a_pattern_that_python_cannot_read_allows_every_key() -> None:
    """A document writes patterns as ECMA-262 has them: the provider decides about those that `re` does not know."""
    check_value("x", PATTERNED, {"other": 1})


@pytest.mark.parametrize("value", [b"ab", bytearray(b"ab"), memoryview(b"ab"), "ab"])
def test_bytes_are_no_list(value: object) -> None:
    """Text and bytes are sequences in Python, but no arrays of JSON."""
    assert not takes({"type": "array", "items": {"type": "integer"}}, value)


@pytest.mark.parametrize(
    ("schema", "noun"),
    [
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, "a string or a whole number"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "a whole number"),
        ({"anyOf": [{"type": "string"}, {"type": "string"}]}, "a string"),
        (
            {"anyOf": [{"enum": ["a", "b"]}, {"type": "integer", "minimum": 1}, {"type": "boolean"}]},
            "one of a, b, or a whole number of at least 1, or True or False",
        ),
        ({"type": ["string", "integer", "null"]}, "a string or a whole number"),
    ],
)
def test_every_alternative_is_named(schema: dict[str, Any], noun: str) -> None:
    """A message that names the first alternative alone would be false about the others."""
    assert describe_schema(schema) == noun


def test_null_in_the_older_words() -> None:
    """`nullable` is as good as the type `null`, and a list has at most so many items."""
    note = parameter("note", "body", {"type": "string", "nullable": True, "enum": ["a"]})
    assert bind(operation("x.y", "POST", "/x", note), {"note": None}).body == b'{"note":null}'
    check_value("x", {"type": "array", "maxItems": 1}, [1])
    with pytest.raises(InvalidOption, match="a list of at most 1, each a value"):
        check_value("x", {"type": "array", "maxItems": 1}, [1, 2])
