# SPDX-License-Identifier: Apache-2.0
"""Ends of lists: which are the provider's own, and which only look like one."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from callwell.core import paging
from callwell.core.paging import MAX_EMPTY_COUNTED, MAX_IDENTICAL, Walk
from callwell.core.rules.operations import PagingRule
from callwell.core.verdict import End, Verdict

CURSOR = PagingRule(style="cursor", items="data", key="id", next="next", more="more", total="total")
LINK = PagingRule(style="next-link", items="data", key="id", next="next")
HEADER = PagingRule(style="link-header", items="data", key="id")
NUMBER = PagingRule(items="data", key="id", more="more", total="total", pages="pages")
OFFSET = PagingRule(style="offset", items="data", key="id", position="offset", first=0, total="total")
BARE = PagingRule(items="data", key="id")
UNKEYED = PagingRule(items="data")
LAST_ITEM = PagingRule(style="cursor", items="data", key="id", position="after", next_item="id", more="more")
NO_FLAG = PagingRule(style="cursor", key="id", position="after", next_item="id")


def page(*ids: object, **more: object) -> dict[str, Any]:
    """A body."""
    return {"data": [{"id": item} for item in ids], **more}


def follow(
    rule: PagingRule, *bodies: Any, size: int = 0, begin: Walk | None = None, link: str | None = None
) -> tuple[list[Any], Verdict]:
    """Walk over scripted responses, the last of which comes again and again."""
    state = begin or paging.start_walk(rule)
    seen = set[int]()
    got = list[Any]()
    for i in range(2000):
        parsed = paging.parse_page(rule, state.position, bodies[min(i, len(bodies) - 1)], link)
        step = paging.advance(rule, state, parsed, size, seen)
        state = step.walk
        seen.update(parsed.digests)
        got += [item["id"] for item in step.items]
        if step.verdict is not None:
            return got, step.verdict
    raise AssertionError("the walk never ends")


@pytest.mark.parametrize("after", [None, "", " ", False])
def test_no_cursor_is_the_end(after: object) -> None:
    """Nothing, an empty string and false say that there is no next page."""
    got, verdict = follow(CURSOR, page(1, next="b"), page(2, next=after))
    assert (got, verdict) == ([1, 2], Verdict(End.COMPLETE, 2, 2))


@pytest.mark.parametrize("after", [{"pk": "7"}, {}, ["a"], [], True])
def test_a_cursor_of_another_type_is_no_end(after: object) -> None:
    """What cannot be sent back leads nowhere, but the list goes on behind it."""
    got, verdict = follow(CURSOR, page(1, next=after))
    assert (got, verdict.end) == ([1], End.TRUNCATED)
    assert "expected a cursor" in verdict.reason


@pytest.mark.parametrize(("after", "position"), [(7, 7), (0, 0), (7.0, 7), (1.5, "1.5"), (10**20, 10**20), ("7", "7")])
def test_a_number_is_a_cursor(after: object, position: object) -> None:
    """Providers that count send numbers; zero is one too."""
    parsed = paging.parse_page(CURSOR, Walk().position, page(1, next=after))
    step = paging.advance(CURSOR, Walk(), parsed, 0, frozenset())
    assert (step.verdict, step.walk.position) == (None, position)


def test_the_last_item_is_the_cursor() -> None:
    """The flag ends the walk, or an empty page where there is no flag, as in a list at the top of the body."""
    assert follow(LAST_ITEM, page(1, 2, more=True), page(3, more=False)) == ([1, 2, 3], Verdict(End.COMPLETE, 2, 3))
    assert follow(NO_FLAG, [{"id": "a"}, {"id": "b"}], []) == (["a", "b"], Verdict(End.COMPLETE, 2, 2))
    parsed = paging.parse_page(NO_FLAG, None, [{"id": "a"}, {"id": "b"}])
    assert parsed.next_position == "b"


def test_a_last_item_without_its_cursor_is_no_end() -> None:
    """Every item has one, so the list goes on behind it."""
    _, verdict = follow(NO_FLAG, [{"id": None}])
    assert verdict.end is End.TRUNCATED
    assert "expected the cursor in the last item" in verdict.reason


@pytest.mark.parametrize("after", [5, {"href": "/b"}, ["/b"], True])
def test_a_link_of_another_type_is_no_end(after: object) -> None:
    """A link is a string."""
    _, verdict = follow(LINK, page(1, next=after))
    assert (verdict.end, "expected a link to the next page" in verdict.reason) == (End.TRUNCATED, True)


@pytest.mark.parametrize("links", ["/b", {"next": "/b"}, [{"rel": "next"}], [{"rel": "Next", "uri": ["/b"]}], True])
@pytest.mark.parametrize("style", ["next-link", "page"])
def test_links_of_another_type_are_no_end(style: Literal["next-link", "page"], links: object) -> None:
    """A malformed list of links, or a next link without an address, is not the end of a list."""
    rule = PagingRule(style=style, items="data", key="id", links="links")
    _, verdict = follow(rule, page(1, links=links))
    assert verdict.end is End.TRUNCATED


def test_a_header_that_cannot_be_read_is_no_end() -> None:
    """Without a next link in it, what stood there is unknown."""
    parsed = paging.parse_page(HEADER, Walk().position, page(1), None, link_problem="the Link header cannot be read")
    verdict = paging.advance(HEADER, Walk(), parsed, 0, frozenset()).verdict
    assert verdict is not None
    assert (verdict.end, "the Link header cannot be read" in verdict.reason) == (End.TRUNCATED, True)
    assert follow(HEADER, page(1))[1].end is End.COMPLETE


@pytest.mark.parametrize("more", [True, "true", 1, "1", 1.0, "Yes"])
@pytest.mark.parametrize("none", [False, "false", 0, "0", "no"])
def test_flags_are_understood(more: object, none: object) -> None:
    """Whatever the type in which a plain yes or no comes."""
    got, verdict = follow(NUMBER, page(1, more=more), page(2, more=more), page(3, more=none))
    assert (got, verdict) == ([1, 2, 3], Verdict(End.COMPLETE, 3, 3))


@pytest.mark.parametrize("more", ["maybe", {}, [True], 7])
def test_a_flag_that_cannot_be_read_is_reported(more: object) -> None:
    """The walk goes on as far as it can, and its end is not recognised."""
    got, verdict = follow(NUMBER, page(1, more=more), page(2, more=more), page(more=more))
    assert (got, verdict.end) == ([1, 2], End.TRUNCATED)
    assert "expected true or false, found" in verdict.reason
    _, verdict = follow(CURSOR, page(1, next="b", more=more), page(2, more=more))
    assert (verdict.end, verdict.items) == (End.TRUNCATED, 2)


@pytest.mark.parametrize("total", [3, "3", 3.0, "3.0"])
@pytest.mark.parametrize("rule", [NUMBER, OFFSET])
def test_totals_are_understood(rule: PagingRule, total: object) -> None:
    """Whatever the type: the walk ends with the last item, without asking for more."""
    got, verdict = follow(rule, page(1, 2, total=total), page(3, total=total))
    assert (got, verdict) == ([1, 2, 3], Verdict(End.COMPLETE, 2, 3))


@pytest.mark.parametrize("pages", [2, "2", 2.0])
def test_totals_of_pages_are_understood(pages: object) -> None:
    """The same for pages."""
    assert follow(NUMBER, page(1, pages=pages), page(2, pages=pages))[1] == Verdict(End.COMPLETE, 2, 2)


@pytest.mark.parametrize("total", ["many", {"value": 3}, [3], 2.5, True])
def test_a_total_that_cannot_be_read_is_reported(total: object) -> None:
    """The list is read to an empty page, which is an end, and the verdict says what it could not be held against."""
    got, verdict = follow(NUMBER, page(1, 2, total=total), page(3, total=total), page(total=total))
    assert (got, verdict.end) == ([1, 2, 3], End.COMPLETE)
    assert "total: expected a whole number, found" in verdict.reason


@pytest.mark.parametrize("total", [None, -1, "-1", ""])
def test_a_total_that_nobody_knows_is_none(total: object) -> None:
    """A number below zero, or nothing, announces nothing."""
    assert follow(NUMBER, page(1, total=total), page(total=total))[1] == Verdict(End.COMPLETE, 2, 1)


def test_a_short_page_proves_nothing() -> None:
    """Where nothing is announced, an empty page is the end, and no other is."""
    got, verdict = follow(BARE, page(1, 2, 3), page(4, 5), page(6), page(), size=3)
    assert (got, verdict) == ([1, 2, 3, 4, 5, 6], Verdict(End.COMPLETE, 4, 6))


def test_a_size_that_the_provider_cuts_loses_nothing() -> None:
    """Asked for a hundred, it gives two a page: what was announced has not come yet."""
    got, verdict = follow(NUMBER, page(1, 2, total=5), page(3, 4, total=5), page(5, total=5), size=100)
    assert (got, verdict) == ([1, 2, 3, 4, 5], Verdict(End.COMPLETE, 3, 5))


def test_a_size_that_the_provider_keeps_to_tells_the_last_page() -> None:
    """Then nothing is requested beyond it, also where fewer came than were announced."""
    _, verdict = follow(NUMBER, page(1, 2, total=4), page(3, total=4), size=2)
    assert (verdict.end, verdict.pages, verdict.items) == (End.DRIFTED, 2, 3)


def test_fewer_than_announced_is_no_complete_list() -> None:
    """Whatever the style: an end before the announced total is noticed."""
    for rule in (NUMBER, CURSOR):
        _, verdict = follow(rule, page(1, total=3, more=False), page(total=3))
        assert (verdict.end, verdict.reason) == (End.DRIFTED, "1 of 3 announced items came")
    _, verdict = follow(NUMBER, page(1, total=3), page(2, total=3), page(total=3), size=2)
    assert (verdict.end, verdict.reason) == (End.DRIFTED, "2 of 3 announced items came")
    _, verdict = follow(NUMBER, page(1, pages=3, more=False))
    assert (verdict.end, verdict.reason) == (End.DRIFTED, "1 of 3 announced pages came")


def test_a_total_of_the_first_page_counts_for_all() -> None:
    """Providers that count once do not count again."""
    got, verdict = follow(NUMBER, page(1, 2, total=3), page(3))
    assert (got, verdict) == ([1, 2, 3], Verdict(End.COMPLETE, 2, 3))


def test_a_list_that_is_begun_later_ends_by_its_position() -> None:
    """With a size, positions count; without one, the list is read to an empty page."""
    later = Walk(position=2, partial=True)
    assert follow(NUMBER, page(3, 4, total=4), size=2, begin=later)[1] == Verdict(End.COMPLETE, 1, 2)
    assert follow(NUMBER, page(3, 4, total=4), page(total=4), begin=later)[1] == Verdict(End.COMPLETE, 2, 2)


@pytest.mark.parametrize("body", [{}, {"data": None}, {"total": 0}, {"more": False}, {"data": [], "total": 0}])
def test_an_empty_list_may_be_left_out(body: dict[str, Any]) -> None:
    """Null, an empty object, or the rest of a page without its list: nothing is there."""
    assert follow(NUMBER, body) == ([], Verdict(End.COMPLETE, 1, 0))


def test_a_list_left_out_ends_none_that_goes_on() -> None:
    """An empty page that announces more leads on, however its emptiness is written."""
    got, verdict = follow(NUMBER, {"more": True}, {"data": None, "more": True}, page(1, more=False))
    assert (got, verdict.end) == ([1], End.COMPLETE)
    assert follow(NUMBER, {"total": 5, "more": False})[1].end is End.DRIFTED


@pytest.mark.parametrize(
    "body", [[], "text", 5, {"rows": []}, {"error": "no"}, {"data": {}}, {"data": "a"}, {"data": 1}]
)
def test_what_is_no_page_is_no_empty_list(body: Any) -> None:
    """An error, another list or another type is not taken for nothing."""
    with pytest.raises(LookupError, match="no list at 'data'"):
        paging.parse_page(NUMBER, Walk().position, body)


def test_the_place_of_a_list_may_be_empty_on_its_way() -> None:
    """What holds the list may be null or empty as well."""
    rule = PagingRule(items="result.rows", key="id", total="result.total")
    results: list[object] = [None, {}, {"total": 0}, {"rows": None, "x": 1}]
    for result in results:
        assert follow(rule, {"result": result})[1].end is End.COMPLETE
    with pytest.raises(LookupError):
        paging.parse_page(rule, Walk().position, {"result": {"columns": []}})


@pytest.mark.parametrize("ids", [(), (1,)])
def test_the_third_page_from_one_position_is_the_last(ids: tuple[int, ...]) -> None:
    """A cursor that stays where it is, with nothing new: three pages from it are enough."""
    _, verdict = follow(CURSOR, page(1, next="end"), page(*ids, next="end"))
    assert (verdict.end, verdict.pages <= 4) == (End.TRUNCATED, True)


def test_positions_in_a_ring_are_a_standstill() -> None:
    """Empty pages that lead to each other are seen as soon as they come again."""
    ring = [page(1, next="a"), *(page(next=after) for _ in range(9) for after in ("b", "c", "a"))]
    _, verdict = follow(CURSOR, *ring)
    assert (verdict.end, verdict.pages <= 7) == (End.TRUNCATED, True)


def test_a_session_may_be_empty_now_and_then() -> None:
    """A constant cursor is legal, also with some empty pages, as long as something new comes."""
    bodies = [page(i, next="s") if i % 3 else page(next="s") for i in range(1, 12)]
    assert follow(CURSOR, *bodies, page(99))[1] == Verdict(End.COMPLETE, 12, 9)


def test_empty_pages_that_are_counted_end_soon() -> None:
    """Where the client counts, nothing shows that the provider gets anywhere."""
    _, verdict = follow(NUMBER, page(1, more=True), page(more=True))
    assert (verdict.end, verdict.pages) == (End.TRUNCATED, 1 + MAX_EMPTY_COUNTED)
    _, verdict = follow(OFFSET, page(1, total=9), page(total=9))
    assert (verdict.end, verdict.pages) == (End.TRUNCATED, 4)


def test_a_page_that_is_always_the_same_is_a_standstill() -> None:
    """A server that ignores the number is noticed with keys and without; an announced total is still read."""
    for rule in (BARE, UNKEYED):
        _, verdict = follow(rule, page(1, 2))
        assert (verdict.end, verdict.pages <= 4) == (End.TRUNCATED, True)
    rule = PagingRule(style="cursor", items="data", next="next")
    _, verdict = follow(rule, *(page(0, next=f"{i}") for i in range(2000)))
    assert (verdict.end, verdict.pages) == (End.TRUNCATED, MAX_IDENTICAL)
    rule = PagingRule(items="data", total="total")
    got, verdict = follow(rule, page(0, total=6))
    assert (got, verdict.end, verdict.reason) == ([0] * 6, End.DRIFTED, "5 pages had the items of an earlier page")
