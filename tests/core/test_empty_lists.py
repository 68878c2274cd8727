# SPDX-License-Identifier: Apache-2.0
"""An empty list that is left out beside the rest of its page."""

from __future__ import annotations

from typing import Any

import pytest

from callwell.core import paging
from callwell.core.paging import Walk
from callwell.core.rules.operations import PagingRule

RULE = PagingRule(items="data.rows", key="id", style="cursor", position="cursor", next="page.next", more="more")


@pytest.mark.parametrize(
    "body",
    [
        {"data": {}, "page": {"next": None}},
        {"data": {"x": 1}, "page": {"next": None}},
        {"data": {"x": 1}, "more": None},
    ],
)
def test_a_next_position_that_is_null_stands_beside_an_empty_list(body: dict[str, Any]) -> None:
    """A server that omits an empty list still sends the next position: null."""
    page = paging.parse_page(RULE, Walk().position, body)
    assert page.items == ()
    assert page.next_position is None


@pytest.mark.parametrize("body", [{"data": {"x": 1}, "page": {}}, {"data": {"x": 1}, "page": None}, {"data": {"x": 1}}])
def test_nothing_of_a_page_is_no_page(body: dict[str, Any]) -> None:
    """Without any of a page's words it may be an error, or a list under a new name."""
    with pytest.raises(LookupError, match="no list at"):
        paging.parse_page(RULE, Walk().position, body)


@pytest.mark.parametrize("body", [[], {}, None])
def test_a_list_at_the_top_may_be_empty(body: object) -> None:
    """A body that is the list, or a 204 in its place."""
    page = paging.parse_page(PagingRule(style="link-header"), None, body)
    assert page.items == ()


def test_an_object_in_the_place_of_a_list_is_no_page() -> None:
    """It may be an error."""
    with pytest.raises(LookupError, match="it is not a list"):
        paging.parse_page(PagingRule(style="link-header"), None, {"message": "no"})
