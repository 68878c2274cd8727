# SPDX-License-Identifier: Apache-2.0
"""How lists are read is inferred from the names of parameters and the shape of responses."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import pytest

from callwell.core.rules.operations import PagingRule
from callwell.description import openapi
from callwell.description.infer.paging import ListFinding, infer_paging

ITEM: Final = {"type": "object", "properties": {"id": {"type": "string"}}}
ITEMS: Final = {"type": "array", "items": ITEM}
TEXT: Final = {"type": "string"}
NUMBER: Final = {"type": "integer"}
FLAG: Final = {"type": "boolean"}
LINK: Final = {"type": "string", "format": "uri"}


def shape(**fields: Any) -> dict[str, Any]:
    """The schema of an object."""
    return {"type": "object", "properties": fields}


def infer(
    query: dict[str, Any], schema: dict[str, Any], *, path: str = "/things", link: bool = False
) -> ListFinding | None:
    """What is inferred of a list."""
    parameters = [
        {"name": name, "in": "query", "schema": one, "description": one.get("description")}
        for name, one in query.items()
    ]
    response = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    document = {"openapi": "3.1.0", "paths": {path: {"get": {"parameters": parameters, "responses": response}}}}
    [operation] = openapi.read(document).operations.values()
    return infer_paging(operation, link_header=link)


def keys(**more: Any) -> dict[str, Any]:
    """A rule without what is as usual."""
    return {"items": "data", "key": "id", **more}


CURSORS: Final = [
    (
        {"cursor": TEXT, "limit": NUMBER},
        shape(data=ITEMS, next_cursor=TEXT),
        keys(position="cursor", next="next_cursor", size="limit"),
    ),
    ({"pageToken": TEXT}, shape(data=ITEMS, nextPageToken=TEXT), keys(position="pageToken", next="nextPageToken")),
    (
        {"cursor": TEXT},
        shape(data=ITEMS, response_metadata=shape(next_cursor=TEXT)),
        keys(position="cursor", next="response_metadata.next_cursor"),
    ),
    (
        {"continue": TEXT, "limit": NUMBER},
        shape(items=ITEMS, metadata=shape(**{"continue": TEXT})),
        keys(items="items", position="continue", next="metadata.continue", size="limit"),
    ),
    (
        {"start_cursor": TEXT},
        shape(results=ITEMS, next_cursor=TEXT, has_more=FLAG),
        keys(items="results", position="start_cursor", next="next_cursor", more="has_more"),
    ),
    (
        {"after": TEXT, "limit": NUMBER},
        shape(results=ITEMS, paging=shape(next=shape(after=TEXT, link=TEXT))),
        keys(items="results", position="after", next="paging.next.after", size="limit"),
    ),
    (
        {"after": TEXT, "before": TEXT},
        shape(data=ITEMS, list_metadata=shape(before=TEXT, after=TEXT)),
        keys(position="after", next="list_metadata.after"),
    ),
    (
        {"page": TEXT},
        shape(data=ITEMS, has_more=FLAG, next_page=TEXT),
        keys(position="page", next="next_page", more="has_more"),
    ),
    (
        {"until": NUMBER, "after": TEXT},
        shape(data=ITEMS, has_more=FLAG, last_id=TEXT),
        keys(position="after", next="last_id", more="has_more"),
    ),
]
THINGS: Final = {"type": "array", "items": shape(owner_id=TEXT, thing_token=TEXT)}
"""Items with a key that has their own name, beside one of another object."""

LAST_ITEMS: Final = [
    (
        {"starting_after": TEXT},
        shape(data=THINGS, has_more=FLAG),
        {"items": "data", "position": "starting_after", "next_item": "thing_token", "more": "has_more"},
    ),
    (
        {"starting_after": TEXT},
        shape(data={"type": "array", "items": shape(token=TEXT)}, has_more=FLAG),
        {"items": "data", "position": "starting_after", "next_item": "token", "more": "has_more"},
    ),
    (
        {"starting_after": TEXT, "ending_before": TEXT, "limit": NUMBER},
        shape(data=ITEMS, has_more=FLAG, url=TEXT),
        keys(position="starting_after", next_item="id", more="has_more", size="limit"),
    ),
    ({"after": TEXT, "limit": NUMBER}, ITEMS, {"key": "id", "position": "after", "next_item": "id", "size": "limit"}),
    ({"before": TEXT, "after": TEXT}, ITEMS, {"key": "id", "position": "before", "next_item": "id"}),
    (
        {"after": TEXT},
        {"type": "array", "items": shape(user=ITEM, nick=TEXT)},
        {"position": "after", "next_item": "user.id"},
    ),
]
LINKS: Final = [
    ({"Page": NUMBER}, shape(data=ITEMS, next_page_uri=TEXT), keys(next="next_page_uri")),
    ({"page": NUMBER}, shape(data=ITEMS, next=LINK), keys(next="next")),
    ({"page": NUMBER}, shape(count=NUMBER, next=TEXT, data=ITEMS), keys(next="next")),
    ({"page": NUMBER}, shape(data=ITEMS, next_page=TEXT), keys(next="next_page")),
    ({"page[number]": NUMBER}, shape(data=ITEMS, links=shape(next=TEXT)), keys(next="links.next")),
    ({"page[after]": TEXT}, shape(data=ITEMS, links=shape(next=TEXT)), keys(next="links.next")),
    ({"page": NUMBER}, shape(data=ITEMS, _links=shape(next=shape(href=TEXT))), keys(next="_links.next.href")),
    (
        {"$top": NUMBER},
        {"type": "object", "properties": {"value": ITEMS, "@odata.nextLink": TEXT}},
        keys(items="value", next="@odata.nextLink", size="$top"),
    ),
]
NUMBERED: Final = [
    ({"page": {**NUMBER, "description": "Zero-based page index"}}, ITEMS, {"style": "page", "key": "id", "first": 0}),
    ({"page": NUMBER}, {"oneOf": [ITEMS, {"type": "array", "items": shape(starred=TEXT)}]}, {"style": "page"}),
    (
        {"page": NUMBER},
        {"properties": {"data": {"oneOf": [ITEMS, {"type": "array", "items": shape(starred=TEXT)}]}}},
        {"style": "page", "items": "data"},
    ),
    (
        {"page": NUMBER, "per_page": {**NUMBER, "maximum": 100}},
        ITEMS,
        {"style": "page", "key": "id", "size": "per_page", "max_size": 100},
    ),
    (
        {"page": {**NUMBER, "default": 0}},
        shape(data=ITEMS, meta=shape(total=NUMBER)),
        keys(style="page", first=0, total="meta.total"),
    ),
    (
        {"page[number]": NUMBER, "page[size]": NUMBER},
        shape(data=ITEMS, meta=shape(page=shape(totalPages=NUMBER))),
        keys(style="page", position="page[number]", size="page[size]", pages="meta.page.totalPages"),
    ),
    (
        {"offset": NUMBER, "limit": NUMBER},
        shape(albums=shape(items=ITEMS, next=LINK, total=NUMBER)),
        keys(items="albums.items", style="offset", position="offset", first=0, size="limit", total="albums.total"),
    ),
    (
        {"startAt": NUMBER, "maxResults": NUMBER},
        shape(values=ITEMS, total=NUMBER),
        keys(items="values", style="offset", position="startAt", first=0, size="maxResults", total="total"),
    ),
    ({"page": NUMBER}, shape(data=ITEMS, itemCount=NUMBER), keys(style="page")),
    ({"page": NUMBER}, shape(data=ITEMS, meta=shape(recordCount=NUMBER)), keys(style="page")),
    ({"page": NUMBER}, shape(things=ITEMS, warnings=ITEMS), keys(items="things", style="page")),
    ({"page": NUMBER}, shape(my_things=ITEMS, others=ITEMS), keys(items="my_things", style="page")),
    ({"skip": NUMBER}, shape(a=ITEMS), keys(items="a", style="offset", position="skip", first=0)),
]


@pytest.mark.parametrize(
    ("query", "schema", "rule"),
    [
        *((query, schema, {"style": "cursor", **rule}) for query, schema, rule in [*CURSORS, *LAST_ITEMS]),
        *((query, schema, {"style": "next-link", **rule}) for query, schema, rule in LINKS),
        *NUMBERED,
    ],
)
def test_lists(query: dict[str, Any], schema: dict[str, Any], rule: dict[str, Any]) -> None:
    """The rule has all that the document shows, and the profile's checks accept it."""
    found = infer(query, schema)
    assert found is not None
    assert found.rule is not None
    assert found.rule.value == msgspec.convert(rule, PagingRule)
    assert found.rule.reason


def test_the_link_header_is_followed_where_nothing_counts() -> None:
    """It is documented; a total that allows to count goes first."""
    found = infer({"page": NUMBER, "per_page": NUMBER}, ITEMS, link=True)
    assert found is not None
    assert found.rule is not None
    assert (found.rule.value.style, found.rule.level) == ("link-header", "documented")
    counted = infer({"page": NUMBER}, shape(data=ITEMS, total=NUMBER), link=True)
    assert counted is not None
    assert counted.rule is not None
    assert counted.rule.value.style == "page"


def test_a_list_is_named_as_its_path_in_the_singular() -> None:
    """`messages` are not items, unless the path says so."""
    messages = shape(messages=ITEMS, paging=shape(next={**TEXT, "example": "/message?since=5"}))
    found = infer({"limit": NUMBER}, messages, path="/message")
    assert found is not None
    assert found.rule is not None
    assert (found.rule.value.items, found.rule.value.next) == ("messages", "paging.next")


@pytest.mark.parametrize(
    ("query", "schema"),
    [
        ({}, ITEMS),
        ({"limit": NUMBER}, ITEMS),
        ({"page": NUMBER}, shape(id=TEXT, comments=ITEMS)),
        ({"page": NUMBER}, shape(name=TEXT)),
        ({"after": {"type": "string", "format": "date-time"}}, ITEMS),
        ({"start": NUMBER, "end": NUMBER}, shape(data=ITEMS)),
        ({"page": NUMBER}, {}),
    ],
)
def test_no_list(query: dict[str, Any], schema: dict[str, Any]) -> None:
    """A list without a way on, an object that has a list, a range of time: none is read page by page."""
    assert infer(query, schema) is None


def test_what_is_not_clear_is_said() -> None:
    """Two lists of equal rank, or a position that nothing leads to."""
    several = infer({"page": NUMBER}, shape(left=ITEMS, right=ITEMS))
    assert several is not None
    assert several.rule is None
    assert "several lists" in several.problem
    nowhere = infer({"cursor": TEXT}, shape(data={"type": "array", "items": TEXT}))
    assert nowhere is not None
    assert nowhere.rule is None


@pytest.mark.parametrize(
    ("query", "schema", "is_asked"),
    [
        ({"page": NUMBER}, ITEMS, True),
        ({"page": NUMBER}, shape(data=ITEMS, has_more=FLAG), True),
        ({"page": {**NUMBER, "minimum": 1}}, ITEMS, False),
        ({"page": {**NUMBER, "description": "Zero-based page index"}}, ITEMS, False),
        ({"page": NUMBER}, shape(data=ITEMS, total=NUMBER), False),
        ({"offset": NUMBER}, ITEMS, False),
        ({"cursor": TEXT}, shape(data=ITEMS, next_cursor=TEXT), False),
    ],
)
def test_the_number_of_the_first_page_is_asked_for(
    query: dict[str, Any], schema: dict[str, Any], *, is_asked: bool
) -> None:
    """Where it is a guess, and no total would show that a page was missed."""
    found = infer(query, schema)
    assert found is not None
    assert found.rule is not None
    assert [question.example for question in found.rule.questions] == ([("first = 0",)] if is_asked else [])
