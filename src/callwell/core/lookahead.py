# SPDX-License-Identifier: Apache-2.0
"""The positions of the pages after the next one, as far as they can be computed without fetching it.

That works for page numbers and offsets; a cursor or a link is known only when the page before it has arrived. No page
is fetched beyond a known total. Without a total, some pages after the last may be fetched and never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.core.paging import Page, Walk
    from callwell.core.rules.operations import PagingRule


def next_positions(rule: PagingRule, walk: Walk, page: Page, size: int, depth: int) -> Sequence[int | str | None]:
    """The positions of the next pages, in order.

    Args:
        rule: how the list is read.
        walk: the state of the walk after the last page; it is not over.
        page: the last page.
        size: items of a full page; 0 if unknown.
        depth: how many positions are wanted.
    """
    start = walk.position
    if rule.style not in ("page", "offset") or not isinstance(start, int):
        return (start,)[:depth]
    stride = 1 if rule.style == "page" else len(page.items) or size
    if not stride:
        return (start,)[:depth]
    positions = range(start, start + stride * depth, stride)
    end = _end_position(rule, page, size)
    if end is None or positions.stop <= end:
        return positions
    # The next page is always fetched: an unfinished walk counts for more than a total.
    return range(start, max(end, start + 1), stride)[:depth]


def _end_position(rule: PagingRule, page: Page, size: int) -> int | None:
    """The first position after the last page, if the page's totals say so."""
    if rule.style == "offset":
        return None if page.total_items is None else rule.first + page.total_items
    if page.total_pages is not None:
        return rule.first + page.total_pages
    if page.total_items is not None and size:
        return rule.first - (-page.total_items // size)  # rounded up
    return None
