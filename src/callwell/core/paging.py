# SPDX-License-Identifier: Apache-2.0
"""A walk over pages: what one page says, where the next one is, and what the walk was worth.

A walk ends where the provider says that it ends, never on an empty page that announces more. It ends with a verdict:

* `complete`: the provider's own end was reached, no item came twice and no total moved;
* `drifted`: it was reached, but the list moved underneath, so that items may have been missed;
* `truncated`: it was not reached: a cycle, pages without anything new, or the caller stopped.

A cycle is told by position *and* content, so that a constant cursor whose pages differ is legal. What has come is kept
by the caller as short marks, so that the state of a walk stays small enough to be stored after every page; a step is
shown those of its page's marks that had come before.

Pages may have been fetched in another order than that in which they are stepped through. Totals tell what moved all the
same: they differ between some two pages wherever more came than went between them, whichever was fetched first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.core.verdict import End, Verdict

if TYPE_CHECKING:
    from callwell.core.rules import PagingRule

MAX_STALE: Final = 3
"""Pages in a row that hold items but none that is new, after which a walk is given up as a cycle."""

MAX_EMPTY: Final = 1000
"""Empty pages in a row that announce more, after which a walk is given up."""

NAMED: Final = 100
"""Repeated keys that a verdict names."""


class Page(NamedTuple):
    """What one answer says.

    Attributes:
        items: the items, as they came.
        keys: their keys, or none if the profile names no key; an item without one has the empty key.
        marks: digests by which the page, and after it each of its keys, is recognised when it comes again.
        more: whether there is another page, where the body says so in as many words.
        next: the next position as the provider gave it: a cursor or a link.
        total: the announced total of items.
        pages: the announced total of pages.
    """

    items: tuple[Any, ...]
    keys: tuple[str, ...]
    marks: tuple[int, ...]
    more: bool | None
    next: str | None
    total: int | None
    pages: int | None


class Walk(NamedTuple):
    """Where a walk stands. Plain values: it can be stored after every page.

    Attributes:
        position: of the next page: a page number, an offset, a cursor or a link; None for the first page.
        partial: it did not begin at the first page.
        pages: pages read.
        items: items delivered.
        totals: the totals that were announced, each time that it changed.
        repeated: keys that came more than once.
        stale: pages in a row without anything new.
        empty: empty pages in a row.
    """

    position: int | str | None = None
    partial: bool = False
    pages: int = 0
    items: int = 0
    totals: tuple[int, ...] = ()
    repeated: tuple[str, ...] = ()
    stale: int = 0
    empty: int = 0


class Step(NamedTuple):
    """What follows from a page.

    Attributes:
        walk: where the walk stands after it.
        items: the page's items whose keys had not been delivered before.
        verdict: set when the walk is over.
    """

    walk: Walk
    items: tuple[Any, ...]
    verdict: Verdict | None


def start(rule: PagingRule) -> Walk:
    """A walk from the first page."""
    return Walk(position=rule.first if rule.style in ("page", "offset") else None)


def read(rule: PagingRule, walk: Walk, body: Mapping[str, Any], link: str | None = None) -> Page:
    """What an answer says.

    Args:
        rule: how the list is read.
        walk: where the walk stands: the page is the one at its position.
        body: the answer's body.
        link: the target of the `Link` header's `next` relation, for that style.

    Raises:
        LookupError: the body has no items where the rule says; the message names the place.
    """
    items = at(body, rule.items)
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise LookupError(f"no list at {rule.items!r}")  # noqa: TRY004 - the answer is at fault, no argument
    keys = tuple([_key(item, rule.key) for item in items]) if rule.key else ()
    mark = digest(repr(walk.position), *(keys if keys and all(keys) else map(repr, items)))
    total, pages = at(body, rule.total), at(body, rule.pages)
    following = link if rule.style == "link-header" else at(body, rule.next) or _linked(at(body, rule.links))
    following = following if isinstance(following, str) and following else None
    more = at(body, rule.more)
    return Page(
        tuple(items),
        keys,
        (mark, *map(key_digest, keys)),
        more if isinstance(more, bool) else None,
        following,
        total if isinstance(total, int) else None,
        pages if isinstance(pages, int) else None,
    )


def step(rule: PagingRule, walk: Walk, page: Page, size: int, seen: frozenset[int] | set[int]) -> Step:
    """What follows from a page.

    Args:
        rule: how the list is read.
        walk: where the walk stood when the page was read.
        page: what came.
        size: items that a full page has, for offsets and for totals without a `more`.
        seen: marks that came before; of those, only the page's own matter.
    """
    fresh, repeated = _sift(page, seen)
    totals = walk.totals
    if page.total is not None and (not totals or totals[-1] != page.total):
        totals = (*totals, page.total)
    after = walk._replace(
        position=_next(rule, walk, page, size),
        pages=walk.pages + 1,
        items=walk.items + len(fresh),
        totals=totals,
        repeated=(*walk.repeated, *repeated)[:NAMED],
        stale=walk.stale + 1 if page.items and not fresh else 0 if page.items else walk.stale,
        empty=0 if page.items else walk.empty + 1,
    )
    if not _more(rule, walk, page, size):
        return Step(after, fresh, ended(after))
    reason = _stuck(after, again=bool(page.items) and page.marks[0] in seen)
    return Step(after, fresh, stopped(after, reason) if reason else None)


def ended(walk: Walk) -> Verdict:
    """The verdict of a walk that reached the provider's own end."""
    moved = walk.totals if len(walk.totals) > 1 else ()
    reasons = []
    if walk.repeated:
        reasons.append(f"{len(walk.repeated)} keys came twice")
    if moved:
        reasons.append(f"the total moved: {' → '.join(map(str, moved))}")
    elif walk.totals and walk.totals[0] != walk.items and not walk.partial:
        moved = walk.totals
        reasons.append(f"{walk.items} items came of {walk.totals[0]} announced")
    end = End.DRIFTED if reasons else End.COMPLETE
    return Verdict(end, walk.pages, walk.items, walk.repeated, moved, "; ".join(reasons))


def stopped(walk: Walk, reason: str) -> Verdict:
    """The verdict of a walk that did not reach the provider's own end."""
    return Verdict(End.TRUNCATED, walk.pages, walk.items, walk.repeated, (), reason)


def at(body: Any, path: str | None) -> Any:
    """What a dotted path leads to, or None.

    Args:
        body: what was JSON: dictionaries and lists.
        path: keys joined by dots; a number is an index into a list.
    """
    if path is None:
        return None
    if isinstance(body, dict) and path in body:  # most paths are one key
        return body[path]
    for key in path.split("."):
        if isinstance(body, dict):
            body = body.get(key)
        elif isinstance(body, list) and key.isdecimal() and int(key) < len(body):
            body = body[int(key)]
        else:
            return None
    return body


def digest(*texts: str) -> int:
    """Sixty-four bits by which texts are recognised: a collision among a million has odds of one in 37 million."""
    hashed = hashlib.blake2b("\x00".join(texts).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest(), "big", signed=True)


def key_digest(key: str) -> int:
    """The digest by which a delivered key is remembered: that of the texts `key` and the key, for half the price."""
    hashed = _BEFORE_KEY.copy()
    hashed.update(key.encode("utf-8", "surrogatepass"))
    return int.from_bytes(hashed.digest(), "big", signed=True)


_BEFORE_KEY: Final = hashlib.blake2b(b"key\x00", digest_size=8)


def _linked(links: Any) -> Any:
    """The target of the link to the next page in a list of links."""
    given = links if isinstance(links, list) else ()
    return next((one.get("uri") for one in given if isinstance(one, Mapping) and one.get("rel") == "next"), None)


def _key(item: Any, name: str) -> str:
    key = item.get(name) if isinstance(item, dict) else None
    return "" if key is None else str(key)


def _sift(page: Page, seen: frozenset[int] | set[int]) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    if not page.keys:
        return page.items, ()
    fresh, repeated, here = [], [], set[int]()
    for item, key, mark in zip(page.items, page.keys, page.marks[1:], strict=True):
        if not key:
            fresh.append(item)
        elif mark in seen or mark in here:
            repeated.append(key)
        else:
            here.add(mark)
            fresh.append(item)
    return tuple(fresh), tuple(repeated)


def _next(rule: PagingRule, walk: Walk, page: Page, size: int) -> int | str | None:
    match rule.style:
        case "page":
            return int(walk.position if walk.position is not None else rule.first) + 1
        case "offset":
            return int(walk.position if walk.position is not None else rule.first) + (len(page.items) or size)
        case _:
            return page.next


def _more(rule: PagingRule, walk: Walk, page: Page, size: int) -> bool:
    if page.more is not None:
        return page.more
    if rule.style in ("cursor", "next-link", "link-header"):
        return page.next is not None
    here = int(walk.position if walk.position is not None else rule.first)
    if rule.style == "page" and page.pages is not None:
        return here - rule.first + 1 < page.pages
    if page.total is not None:
        read = here - rule.first + len(page.items) if rule.style == "offset" else (here - rule.first + 1) * size
        return read < page.total
    if rule.links is not None:
        return page.next is not None
    return len(page.items) >= size


def _stuck(walk: Walk, *, again: bool) -> str:
    if again:
        return "a cycle: the same page came from the same position"
    if walk.position is None:
        return "more was announced, but not where"
    if walk.stale >= MAX_STALE:
        return f"{MAX_STALE} pages in a row brought nothing new"
    if walk.empty >= MAX_EMPTY:
        return f"{MAX_EMPTY} pages in a row were empty"
    return ""
