# SPDX-License-Identifier: Apache-2.0
"""Parameters are written as OpenAPI and RFC 6570 prescribe: by the specification's own table, and by its rule."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import pytest

from callwell.errors import InvalidOption
from tests.client.wire import JSON, NUMBER, TEXT, TEXTS, Sent, call, parameter

COLORS: Final = ["blue", "black", "brown"]
RGB: Final = {"R": 100, "G": 200, "B": 150}

STYLES: Final[tuple[tuple[str, str, bool | None, str, str, str], ...]] = (
    # OpenAPI 3.2, Parameter Object, "Style Examples"; of the parameter `color` in its place. None: as if not said.
    ("path", "matrix", None, ";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150"),
    ("path", "matrix", False, ";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150"),
    ("path", "matrix", True, ";color=blue", ";color=blue;color=black;color=brown", ";R=100;G=200;B=150"),
    ("path", "label", None, ".blue", ".blue,black,brown", ".R,100,G,200,B,150"),
    ("path", "label", False, ".blue", ".blue,black,brown", ".R,100,G,200,B,150"),
    ("path", "label", True, ".blue", ".blue.black.brown", ".R=100.G=200.B=150"),
    ("path", "simple", None, "blue", "blue,black,brown", "R,100,G,200,B,150"),
    ("path", "simple", False, "blue", "blue,black,brown", "R,100,G,200,B,150"),
    ("path", "simple", True, "blue", "blue,black,brown", "R=100,G=200,B=150"),
    ("path", "", None, "blue", "blue,black,brown", "R,100,G,200,B,150"),
    ("query", "", None, "color=blue", "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
    ("query", "form", None, "color=blue", "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
    ("query", "form", True, "color=blue", "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
    ("query", "form", False, "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"),
    ("query", "", False, "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"),
    ("query", "spaceDelimited", None, "", "color=blue%20black%20brown", "color=R%20100%20G%20200%20B%20150"),
    ("query", "spaceDelimited", False, "", "color=blue%20black%20brown", "color=R%20100%20G%20200%20B%20150"),
    ("query", "spaceDelimited", True, "", "color=blue&color=black&color=brown", ""),
    ("query", "pipeDelimited", None, "", "color=blue%7Cblack%7Cbrown", "color=R%7C100%7CG%7C200%7CB%7C150"),
    ("query", "pipeDelimited", False, "", "color=blue%7Cblack%7Cbrown", "color=R%7C100%7CG%7C200%7CB%7C150"),
    ("query", "pipeDelimited", True, "", "color=blue&color=black&color=brown", ""),
    ("query", "tabDelimited", None, "", "color=blue%09black%09brown", ""),
    (
        "query",
        "deepObject",
        True,
        "color=blue",
        "color%5B%5D=blue&color%5B%5D=black&color%5B%5D=brown",
        "color%5BR%5D=100&color%5BG%5D=200",
    ),
    (
        "query",
        "deepObject",
        None,
        "color=blue",
        "color%5B%5D=blue&color%5B%5D=black&color%5B%5D=brown",
        "color%5BR%5D=100&color%5BG%5D=200",
    ),
    ("header", "", None, "blue", "blue,black,brown", "R,100,G,200,B,150"),
    ("header", "simple", False, "blue", "blue,black,brown", "R,100,G,200,B,150"),
    ("header", "simple", True, "blue", "blue,black,brown", "R=100,G=200,B=150"),
    ("cookie", "", None, "color=blue", "color=blue; color=black; color=brown", "R=100; G=200; B=150"),
    ("cookie", "form", False, "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"),
    ("cookie", "cookie", None, "color=blue", "color=blue; color=black; color=brown", "R=100; G=200; B=150"),
    ("cookie", "cookie", False, "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"),
)

ODD: Final = ("a b", "a/b", "50%", "a&b=c", "ü", "a+b", "#?;", "[x]", "~-._", "a%20b", "'(!*)", '"\\^`{}<>', ":@$")
"""Strings with characters that mean something in an address; none has a comma or is a path of its own."""


def written(sent: Sent, place: str) -> str:
    """What a request says of the parameter `color`."""
    if place == "path":
        return sent.target.removeprefix("/x/")
    if place == "query":
        return sent.target.partition("?")[2]
    return sent.headers.get(place, sent.headers.get("color", ""))


def send(place: str, style: str, explode: bool | None, value: object, **more: Any) -> str:  # noqa: FBT001 - of a row
    """What a request says of the parameter `color`, written in some way."""
    how: dict[str, Any] = {**({"style": style} if style else {}), **({} if explode is None else {"explode": explode})}
    kinds = {"dict": "object", "list": "array"}
    name = type(value).__name__
    schema: dict[str, Any] = {"type": kinds[name]} if name in kinds else {}
    path = "/x/{color}" if place == "path" else "/x"
    node = parameter(schema, place, "color", **how, **more)
    return written(call(node, {"color": value}, path=path, method="get"), place)


@pytest.mark.parametrize("row", STYLES)
def test_the_specifications_own_table(row: tuple[str, str, bool | None, str, str, str]) -> None:
    """A string, a list and an object in every style, exploded or not, or as the default is."""
    place, style, explode, text, items, fields = row
    if text:
        assert send(place, style, explode, "blue") == text
    assert send(place, style, explode, COLORS) == items
    if fields:
        value = RGB if "150" in fields else {"R": 100, "G": 200}
        assert send(place, style, explode, value) == fields


def expand(operator: str, value: object, *, explode: bool) -> str:
    """The expansion of `{color}` by RFC 6570, section 3.2.1, written down from its table."""
    first, separator, named, if_empty = {
        "": ("", ",", False, ""),
        ".": (".", ".", False, ""),
        ";": (";", ";", True, ""),
        "?": ("", "&", True, "="),
    }[operator]

    def name(text: str) -> str:
        if not named:
            return text
        return f"color={text}" if text else f"color{if_empty}"

    if isinstance(value, dict):
        pairs = [(quote(key, safe=""), quote(str(item), safe="")) for key, item in value.items()]
        if explode:
            return first + separator.join(f"{key}={item}" for key, item in pairs)
        return first + name(",".join(f"{key},{item}" for key, item in pairs))
    if isinstance(value, list):
        items = [quote(item, safe="") for item in value]
        return first + (separator.join(map(name, items)) if explode else name(",".join(items)))
    return first + name(quote(str(value), safe=""))


PLACES: Final = (("path", "simple", ""), ("path", "label", "."), ("path", "matrix", ";"), ("query", "form", "?"))


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(("place", "style", "operator"), PLACES)
def test_characters_that_mean_something(place: str, style: str, operator: str, odd: str) -> None:
    """They are escaped as RFC 6570 says, in a string, in lists and in objects, exploded or not."""
    for explode in (True, False):
        for value in (odd, [odd, "b"], {"k": odd, "l": "b"}):
            found = send(place, style, explode, value)
            # Brackets stay readable in a query: see `nested_pairs`.
            expected = expand(operator, value, explode=explode)
            assert found == expected


@pytest.mark.parametrize(
    ("schema", "value", "text"),
    [
        ({"type": "boolean"}, True, "true"),
        (NUMBER, 7, "7"),
        ({"type": "number"}, 1.5, "1.5"),
        ({"type": "array", "items": {"type": "boolean"}}, [True, False], "true,false"),
        ({"type": "array", "items": NUMBER}, (1, 2), "1,2"),
    ],
)
def test_plain_values(schema: dict[str, Any], value: object, text: str) -> None:
    """Numbers and booleans look the same in path, query, header and cookie."""
    assert call(parameter(schema, "path"), {"p": value}, path="/x/{p}").target == f"/x/{text}"
    assert call(parameter(schema, explode=False), {"p": value}).target == f"/x?p={text}"
    assert call(parameter(schema, "header"), {"p": value}).headers == {"p": text}
    assert call(parameter(schema, "cookie", explode=False), {"p": value}).headers == {"cookie": f"p={text}"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("http://a.test/b?c=d", "http://a.test/b?c=d"),
        ("a,b:c@d", "a,b:c@d"),
        ("a b", "a%20b"),
        ("a&b#c+d", "a%26b%23c%2Bd"),
        ("50%", "50%25"),
        ("a%20b", "a%20b"),
        ("(x)*'!$;", "(x)*'!$;"),
    ],
)
def test_reserved_characters(value: str, text: str) -> None:
    """They stay where the document allows them, and where they would not end the value."""
    assert send("query", "", None, value, allowReserved=True) == f"color={text}"
    assert send("query", "", False, [value.replace(",", ""), "z"], allowReserved=True).endswith(",z")


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("query", "color=%7B%22a%22%3A%5B1%2Ctrue%5D%7D"),
        ("header", '{"a":[1,true]}'),
        ("cookie", "color=%7B%22a%22%3A%5B1%2Ctrue%5D%7D"),
        ("path", "%7B%22a%22%3A%5B1%2Ctrue%5D%7D"),
    ],
)
def test_parameters_that_are_json(place: str, found: str) -> None:
    """A parameter with `content` is one string of JSON."""
    node = {"parameters": [{"name": "color", "in": place, "required": True, "content": {JSON: {"schema": {}}}}]}
    sent = call(node, {"color": {"a": [1, True]}}, path="/x/{color}" if place == "path" else "/x")
    assert written(sent, place) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (["a", "b"], "p[]=a&p[]=b"),
        ({"a": {"b": {"c": 1}}}, "p[a][b][c]=1"),
        ({"a": ["x", "y"]}, "p[a][]=x&p[a][]=y"),
        ([{"a": 1}, {"a": 2, "b": ["z"]}], "p[0][a]=1&p[1][a]=2&p[1][b][]=z"),
        ([["a"], ["b", "c"]], "p[0][]=a&p[1][]=b&p[1][]=c"),
        ({"gte": 5, "lt": None}, "p[gte]=5"),
        ([], ""),
        ({}, ""),
    ],
)
def test_deep_objects(value: object, found: str) -> None:
    """Keys stand in brackets, at any depth; lists of texts have `[]`, and lists of objects have numbers.

    Brackets are escaped as RFC 3986 demands: Tomcat refuses others, and so do services made with Spring.
    """
    sent = call(parameter({}, style="deepObject", explode=True), {"p": value})
    assert sent.target == (f"/x?{quote(found, safe='=&')}" if found else "/x")


def test_lists_in_objects_that_are_exploded() -> None:
    """OpenAPI leaves it open: a list repeats its name, as Spring reads `sort`, and an object has brackets."""
    found = send("query", "", None, {"sort": ["a", "b"], "page": 0, "c": {"d": [1]}})
    assert found == "sort=a&sort=b&page=0&c%5Bd%5D%5B%5D=1"


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        ({"type": "string", "default": "2022-06-28"}, "2022-06-28"),
        ({"type": "string", "const": "beta"}, "beta"),
        ({"type": "string", "enum": ["only"]}, "only"),
        ({"type": "boolean", "default": False}, "false"),
    ],
)
@pytest.mark.parametrize("place", ["header", "query", "path", "cookie"])
def test_values_that_a_call_need_not_give(place: str, schema: dict[str, Any], sent: str) -> None:
    """A required parameter goes with its default, or with the only value that it may have; others stay away."""
    path = "/x/{p}" if place == "path" else "/x"
    node = parameter(schema, place)
    node["parameters"][0]["required"] = True
    result = call(node, {}, path=path)
    assert {"path": f"/x/{sent}", "query": f"/x?p={sent}"}.get(place, "/x") == result.target
    assert {"header": {"p": sent}, "cookie": {"cookie": f"p={sent}"}}.get(place, {}) == result.headers
    if place != "path":
        node["parameters"][0]["required"] = False
        assert call(node, {}, path=path) == Sent("/x", {}, "", "")


def test_parameters_together() -> None:
    """A path with a query gets more of it, cookies share a header, and the path's parameters are inherited."""
    both = [{"name": name, "in": "cookie", "schema": TEXT} for name in ("a", "b")]
    node = {"parameters": [*both, *parameter(TEXTS)["parameters"]]}
    sent = call(node, {"a": "1", "b": "2", "p": ["x", "y"]}, path="/x?beta=true")
    assert sent == Sent("/x?beta=true&p=x&p=y", {"cookie": "a=1; b=2"}, "", "")
    assert call(node, {}, path="/x?beta=true").target == "/x?beta=true"


@pytest.mark.parametrize(
    ("place", "style", "explode", "value", "message"),
    [
        ("query", "form", False, ["a,b"], "color cannot be 'a,b': expected a string without a comma"),
        ("query", "pipeDelimited", None, ["a|b"], "a string without a bar"),
        ("query", "spaceDelimited", None, ["a b"], "a string without a space"),
        ("cookie", "cookie", None, "a;b", "a string that a cookie can hold"),
        ("path", "label", None, "", "not a path"),
        ("path", "label", None, ".", "not a path"),
        ("path", "simple", True, {}, "not a path"),
        ("header", "simple", True, {"a": "b,c"}, "without a comma"),
        ("header", "", None, "a\nb", "printable ASCII"),
    ],
)
def test_what_cannot_be_written(place: str, style: str, explode: Any, value: object, message: str) -> None:
    """It is refused with the name of its argument, before anything is sent."""
    with pytest.raises(InvalidOption, match=message):
        send(place, style, explode, value)


SERVERS: Final[tuple[tuple[list[Any], str], ...]] = (
    ([{"url": "https://files.test/v2"}], "https://files.test/v2/x"),
    ([{"url": "//files.test/v2/"}], "https://files.test/v2/x"),
    ([{"url": "https://{region}.test", "variables": {"region": {"default": "eu"}}}], "https://eu.test/x"),
    ([{"url": "https://one.test/v1"}], "/x"),
    ([], "/x"),
)


@pytest.mark.parametrize(("servers", "target"), SERVERS)
def test_servers_of_an_operation(servers: list[Any], target: str) -> None:
    """An operation with a server of its own goes there; one that repeats the document's does not differ."""
    assert call({"servers": servers}, {}, method="get").target == target
