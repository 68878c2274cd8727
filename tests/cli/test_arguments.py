# SPDX-License-Identifier: Apache-2.0
"""`name=value` is read by the type of the parameter."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from callwell.cli.arguments import parse_arguments
from callwell.description.model import Operation, Parameter
from callwell.errors import InvalidOption, UnknownName, UsageError

TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "share": {"type": "number"},
    "flag": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "sizes": {"type": "array", "items": {"type": "integer"}},
    "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
    "maybe": {"type": ["integer", "null"]},
    "meta": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
    "anything": {},
}


def operation(*required: str) -> Operation:
    """An operation that takes one parameter of each type."""
    parameters = tuple(
        Parameter(name=name, wire_name=name, location="query", required=name in required, schema=schema)
        for name, schema in TYPES.items()
    )
    return Operation(name="some.thing", method="GET", path="/", parameters=parameters, summary="", response_schema={})


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], {}),
        (["text=a=b: c"], {"text": "a=b: c"}),
        (["text="], {"text": ""}),
        (["text=two\nlines"], {"text": "two\nlines"}),
        (["text=12"], {"text": "12"}),
        (["count=-12"], {"count": -12}),
        (["share=0.5"], {"share": 0.5}),
        (["flag=true"], {"flag": True}),
        (["flag=False"], {"flag": False}),
        (["tags=a"], {"tags": ["a"]}),
        (["tags=a,b", "count=1", "tags=c"], {"tags": ["a,b", "c"], "count": 1}),
        (["sizes=1", "sizes:=[2, 3]"], {"sizes": [1, 2, 3]}),
        (["either=1"], {"either": 1}),
        (["either=one"], {"either": "one"}),
        (["maybe:=null"], {"maybe": None}),
        (['meta:={"a": "b"}'], {"meta": {"a": "b"}}),
        (['text:="12"'], {"text": "12"}),
        (["anything=1"], {"anything": "1"}),
    ],
)
def test_good(texts: list[str], expected: dict[str, object]) -> None:
    """Each type has its strings; a list is made by repeating; `:=` takes JSON as it is."""
    assert parse_arguments(operation(), texts) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["count=1.5"], "a whole number"),
        (["count="], "a whole number"),
        (["count=٣"], "a whole number"),
        (["count=1_000"], "a whole number"),
        (["share=nan"], "a number"),
        (["flag=1"], "true or false"),
        (["sizes=a"], "a whole number"),
        (["maybe=x"], "a whole number"),
        (["meta=x"], "as JSON: meta:={…}"),
        (["meta:={a}"], "JSON after `:=`"),
        (["text=a", "text=b"], "given twice"),
        (["text"], "name=value"),
        (["=x"], "name=value"),
    ],
)
def test_bad(texts: list[str], expected: str) -> None:
    """A string that is not a value says what was expected."""
    with pytest.raises(InvalidOption, match=r"cannot be") as caught:
        parse_arguments(operation(), texts)
    assert expected in str(caught.value)


def test_names() -> None:
    """Unknown names are reported with the nearest, missing ones with what they take."""
    with pytest.raises(UnknownName, match="did you mean count"):
        parse_arguments(operation(), ["cuont=1"])
    field = Parameter(name="text", wire_name="text", location="body", required=True, schema=TYPES["text"])
    with_body = replace(operation(), parameters=(field,))
    assert parse_arguments(with_body, ['body:={"text": "a"}']) == {"body": {"text": "a"}}
    with pytest.raises(UsageError, match=r"needs text=… \(a string\) and count=… \(a whole number\)"):
        parse_arguments(operation("text", "count"), ["flag=true"])
