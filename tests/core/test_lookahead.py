# SPDX-License-Identifier: Apache-2.0
"""Pages that are requested ahead of their turn: which, and what a verdict is worth when they come in any order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callwell.core import lookahead, paging
from callwell.core.paging import Page, Walk
from callwell.core.rules.operations import PagingRule
from callwell.core.verdict import End, Verdict
from tests.core.lists import CURSOR, LINK, NEXT, OFFSET, PAGE, PAGES, SIZE, STYLES, Change, Lists, changes, few_changes


def came(items: int = SIZE, *, total: int | None = None, pages: int | None = None) -> Page:
    """A page of some items."""
    return Page((0,) * items, (), (0,), None, None, total, pages)


def wanted(rule: PagingRule, at: int | str, page: Page, size: int = SIZE, depth: int = 4) -> list[Any]:
    """The positions from one on."""
    return list(lookahead.next_positions(rule, Walk(at), page, size, depth))


@pytest.mark.parametrize(
    ("rule", "at", "page", "expected"),
    [
        (PAGE, 2, came(), [2, 3, 4, 5]),
        (PAGE, 2, came(total=12), [2, 3, 4]),
        (PAGE, 2, came(total=13), [2, 3, 4, 5]),
        (PAGES, 2, came(pages=3, total=99), [2, 3]),
        (OFFSET, 3, came(), [3, 6, 9, 12]),
        (OFFSET, 3, came(total=10), [3, 6, 9]),
        (OFFSET, 3, came(total=9), [3, 6]),
        (OFFSET, 2, came(2), [2, 4, 6, 8]),
        (OFFSET, 3, came(0), [3, 6, 9, 12]),
        (CURSOR, "c", came(), ["c"]),
        (LINK, "/l", came(), ["/l"]),
        (NEXT, "/n", came(total=99), ["/n"]),
    ],
)
def test_what_can_be_reckoned_is(rule: PagingRule, at: int | str, page: Page, expected: list[Any]) -> None:
    """Numbers and offsets go on up to the total that was announced; where a cursor leads is known from its page."""
    assert wanted(rule, at, page) == expected
    assert wanted(rule, at, page, depth=1) == expected[:1]
    assert wanted(rule, at, page, depth=0) == []


def test_the_next_page_is_wanted_whatever_the_total_says() -> None:
    """A total that is too low ends no walk: the page where the provider has more is requested."""
    assert wanted(PAGE, 9, came(total=3)) == wanted(PAGES, 9, came(pages=3)) == wanted(OFFSET, 9, came(total=3)) == [9]


def test_without_a_size_nothing_is_reckoned() -> None:
    """An empty page of unknown size leads nowhere but to the next one; totals of items then bound no page numbers."""
    assert wanted(OFFSET, 9, came(0), size=0) == [9]
    assert wanted(PAGE, 2, came(total=3), size=0) == [2, 3, 4, 5]


def deep(style: str, lists: Lists, depth: int, turns: list[int]) -> tuple[list[int], Verdict, list[Any]]:
    """Walk with pages under way that are served in any order, while the list changes after each.

    Args:
        style: of the list.
        lists: the server.
        depth: pages under way.
        turns: which of those under way is served next, over and over again.

    Returns:
        the delivered ids, the verdict, and the positions that were requested.
    """
    rule = STYLES[style]
    state = paging.start_walk(rule)
    seen = set[int]()
    got = list[int]()
    asked = list[Any]()
    under_way: list[Any] = [state.position]
    served: dict[Any, Any] = {}
    for turn in range(2000):
        waiting = [position for position in under_way if position not in served]
        position = waiting[turns[turn % len(turns)] % len(waiting)]
        served[position] = lists.body(style, position)
        asked.append(position)
        lists.change()
        while under_way and under_way[0] in served:
            page = paging.parse_page(rule, state.position, *served.pop(under_way.pop(0)))
            step = paging.advance(rule, state, page, SIZE, seen)
            state = step.walk
            seen.update(page.digests)
            got += [item["id"] for item in step.items]
            if step.verdict is not None:
                return got, step.verdict, asked
            under_way = list(lookahead.next_positions(rule, state, page, SIZE, depth))
            served = {position: body for position, body in served.items() if position in under_way}
    raise AssertionError("the walk never ends")


some_turns = st.lists(st.integers(0, 7), min_size=1, max_size=30)


@given(style=st.sampled_from(sorted(STYLES)), count=st.integers(0, 40), depth=st.integers(1, 8), turns=some_turns)
def test_a_list_that_stands_still_is_whole(style: str, count: int, depth: int, turns: list[int]) -> None:
    """However pages overtake each other: every item once, in order, and no request beyond the last page."""
    got, verdict, asked = deep(style, Lists(count, []), depth, turns)
    pages = max(1, -(-count // SIZE))
    assert (got, verdict) == (list(range(count)), Verdict(End.COMPLETE, pages, count))
    assert len(asked) == len(set(asked)) == pages


@example("page", 4, [Change((2, 0), (0, 0)), Change((), (0,))], 2, [0])
@given(
    style=st.sampled_from(["page", "offset", "pages"]),
    count=st.integers(0, 20),
    script=changes | few_changes,
    depth=st.integers(2, 8),
    turns=some_turns,
)
def test_complete_still_means_that_nothing_was_missed(
    style: str, count: int, script: list[Change], depth: int, turns: list[int]
) -> None:
    """With totals: whatever page was served first, nothing that was there throughout is missed unseen.

    Exactly as for pages that are read one by one: only comings that cancel goings are not seen.
    """
    lists = Lists(count, script)
    got, verdict, _ = deep(style, lists, depth, turns)
    if lists.permanent - set(got):
        assert verdict.end is not End.COMPLETE or lists.balanced
    assert len(got) == len(set(got)) == verdict.items


def test_what_deep_walks_do_not_see_without_totals() -> None:
    """What cannot be promised, and why one page ahead is usual: page 3 is served, one item comes, page 2 is served."""
    rule = PagingRule(items="data", key="id", more="more")
    lists = Lists(9, [Change(), Change(put=(0,))])
    state = paging.start_walk(rule)
    seen = set[int]()
    got = list[int]()
    bodies = {}
    for position in (1, 3, 2):
        bodies[position] = lists.body("page", position)[0]
        lists.change()
    for position in (1, 2, 3):
        page = paging.parse_page(rule, state.position, bodies[position])
        step = paging.advance(rule, state, page, SIZE, seen)
        state = step.walk
        seen.update(page.digests)
        got += [item["id"] for item in step.items]
    assert (5 in got, step.walk.repeated) == (False, ("2",))
