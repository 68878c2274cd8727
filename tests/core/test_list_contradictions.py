# SPDX-License-Identifier: Apache-2.0
"""Lists that contradict themselves: words for nothing, a cursor zero, totals below what came, the same page again."""

from __future__ import annotations

import pytest

from callwell.core import paging
from callwell.core.paging import Walk
from callwell.core.rules.operations import PagingRule
from callwell.core.verdict import End, Verdict
from tests.core.test_list_ends import CURSOR, LINK, NUMBER, OFFSET, UNKEYED, follow, page

WORDS = ["null", "None", "NULL", "nil", "undefined", "false", " null "]
UNKEYED_TOTAL = PagingRule(items="data", total="total")
UNKEYED_OFFSET = PagingRule(style="offset", items="data", position="offset", first=0, total="total")


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("rule", [CURSOR, LINK])
def test_a_word_for_nothing_is_no_position(rule: PagingRule, word: str) -> None:
    """It is what null becomes in a program that makes strings of everything."""
    got, verdict = follow(rule, page(1, next="/b"), page(2, next=word))
    assert (got, verdict) == ([1, 2], Verdict(End.COMPLETE, 2, 2))


@pytest.mark.parametrize("word", ["null", "None", "false"])
def test_a_word_of_the_last_item_is_its_cursor(word: str) -> None:
    """Where cursors are names, somebody may be called that."""
    got, verdict = follow(CURSOR, page(1, word, next=word), page(3))
    assert (got, verdict) == ([1, word, 3], Verdict(End.COMPLETE, 2, 3))


def test_no_link_is_zero() -> None:
    """A link is a string, so a zero in its place is nothing."""
    assert follow(LINK, page(1, next="/b"), page(2, next=0))[1] == Verdict(End.COMPLETE, 2, 2)


@pytest.mark.parametrize("zero", [0, "0", 0.0])
def test_a_cursor_zero_that_leads_to_the_start_is_the_end(zero: object) -> None:
    """Some providers send it with the last page; whoever follows it gets the first page again."""
    first = page(1, 2, next="b")
    got, verdict = follow(CURSOR, first, page(3, next=zero), first)
    assert (got, verdict) == ([1, 2, 3], Verdict(End.COMPLETE, 3, 3))
    only = page(1, next=zero)
    assert follow(CURSOR, only, only) == ([1], Verdict(End.COMPLETE, 2, 1))
    assert follow(CURSOR, first, page(3, next=zero), page(next=None))[1] == Verdict(End.COMPLETE, 3, 3)


@pytest.mark.parametrize("zero", [0, "0"])
def test_a_cursor_zero_that_leads_on_is_followed(zero: object) -> None:
    """Others begin to count there."""
    got, verdict = follow(CURSOR, page(1, next=zero), page(2, next=1), page(3))
    assert (got, verdict) == ([1, 2, 3], Verdict(End.COMPLETE, 3, 3))


def test_a_server_that_ignores_its_cursors_reaches_no_end() -> None:
    """Although one of them is zero: its page leads elsewhere than the first one did."""
    got, verdict = follow(CURSOR, *(page(1, next=f"{i}") for i in range(9)))
    assert (got, verdict.end) == ([1], End.TRUNCATED)


@pytest.mark.parametrize("rule", [UNKEYED_TOTAL, UNKEYED_OFFSET])
def test_items_that_come_again_without_keys_are_no_complete_list(rule: PagingRule) -> None:
    """A server that ignores the position gives its first page until the total is reached."""
    got, verdict = follow(rule, page(1, 2, total=6), size=2)
    assert (got, verdict.end) == ([1, 2] * 3, End.DRIFTED)
    assert "2 pages had the items of an earlier page" in verdict.reason


def test_pages_that_alternate_without_keys_are_no_complete_list() -> None:
    """Two servers behind one address that count differently; the page before is another one each time."""
    bodies = [page(1, 2), page(3, 4), page(1, 2), page()]
    assert follow(UNKEYED, *bodies)[1].end is End.DRIFTED
    one = follow(UNKEYED_TOTAL, page(1, total=3), page(2, total=3), page(1, total=3), size=1)[1]
    assert (one.end, one.reason) == (End.DRIFTED, "1 pages had the items of an earlier page")


@pytest.mark.parametrize("rule", [NUMBER, OFFSET])
def test_a_total_below_what_came_ends_nothing(rule: PagingRule) -> None:
    """A total that is always 0, or was counted before: the list is read to an empty page, and the verdict says so."""
    got, verdict = follow(rule, page(1, 2, total=0), page(3, total=0), page(total=0), size=2)
    assert (got, verdict.end, verdict.reason) == ([1, 2, 3], End.DRIFTED, "3 of 0 announced items came")


@pytest.mark.parametrize("total", [3, 4, 5])
def test_a_size_that_the_provider_cuts_loses_nothing_later_either(total: int) -> None:
    """Begun at the second page, asked for two items a page, and given one."""
    bodies = [page(number, total=total) for number in range(2, total + 1)]
    got, verdict = follow(NUMBER, *bodies, page(total=total), size=2, begin=Walk(position=2, partial=True))
    assert (got, verdict.end) == (list(range(2, total + 1)), End.COMPLETE)


def test_a_page_that_nobody_announced_is_marked() -> None:
    """The page after it is requested to see whether there is one."""

    def after(rule: PagingRule, body: dict[str, object], size: int = 0) -> bool:
        walk = paging.start_walk(rule)
        step = paging.advance(rule, walk, paging.parse_page(rule, walk.position, body), size, frozenset())
        assert step.verdict is None
        return step.is_announced

    assert not after(NUMBER, page(1, 2))
    assert not after(NUMBER, page(1, total=2), size=2)
    assert after(NUMBER, page(1, 2, total=4), size=2)
    assert after(NUMBER, page(1, more=True))
    assert after(NUMBER, page(1, pages=2))
    assert after(CURSOR, page(1, next="b"))
    assert after(OFFSET, page(1, total=2))
