# SPDX-License-Identifier: Apache-2.0
"""A walk over a list that changes while it is read: what its verdict is worth."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.core import json_values, paging
from callwell.core.paging import Walk
from callwell.core.rules.operations import PagingRule
from callwell.core.verdict import End, Verdict
from tests.core.lists import CURSOR, OFFSET, PAGE, SIZE, STYLES, Change, Lists, changes, few_changes


def walk(style: str, lists: Lists, begin: Walk | None = None, *, store: bool = False) -> tuple[list[int], Verdict]:
    """Walk to the end: the delivered ids, and the verdict."""
    rule = STYLES[style]
    state = begin or paging.start_walk(rule)
    seen = set[int]()
    got = list[int]()
    for _ in range(200):
        body, link = lists.body(style, state.position)
        parsed = paging.parse_page(rule, state.position, body, link)
        step = paging.advance(rule, state, parsed, SIZE, seen)
        state = msgspec.convert(msgspec.msgpack.decode(msgspec.msgpack.encode(step.walk)), Walk) if store else step.walk
        seen.update(parsed.digests)
        got += [item["id"] for item in step.items]
        if step.verdict is not None:
            return got, step.verdict
        lists.change()
    raise AssertionError("the walk never ends")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7, 30])
def test_a_list_that_stands_still_is_complete(style: str, count: int) -> None:
    """Every item once, in order, and no page too many, also when it is stored after every page."""
    got, verdict = walk(style, Lists(count, []), store=True)
    assert got == list(range(count))
    assert verdict == Verdict(End.COMPLETE, max(1, -(-count // SIZE)), count)


@pytest.mark.parametrize("style", ["page", "offset", "pages", "next"])
@given(count=st.integers(0, 20), script=changes | few_changes)
def test_complete_means_that_nothing_was_missed(style: str, count: int, script: list[Change]) -> None:
    """With totals: what was there throughout and was missed makes no walk complete, unless comings cancel goings.

    Exactly: if between some two pages more items came than went, or fewer, the verdict is not `complete`. If between
    any two as many came as went, it may be, although something was missed: no total shows that.
    """
    lists = Lists(count, script)
    got, verdict = walk(style, lists)
    if lists.permanent - set(got):
        assert verdict.end is not End.COMPLETE or lists.balanced
    if verdict.end is End.COMPLETE:
        assert lists.balanced
    assert len(got) == len(set(got)) == verdict.items


def test_what_cancels_out_is_not_seen() -> None:
    """What cannot be promised: one item goes and one comes between two pages, a third is missed, the total stands."""
    got, verdict = walk("page", Lists(9, [Change(put=(8,), out=(0,))]))
    assert (3 in got, verdict.end) == (False, End.COMPLETE)


@given(count=st.integers(0, 20), script=changes)
def test_an_insertion_is_reported_without_totals(count: int, script: list[Change]) -> None:
    """Without totals drift shows where an item comes twice: each such key is named, and delivered once."""
    lists = Lists(count, script)
    got, verdict = walk("cursor", lists)
    assert len(got) == len(set(got)) == verdict.items
    assert (verdict.end is End.COMPLETE) == (not verdict.repeated and verdict.end is not End.TRUNCATED)


def test_keys_that_come_twice_are_named() -> None:
    """Three insertions at the front push a page's items into the next one."""
    got, verdict = walk("cursor", Lists(6, [Change(put=(0, 0))]))
    assert got == [0, 1, 2, 3, 4, 5]
    assert (verdict.end, verdict.repeated) == (End.DRIFTED, ("1", "2"))
    assert "2 keys came twice" in verdict.reason


def test_totals_that_moved_are_named() -> None:
    """An item that goes between two pages shows in the totals, and the one that was missed with it."""
    got, verdict = walk("page", Lists(6, [Change(out=(0,))]))
    assert (got, verdict.end, verdict.totals) == ([0, 1, 2, 4, 5], End.DRIFTED, (6, 5))


def follow(rule: PagingRule, bodies: list[dict[str, Any]], begin: Walk | None = None) -> tuple[list[Any], Verdict]:
    """Walk over scripted responses, the last of which comes again and again."""
    state = begin or paging.start_walk(rule)
    seen = set[int]()
    got = list[Any]()
    for i in range(3000):
        parsed = paging.parse_page(rule, state.position, bodies[min(i, len(bodies) - 1)])
        step = paging.advance(rule, state, parsed, SIZE, seen)
        state = step.walk
        seen.update(parsed.digests)
        got += step.items
        if step.verdict is not None:
            return got, step.verdict
    raise AssertionError("the walk never ends")


def page(*ids: object, after: str | None = None, **more: object) -> dict[str, Any]:
    """A body."""
    return {"data": [{"id": item} for item in ids], "next": after, **more}


def test_a_cycle_of_two_pages_is_truncated() -> None:
    """A, B, A, B: the third page is known from its position and content."""
    _, verdict = follow(CURSOR, [page(1, after="b"), page(2, after="a"), page(1, after="b"), page(2, after="a")])
    assert (verdict.end, verdict.items, "cycle" in verdict.reason) == (End.TRUNCATED, 2, True)


def test_a_cycle_without_keys_is_truncated() -> None:
    """Content is distinguished by the items themselves where they have no key."""
    rule = PagingRule(style="cursor", items="data", next="next")
    bodies = [page(1, after="a"), page(2, after="b"), page(3, after="a"), page(2, after="b")]
    assert follow(rule, bodies)[1].end is End.TRUNCATED


def test_a_constant_cursor_is_legal() -> None:
    """A server that keeps the position itself gives the same cursor each time, and different pages."""
    bodies = [page(i, after="session") for i in range(9)] + [page(9)]
    assert follow(CURSOR, bodies)[1] == Verdict(End.COMPLETE, 10, 10)


def test_empty_pages_with_more_do_not_end_a_walk() -> None:
    """A filter may leave pages empty; the walk goes on, for a thousand of them, as long as it gets somewhere."""
    bodies = [page(1, after="a"), *(page(after=f"{i}") for i in range(500)), page(2)]
    assert follow(CURSOR, bodies)[1] == Verdict(End.COMPLETE, 502, 2)
    _, verdict = follow(CURSOR, [page(1, after="a"), *(page(after=f"{i}") for i in range(2000))])
    assert (verdict.end, verdict.pages) == (End.TRUNCATED, paging.MAX_EMPTY + 1)


def test_an_empty_page_is_passed_by() -> None:
    """By offset, an empty page that is not the end is stepped over, not requested again."""
    full = {"data": [{"id": i} for i in range(SIZE)], "total": 7}
    empty: dict[str, Any] = {"data": [], "total": 7}
    begin = paging.start_walk(OFFSET)
    step = paging.advance(OFFSET, begin, paging.parse_page(OFFSET, begin.position, full), SIZE, set())
    step = paging.advance(OFFSET, step.walk, paging.parse_page(OFFSET, step.walk.position, empty), SIZE, set())
    assert (step.verdict, step.walk.position) == (None, 2 * SIZE)


def test_pages_of_known_items_are_a_cycle() -> None:
    """A server that ignores the page number and always has more is given up after a few pages."""
    _, verdict = follow(PAGE, [page(1, 2, 3, more=True)])
    assert (verdict.end, verdict.pages) == (End.TRUNCATED, 1 + paging.MAX_STALE_PAGES)


def test_more_without_a_place_is_truncated() -> None:
    """A body that announces more and no cursor to it cannot be followed: that is no end."""
    rule = PagingRule(style="cursor", items="data", key="id", next="next", more="more")
    assert follow(rule, [page(1, more=True)])[1].end is End.TRUNCATED


def test_items_without_a_key_are_all_delivered() -> None:
    """An item that lacks its key is distinguished from no other, so none of them is dropped."""
    bodies: list[dict[str, Any]] = [
        {"data": [{"id": 1}, {"name": "a"}, {"id": None}], "next": "x"},
        {"data": [{"name": "b"}, "text", {"id": 1}], "next": "x"},
        {"data": [{"name": "c"}, {"name": "c"}], "next": "x"},
        {"data": [{"name": "d"}, {"name": "e"}], "next": "x"},
        {"data": []},
    ]
    got, verdict = follow(CURSOR, bodies)
    assert len(got) == 9
    assert (verdict.end, verdict.repeated) == (End.DRIFTED, ("1",))


@pytest.mark.parametrize("body", [{"data": {}}, {"data": "text"}, {"data": 5}, {"other": []}])
def test_a_body_without_items_is_no_empty_page(body: dict[str, Any]) -> None:
    """A list that is not where the rule says is an error that names the place, never an end."""
    with pytest.raises(LookupError, match="data"):
        paging.parse_page(CURSOR, paging.start_walk(CURSOR).position, body)


def test_a_walk_goes_on_from_where_it_was_stored() -> None:
    """Stopped after two pages, stored, taken up: together every item once."""
    lists = Lists(11, [])
    state = paging.start_walk(PAGE)
    seen = set[int]()
    got = list[int]()
    for _ in range(2):
        parsed = paging.parse_page(PAGE, state.position, lists.body("page", state.position)[0])
        step = paging.advance(PAGE, state, parsed, SIZE, seen)
        state = step.walk
        seen.update(parsed.digests)
        got += [item["id"] for item in step.items]
    rest, verdict = walk("page", lists, state)
    assert got + rest == list(range(11))
    assert (verdict.end, verdict.pages, verdict.items) == (End.COMPLETE, 4, 11)


def test_a_partial_walk_is_not_measured_by_the_total() -> None:
    """A walk that was begun in the middle delivers fewer than the total, and is complete for what it is."""
    got, verdict = walk("page", Lists(11, []), Walk(position=3, partial=True))
    assert (got, verdict.end) == ([6, 7, 8, 9, 10], End.COMPLETE)
    assert walk("page", Lists(11, []), Walk(position=3))[1].end is End.DRIFTED


@pytest.mark.parametrize(
    ("path", "value"),
    [("a.b", 1), ("l.1", "y"), ("l.9", None), ("l.²", None), ("a.b.c", None), ("x", None), (None, None)],
)
def test_paths(path: str | None, value: object) -> None:
    """A dotted path leads through mappings and lists, or to None."""
    assert json_values.value_at({"a": {"b": 1}, "l": ["x", "y"]}, path) == value


@pytest.mark.parametrize("style", ["next-link", "page"])
def test_a_list_of_links(style: Literal["next-link", "page"]) -> None:
    """The link of the relation `next` leads on; without it, and without totals, the walk is at its end."""
    rule = PagingRule(style=style, items="data", links="meta.links")
    there = [{"rel": "self", "uri": "/a"}, "odd", {"rel": "next", "uri": "/b"}]
    page = paging.parse_page(rule, paging.start_walk(rule).position, {"data": [{}], "meta": {"links": there}})
    step = paging.advance(rule, paging.start_walk(rule), page, 1, frozenset())
    assert step.verdict is None
    assert step.walk.position == (2 if style == "page" else "/b")
    for links in ([], None, [{"rel": "self", "uri": "/c"}]):
        last = paging.parse_page(rule, step.walk.position, {"data": [{"last": 1}], "meta": {"links": links}})
        end = paging.advance(rule, step.walk, last, 1, set(page.digests)).verdict
        assert end is not None
        assert end.end is End.COMPLETE


def test_totals_go_before_links() -> None:
    """Where there are totals, a link does not keep a walk going."""
    rule = PagingRule(items="data", pages="pages", links="links")
    page = paging.parse_page(
        rule, paging.start_walk(rule).position, {"data": [{}], "pages": 1, "links": [{"rel": "next", "uri": "/b"}]}
    )
    assert paging.advance(rule, paging.start_walk(rule), page, 1, frozenset()).verdict is not None
