# SPDX-License-Identifier: Apache-2.0
"""Where the pages after the next one are, as far as that can be told without having seen those between.

Only page numbers and offsets can be reckoned; a cursor or a link is known when the page before it has come. Nothing is
asked for beyond a known total. Without one, some pages after the last may be asked for in vain: they are never read.
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
        walk: where the walk stands after the last page; it is not over.
        page: the last page.
        size: items that a full page has.
        depth: how many are wanted.
    """
    here = walk.position
    if rule.style not in ("page", "offset") or not isinstance(here, int):
        return (here,)[:depth]
    stride = 1 if rule.style == "page" else len(page.items) or size
    if not stride:
        return (here,)[:depth]
    reckoned = range(here, here + stride * depth, stride)
    bound = _end_position(rule, page, size)
    if bound is None or reckoned.stop <= bound:
        return reckoned
    return range(here, max(bound, here + 1), stride)[:depth]


def _end_position(rule: PagingRule, page: Page, size: int) -> int | None:
    """The first position after the last page, where the page tells."""
    if rule.style == "offset":
        return None if page.total is None else rule.first + page.total
    if page.pages is not None:
        return rule.first + page.pages
    if page.total is not None and size:
        return rule.first - (-page.total // size)
    return None
