# SPDX-License-Identifier: Apache-2.0
"""A walk over the pages of a list: where the next page is, when the list ends, and whether anything was missed.

::

    position ──> page ──advance──> next position: continue
                          ├──────> the provider's own end: complete, or drifted
                          └──────> no way on: truncated

**The end must be recognised.** A short page proves nothing, because providers filter pages after cutting them; nor does
an unreadable value. A walk ends where the provider says so: `more` is false, there is no next position, the announced
total has arrived, or, where nothing is announced, a page is empty. The verdict says how far to trust it:

* `complete`: the provider's own end was recognised, no item came twice and no total changed;
* `drifted`: it was recognised, but the list changed in the meantime, so that items may have been missed;
* `truncated`: it was not: a cycle, no progress, an unreadable next position, or the caller stopped.

A total below the number of received items does not end a walk. Some providers send the cursor zero with the last page,
others start counting there: it is followed, and the list is over if the first page comes again with the same next
position. A client that counts may request a page beyond the last: a 404 is then an end (`PageStep.is_announced`).

**Cycles** are detected by position *and* content: a constant cursor with different pages is legal. The caller keeps
64-bit digests of everything received, and a walk is small enough to be stored after every page.

**Order.** Pages may be fetched in a different order than they are read. Totals still show a change: they differ between
some two pages if items were added or removed in between, regardless of which page was fetched first.
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
    "MAX_STALE_PAGES",
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

MAX_STALE_PAGES: Final = 3
"""Consecutive pages without anything new after which a walk is given up: pages of known items, identical pages although
the client counts the positions, or repeats of a page from the same position. One or two may be due to a list that
changes."""

MAX_IDENTICAL: Final = 10
"""The same for identical pages where the provider names the positions: each position is new, and items without keys may
be equal for a while."""

MAX_EMPTY: Final = 1000
"""Consecutive empty pages that announce more, after which a walk is given up. Each names another position, and a filter
may leave many pages empty."""

MAX_EMPTY_COUNTED: Final = 20
"""The same where the client counts the positions: nothing shows that the provider makes progress."""

LINKED_STYLES: Final = ("cursor", "next-link", "link-header")
"""Styles in which a page says where the next one is."""

MAX_REPEATED_KEYS: Final = 100
"""The most repeated keys that a verdict names, since it is stored with the walk."""


class Walk(NamedTuple):
    """The state of a walk. Plain values: it can be stored after every page.

    It is stored as an array: the order of the fields is a format, and new ones go to the end.

    Attributes:
        position: of the next page: a page number, an offset, a cursor or a link; None for the first page.
        partial: it did not begin at the first page.
        pages: pages read.
        items: items delivered.
        totals: the announced total, and each new value when it changed.
        repeated: keys that arrived more than once.
        stale_pages: consecutive pages with items, none of them new.
        empty_pages: consecutive pages without items.
        received: items received, repeated ones included.
        known_pages: consecutive pages that were seen before, at the same position with the same content.
        identical_pages: consecutive pages with the same content as the page before.
        content_digest: of the last page's items, if they have no keys to detect repeats by; otherwise 0.
        unclear: what could not be read, in words, without duplicates.
        same_pages: pages with the items of an earlier page, if these have no keys to detect repeats by.
    """

    position: int | str | None = None
    partial: bool = False
    pages: int = 0
    items: int = 0
    totals: tuple[int, ...] = ()
    repeated: tuple[str, ...] = ()
    stale_pages: int = 0
    empty_pages: int = 0
    received: int = 0
    known_pages: int = 0
    identical_pages: int = 0
    content_digest: int = 0
    unclear: tuple[str, ...] = ()
    same_pages: int = 0


class PageStep(NamedTuple):
    """The result of one page.

    Attributes:
        walk: the state of the walk after it.
        items: the page's items with keys that were not delivered before.
        verdict: set when the walk is over.
        is_announced: the provider says that there is another page; otherwise the next one shows whether there is.
    """

    walk: Walk
    items: tuple[Any, ...]
    verdict: Verdict | None
    is_announced: bool = True


def start_walk(rule: PagingRule) -> Walk:
    """A walk from the first page."""
    return Walk(position=rule.first if rule.style in ("page", "offset") else None)


def advance(rule: PagingRule, walk: Walk, page: Page, size: int, seen: frozenset[int] | set[int]) -> PageStep:
    """Account for one page, and decide whether the walk continues.

    Args:
        rule: how the list is read.
        walk: where the walk stood when the page was read.
        page: the page.
        size: items of a full page, for offsets and for totals without a `has_more`; 0 if unknown.
        seen: digests of earlier pages and keys; only those of this page are looked up.
    """
    if page.start_digest and page.start_digest in seen:
        return PageStep(walk, (), end_verdict(walk._replace(pages=walk.pages + 1)))
    fresh, repeated = _drop_repeated(page, seen)
    is_known = page.digests[0] in seen
    after = _count_page(walk, page, fresh, repeated, is_known=is_known)
    if page.content_digest and (page.content_digest in seen or page.content_digest == walk.content_digest):
        after = after._replace(same_pages=after.same_pages + 1)
    after = after._replace(position=_next_position(rule, walk, page, size))
    ending = _find_ending(rule, walk, after, page, size)
    if ending.goes_on:
        reason = _find_stall(rule, after, page, is_repeated=is_known and bool(page.items))
        verdict = truncated_verdict(after, reason) if reason else None
        return PageStep(after, fresh, verdict, is_announced=ending.is_announced)
    if ending.doubt:
        return PageStep(after, fresh, truncated_verdict(after, ending.doubt))
    return PageStep(after, fresh, end_verdict(after, page.total_pages))


def end_verdict(walk: Walk, total_pages: int | None = None) -> Verdict:
    """The verdict of a walk that reached the provider's own end.

    Args:
        walk: its state.
        total_pages: the number of pages that the last page announced.
    """
    changed_totals = walk.totals if len(walk.totals) > 1 else ()
    reasons = []
    if walk.repeated:
        reasons.append(f"{len(walk.repeated)} keys came twice")
    if walk.same_pages:
        reasons.append(f"{walk.same_pages} pages had the items of an earlier page")
    if changed_totals:
        reasons.append(f"the total changed: {' → '.join(map(str, changed_totals))}")
    elif walk.totals and walk.totals[0] != walk.items and not walk.partial:
        changed_totals = walk.totals
        reasons.append(f"{walk.items} of {walk.totals[0]} announced items came")
    if total_pages is not None and walk.pages < total_pages and not walk.partial:
        reasons.append(f"{walk.pages} of {total_pages} announced pages came")
    end = End.DRIFTED if reasons else End.COMPLETE
    reasons.extend(walk.unclear)
    return Verdict(
        end=end,
        pages=walk.pages,
        items=walk.items,
        repeated=walk.repeated,
        totals=changed_totals,
        reason="; ".join(reasons),
    )


def truncated_verdict(walk: Walk, reason: str) -> Verdict:
    """The verdict of a walk that did not reach the provider's own end."""
    return Verdict(end=End.TRUNCATED, pages=walk.pages, items=walk.items, repeated=walk.repeated, reason=reason)


def _drop_repeated(page: Page, seen: frozenset[int] | set[int]) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The items with new keys, and the keys of the others."""
    if not page.keys:
        return page.items, ()
    fresh = []
    repeated = []
    on_page = set[int]()
    for item, key, digest in zip(page.items, page.keys, page.digests[1:], strict=False):  # other digests follow
        if not key:
            fresh.append(item)
        elif digest in seen or digest in on_page:
            repeated.append(key)
        else:
            on_page.add(digest)
            fresh.append(item)
    return tuple(fresh), tuple(repeated)


def _count_page(walk: Walk, page: Page, fresh: Sequence[Any], repeated: Sequence[str], *, is_known: bool) -> Walk:
    """The walk after a page, except for its position."""
    totals = walk.totals
    if page.total_items is not None and (not totals or totals[-1] != page.total_items):
        totals = (*totals, page.total_items)
    is_identical = page.content_digest != 0 and page.content_digest == walk.content_digest
    unclear = [f"{name}: {problem}" for name, problem in page.unclear]
    after = walk._replace(
        pages=walk.pages + 1,
        items=walk.items + len(fresh),
        received=walk.received + len(page.items),
        totals=totals,
        repeated=(*walk.repeated, *repeated)[:MAX_REPEATED_KEYS],
        identical_pages=walk.identical_pages + 1 if is_identical else 0,
        content_digest=page.content_digest,
        unclear=tuple(dict.fromkeys((*walk.unclear, *unclear)))[:MAX_REPEATED_KEYS],
    )
    if fresh:
        return after._replace(stale_pages=0, empty_pages=0, known_pages=0)
    known_pages = walk.known_pages + 1 if is_known else walk.known_pages
    if page.items:
        return after._replace(stale_pages=walk.stale_pages + 1, empty_pages=0, known_pages=known_pages)
    return after._replace(empty_pages=walk.empty_pages + 1, known_pages=known_pages)


def _next_position(rule: PagingRule, walk: Walk, page: Page, size: int) -> int | str | None:
    match rule.style:
        case "page":
            return _counted_position(rule, walk) + 1
        case "offset":
            return _counted_position(rule, walk) + (len(page.items) or size)
        case _:
            return page.next_position


def _counted_position(rule: PagingRule, walk: Walk) -> int:
    """The page number or the offset at which a walk stands."""
    return int(walk.position if walk.position is not None else rule.first)


class _Ending(NamedTuple):
    """Whether a walk continues after a page.

    Attributes:
        goes_on: there is another page.
        doubt: if there seems to be none, why that is not certain; empty if it is.
        is_announced: the page announces it; otherwise it merely does not say that it is the last.
    """

    goes_on: bool
    doubt: str = ""
    is_announced: bool = True


def _find_ending(rule: PagingRule, walk: Walk, after: Walk, page: Page, size: int) -> _Ending:
    """Read what the page says of the end: its flag first, then announced totals, then the next position or its items.

    Args:
        rule: how the list is read.
        walk: where the walk stood before the page.
        after: its state after the page.
        page: the page.
        size: items of a full page.
    """
    if page.has_more is not None:
        return _Ending(page.has_more)
    unclear = dict(page.unclear)
    if rule.style not in LINKED_STYLES:
        announced = _read_totals(rule, walk, after, page, size)
        if announced is not None:
            return announced
    if rule.style in LINKED_STYLES or rule.links is not None or rule.next is not None:
        goes_on = page.next_position is not None
        problem = unclear.get("next") or unclear.get("links") or unclear.get("more")
        is_announced = True
    else:
        goes_on = bool(page.items)
        problem = unclear.get("more")
        is_announced = False
    if goes_on or problem is None:
        return _Ending(goes_on, is_announced=is_announced)
    return _Ending(goes_on=False, doubt=f"the end cannot be recognised: {problem}")


def _read_totals(rule: PagingRule, walk: Walk, after: Walk, page: Page, size: int) -> _Ending | None:
    """What the announced totals say about the end; None if there are none, or if more items have been received.

    A total of items is reached when that many have arrived. If fewer arrive, the walk ends at the page that should be
    the last, provided that all pages so far had the requested size; otherwise it ends at an empty page.
    """
    offset = _counted_position(rule, walk) - rule.first
    if rule.style == "page" and page.total_pages is not None:
        return _Ending(offset + 1 < page.total_pages)
    total = page.total_items
    if total is None and walk.totals:
        total = walk.totals[-1]
    if total is None or after.received > total:
        return None
    if rule.style == "offset":
        return _Ending(offset + len(page.items) < total)
    if walk.partial and not size:
        return _Ending(bool(page.items), is_announced=False)
    should_be_last = bool(size) and (offset + 1) * size >= total
    has_kept_to_size = walk.received == walk.pages * size and (walk.pages > 0 or len(page.items) == size)
    is_over = should_be_last and (has_kept_to_size or not page.items)
    if walk.partial:  # earlier pages are unknown: count positions, not items
        return _Ending(not is_over, is_announced=not should_be_last)
    return _Ending(after.received < total and not is_over, is_announced=not should_be_last)


def _find_stall(rule: PagingRule, walk: Walk, page: Page, *, is_repeated: bool) -> str:
    """Why a walk that should continue cannot, or makes no progress; empty if it can continue.

    Args:
        rule: how the list is read.
        walk: the state of the walk after the page.
        page: the page.
        is_repeated: the same page with items was seen before at the same position.
    """
    has_totals = page.total_items is not None or page.total_pages is not None
    if is_repeated:
        return "a cycle: the same page came again from the same position"
    if walk.position is None:
        problems = "; ".join(text for _, text in page.unclear)
        return f"another page was announced, but without its position{f': {problems}' if problems else ''}"
    if walk.known_pages >= MAX_STALE_PAGES - 1:
        return f"no progress: {MAX_STALE_PAGES} pages from the same position brought nothing new"
    if walk.stale_pages >= MAX_STALE_PAGES:
        return f"{MAX_STALE_PAGES} pages in a row brought nothing new"
    is_linked = rule.style in LINKED_STYLES
    if walk.identical_pages + 1 >= (MAX_IDENTICAL if is_linked else MAX_STALE_PAGES) and not has_totals:
        return f"no progress: {walk.identical_pages + 1} pages in a row are the same"
    if walk.empty_pages >= (MAX_EMPTY if is_linked else MAX_EMPTY_COUNTED):
        return f"{walk.empty_pages} pages in a row were empty"
    return ""
