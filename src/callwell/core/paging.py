# SPDX-License-Identifier: Apache-2.0
"""A walk over the pages of a list: what one page says, where the next one is, and whether nothing was missed.

::

    position ──> page ──advance──> next position: go on
                          ├──────> the provider's own end: complete, or drifted
                          └──────> no way on: truncated

**The end must be recognised.** A short page proves nothing, for providers filter pages after cutting them; nor does a
value that cannot be read. A walk ends where the provider says so: `more` is false, there is no next position, the
announced total has come, or, where nothing is announced, a page is empty. The verdict tells how far to trust it:

* `complete`: the provider's own end was recognised, no item came twice and no total changed;
* `drifted`: it was recognised, but the list changed in the meantime, so that items may have been missed;
* `truncated`: it was not: a cycle, a standstill, a next position that cannot be read, or the caller stopped.

**Cycles** are recognised by position *and* content, so that a constant cursor with different pages is legal. What has
come is kept by the caller as 64-bit digests, so that the state of a walk is small enough to be stored after every page.

**Order.** Pages may be fetched in another order than they are read in. Totals still show a change: they differ between
some two pages wherever items came or went in between, whichever page was fetched first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.core.page import Page, digest_key, digest_texts, parse_page
from callwell.core.verdict import End, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.core.rules.operations import PagingRule

__all__ = [
    "MAX_EMPTY",
    "MAX_EMPTY_COUNTED",
    "MAX_IDENTICAL",
    "MAX_REPEATED_KEYS",
    "MAX_STALE",
    "Page",
    "PageStep",
    "Walk",
    "advance",
    "digest_key",
    "digest_texts",
    "end_verdict",
    "parse_page",
    "start_walk",
    "truncated_verdict",
]

MAX_STALE: Final = 3
"""Pages in a row without anything new, after which a walk is given up: those that hold known items only, those that are
all alike although the client counts, and those that come from positions where the same was found before."""

MAX_IDENTICAL: Final = 10
"""Pages in a row that are all alike, after which a walk is given up whose positions the provider names: each is another
one, and items without keys may be alike for a while."""

MAX_EMPTY: Final = 1000
"""Empty pages in a row that announce more, after which a walk is given up. Each names another position: a filter may
leave many pages empty."""

MAX_EMPTY_COUNTED: Final = 20
"""The same where positions are counted by the client: then nothing shows that the provider moves on."""

LINKED_STYLES: Final = ("cursor", "next-link", "link-header")
"""Styles in which a page says where the next one is."""

MAX_REPEATED_KEYS: Final = 100
"""Repeated keys that a verdict names."""


class Walk(NamedTuple):
    """Where a walk stands. Plain values: it can be stored after every page.

    Attributes:
        position: of the next page: a page number, an offset, a cursor or a link; None for the first page.
        partial: it did not begin at the first page.
        pages: pages read.
        items: items delivered.
        totals: the totals that were announced, each time that it changed.
        repeated: keys that came more than once.
        stale: pages in a row that hold items, but none that is new.
        empty: empty pages in a row.
        came: items that came, those that came again among them.
        still: pages in a row without anything new, from positions where the same was found before.
        alike: pages in a row that are like the one before.
        content: the digest of the last page's items, where they are not recognised by their keys.
        unclear: what could not be read, in words, each once.
    """

    position: int | str | None = None
    partial: bool = False
    pages: int = 0
    items: int = 0
    totals: tuple[int, ...] = ()
    repeated: tuple[str, ...] = ()
    stale: int = 0
    empty: int = 0
    came: int = 0
    still: int = 0
    alike: int = 0
    content: int = 0
    unclear: tuple[str, ...] = ()


class PageStep(NamedTuple):
    """What follows from a page.

    Attributes:
        walk: where the walk stands after it.
        items: the page's items whose keys had not been delivered before.
        verdict: set when the walk is over.
    """

    walk: Walk
    items: tuple[Any, ...]
    verdict: Verdict | None


def start_walk(rule: PagingRule) -> Walk:
    """A walk from the first page."""
    return Walk(position=rule.first if rule.style in ("page", "offset") else None)


def advance(rule: PagingRule, walk: Walk, page: Page, size: int, seen: frozenset[int] | set[int]) -> PageStep:
    """What follows from a page.

    Args:
        rule: how the list is read.
        walk: where the walk stood when the page was read.
        page: what came.
        size: items that a full page has, for offsets and for totals without a `more`.
        seen: marks that came before; of those, only the page's own matter.
    """
    fresh, repeated = _drop_repeated(page, seen)
    known = page.marks[0] in seen
    after = _count_page(walk, page, fresh, repeated, known=known)
    after = after._replace(position=_next_position(rule, walk, page, size))
    ending = _find_ending(rule, walk, after, page, size)
    if ending.more:
        reason = _standstill(rule, after, page, again=known and bool(page.items))
        return PageStep(after, fresh, truncated_verdict(after, reason) if reason else None)
    if ending.doubt:
        return PageStep(after, fresh, truncated_verdict(after, ending.doubt))
    return PageStep(after, fresh, end_verdict(after, page.pages))


def end_verdict(walk: Walk, pages: int | None = None) -> Verdict:
    """The verdict of a walk that reached the provider's own end.

    Args:
        walk: where it stands.
        pages: the total of pages that the last page announced.
    """
    moved = walk.totals if len(walk.totals) > 1 else ()
    reasons = []
    if walk.repeated:
        reasons.append(f"{len(walk.repeated)} keys came twice")
    if moved:
        reasons.append(f"the total moved: {' → '.join(map(str, moved))}")
    elif walk.totals and walk.totals[0] != walk.items and not walk.partial:
        moved = walk.totals
        reasons.append(f"{walk.items} items came of {walk.totals[0]} announced")
    if pages is not None and walk.pages < pages and not walk.partial:
        reasons.append(f"{walk.pages} pages came of {pages} announced")
    end = End.DRIFTED if reasons else End.COMPLETE
    reasons.extend(walk.unclear)
    return Verdict(end, walk.pages, walk.items, walk.repeated, moved, "; ".join(reasons))


def truncated_verdict(walk: Walk, reason: str) -> Verdict:
    """The verdict of a walk that did not reach the provider's own end."""
    return Verdict(End.TRUNCATED, walk.pages, walk.items, walk.repeated, (), reason)


def _drop_repeated(page: Page, seen: frozenset[int] | set[int]) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    if not page.keys:
        return page.items, ()
    fresh = []
    repeated = []
    here = set[int]()
    for item, key, mark in zip(page.items, page.keys, page.marks[1:], strict=True):
        if not key:
            fresh.append(item)
        elif mark in seen or mark in here:
            repeated.append(key)
        else:
            here.add(mark)
            fresh.append(item)
    return tuple(fresh), tuple(repeated)


def _count_page(walk: Walk, page: Page, fresh: Sequence[Any], repeated: Sequence[str], *, known: bool) -> Walk:
    """A walk after a page, but for its position."""
    totals = walk.totals
    if page.total is not None and (not totals or totals[-1] != page.total):
        totals = (*totals, page.total)
    words = [f"{name}: {wrong}" for name, wrong in page.unclear]
    after = walk._replace(
        pages=walk.pages + 1,
        items=walk.items + len(fresh),
        came=walk.came + len(page.items),
        totals=totals,
        repeated=(*walk.repeated, *repeated)[:MAX_REPEATED_KEYS],
        alike=walk.alike + 1 if page.content and page.content == walk.content else 0,
        content=page.content,
        unclear=tuple(dict.fromkeys((*walk.unclear, *words)))[:MAX_REPEATED_KEYS],
    )
    if fresh:
        return after._replace(stale=0, empty=0, still=0)
    still = walk.still + 1 if known else walk.still
    if page.items:
        return after._replace(stale=walk.stale + 1, empty=0, still=still)
    return after._replace(empty=walk.empty + 1, still=still)


def _next_position(rule: PagingRule, walk: Walk, page: Page, size: int) -> int | str | None:
    match rule.style:
        case "page":
            return _page_number(rule, walk) + 1
        case "offset":
            return _page_number(rule, walk) + (len(page.items) or size)
        case _:
            return page.next


def _page_number(rule: PagingRule, walk: Walk) -> int:
    """The page number or the offset of the page that a walk stands at."""
    return int(walk.position if walk.position is not None else rule.first)


class _Ending(NamedTuple):
    """Whether a walk goes on after a page.

    Attributes:
        more: it goes on.
        doubt: why its end is not recognised, if it does not.
    """

    more: bool
    doubt: str = ""


def _find_ending(rule: PagingRule, walk: Walk, after: Walk, page: Page, size: int) -> _Ending:
    if page.more is not None:
        return _Ending(page.more)
    unclear = dict(page.unclear)
    if rule.style not in LINKED_STYLES:
        announced = _has_more_by_totals(rule, walk, after, page, size)
        if announced is not None:
            return _Ending(announced)
    if rule.style in LINKED_STYLES or rule.links is not None or rule.next is not None:
        more = page.next is not None
        wrong = unclear.get("next") or unclear.get("links") or unclear.get("more")
    else:
        more = bool(page.items)
        wrong = unclear.get("more")
    if more or wrong is None:
        return _Ending(more)
    return _Ending(more=False, doubt=f"the end cannot be recognised: {wrong}")


def _has_more_by_totals(rule: PagingRule, walk: Walk, after: Walk, page: Page, size: int) -> bool | None:
    """Whether there is more by the announced totals, None where there are none.

    A total of items is reached when so many have come. If they do not come, the last page is the end where the provider
    keeps to the size of pages that was asked for, and an empty page elsewhere.
    """
    before = _page_number(rule, walk) - rule.first
    if rule.style == "page" and page.pages is not None:
        return before + 1 < page.pages
    total = page.total if page.total is not None or not walk.totals else walk.totals[-1]
    if total is None:
        return None
    if rule.style == "offset":
        return before + len(page.items) < total
    if walk.partial and size:
        return (before + 1) * size < total
    if walk.partial:
        return bool(page.items)
    last = bool(size) and (before + 1) * size >= total
    keeps_to_size = walk.pages > 0 and walk.came == walk.pages * size
    over = last and (keeps_to_size or not page.items)
    return after.came < total and not over


def _standstill(rule: PagingRule, walk: Walk, page: Page, *, again: bool) -> str:
    """Why a walk that should go on cannot, or does not get anywhere."""
    announced = page.total is not None or page.pages is not None
    if again:
        return "a cycle: the same page came from the same position"
    if walk.position is None:
        wrong = "; ".join(text for _, text in page.unclear)
        return f"more was announced, but not where{f': {wrong}' if wrong else ''}"
    if walk.still >= MAX_STALE - 1:
        return f"a standstill: {MAX_STALE} pages from the same position brought nothing new"
    if walk.stale >= MAX_STALE:
        return f"{MAX_STALE} pages in a row brought nothing new"
    followed = rule.style in LINKED_STYLES
    if walk.alike + 1 >= (MAX_IDENTICAL if followed else MAX_STALE) and not announced:
        return f"a standstill: {walk.alike + 1} pages in a row are the same"
    if walk.empty >= (MAX_EMPTY if followed else MAX_EMPTY_COUNTED):
        return f"{walk.empty} pages in a row were empty"
    return ""
