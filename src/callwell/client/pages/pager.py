# SPDX-License-Identifier: Apache-2.0
"""A walk over the pages of a list, some pages ahead of its reader.

Pages may come early, but each is read when its turn comes: every decision is made in the order of the list.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar, cast

import msgspec

from callwell.client.calls.responses import page_body, rename_fields, resolve_link
from callwell.client.pages.link_header import find_next_link
from callwell.client.pages.prefetch import AsyncPrefetcher
from callwell.client.pages.seen import DeliveredDigests
from callwell.core import lookahead, paging
from callwell.core.paging import Walk  # noqa: TC001 - a stored `Position` is read by its annotations
from callwell.core.verdict import Verdict  # noqa: TC001 - as above
from callwell.errors import InvalidOption, UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping

    from callwell.client.calls.responses import Answer
    from callwell.client.concurrency.primitives import AsyncFetch
    from callwell.core.rules.operations import PagingRule

T = TypeVar("T")

MAX_AHEAD: Final = 64
"""Pages that may be under way at once: each opens a connection, which providers and proxies limit."""


class PagerPosition(NamedTuple):
    """Where a walk can be taken up again.

    Attributes:
        walk: the state of the walk.
        seen: marks of what it has delivered.
        verdict: what the walk was worth, if it is over.
    """

    walk: Walk
    seen: tuple[int, ...]
    verdict: Verdict | None = None


class AsyncPager(Generic[T]):
    """The items of a list, page after page. It can be read once; `resume` and `ahead` make another one.

    Args:
        name: the operation, for messages.
        rule: how the list is read.
        size: items that a full page has.
        fetch: gets the page at a position.
        start: where to begin.
        names: fields of the items that have new names.
        delivered: marks of what was delivered, besides those in `start`.
        depth: pages that may be under way at once.
        locate: for links to next pages: gives an address without its origin, if it is the provider's.
    """

    def __init__(
        self,
        name: str,
        rule: PagingRule,
        *,
        size: int,
        fetch: AsyncFetch,
        start: PagerPosition,
        names: Mapping[str, str],
        delivered: Iterable[int] = (),
        depth: int = 1,
        locate: Callable[[str], str] | None = None,
    ) -> None:
        self._name = name
        self._rule = rule
        self._size = size
        self._fetch = fetch
        self._names = names
        self._walk = start.walk
        self._depth = depth
        self._locate = locate
        self._seen = DeliveredDigests()
        self._seen.recall(start.seen)
        self._seen.recall(delivered)
        self._verdict = start.verdict

    @property
    def verdict(self) -> Verdict:
        """What the walk was worth: `truncated` until it has come to an end."""
        return self._verdict or paging.truncated_verdict(self._walk, "the walk was not read to its end")

    @property
    def walk(self) -> Walk:
        """Where the walk stands: pages, items and totals so far."""
        return self._walk

    @property
    def position(self) -> str:
        """Where the walk stands after the pages that were delivered, as a text for `resume`.

        It holds a mark of every key that was delivered; see `bookmark` for lists that are long.
        """
        return msgspec.json.encode(PagerPosition(self._walk, tuple(sorted(self._seen)), self._verdict)).decode()

    @property
    def bookmark(self) -> str:
        """The same without what was delivered, for those who keep the keys themselves: it stays short."""
        return msgspec.json.encode(PagerPosition(self._walk, (), self._verdict)).decode()

    def resume(self, position: str, *, delivered: Iterable[str] = ()) -> AsyncPager[T]:
        """The same list from a stored position on.

        Args:
            position: what `position` or `bookmark` gave, in this process or another.
            delivered: for a bookmark: the keys that were delivered before it.

        Raises:
            InvalidOption: the text is no position.
        """
        try:
            start = msgspec.json.decode(position, type=PagerPosition)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise InvalidOption("position", position[:40], "what `pager.position` gave") from error
        return self._from(start, map(paging.digest_key, delivered), self._depth)

    def ahead(self, pages: int) -> AsyncPager[T]:
        """The same list with more pages under way at once, which is faster where each takes long.

        Pages that are known by a number or an offset are fetched up to `pages` ahead, and given out in order; a cursor
        or a link leads to the next page only, so that there it is never more than one. Pages beyond a total that the
        provider announces are never asked for. What is fetched ahead and never read has cost its quota.

        Where the provider announces totals, a list that moves meanwhile shows in the verdict as it always does. Where
        it does not, something that is put into the list may hide something else while several pages are under way:
        read such a list with the default of one page ahead if it changes.

        Args:
            pages: how many, from 0 (each page only when it is wanted) to 64. The default is 1.

        Raises:
            InvalidOption: another number.
        """
        if pages not in range(MAX_AHEAD + 1):
            raise InvalidOption("pages", pages, f"a number from 0 to {MAX_AHEAD}")
        return self._from(PagerPosition(self._walk, (), self._verdict), self._seen, pages)

    async def __aiter__(self) -> AsyncGenerator[T]:
        """The items, each key once."""
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page:
                    yield item

    async def pages(self) -> AsyncGenerator[list[T]]:
        """The pages, as lists of items whose keys have not come before."""
        async with aclosing(AsyncPrefetcher(self._fetch)) as window:
            while self._verdict is None:
                page = self._read(await window.take(self._walk.position))
                known = self._seen.learn(page.marks)
                step = paging.advance(self._rule, self._walk, page, self._size, known)
                self._walk = step.walk
                self._verdict = step.verdict
                depth = self._depth if step.verdict is None else 0
                if not await window.want(lookahead.next_positions(self._rule, step.walk, page, self._size, depth)):
                    self._depth = 1
                yield cast("list[T]", [rename_fields(item, self._names) for item in step.items])

    def _from(self, start: PagerPosition, delivered: Iterable[int], depth: int) -> AsyncPager[T]:
        return AsyncPager(
            self._name,
            self._rule,
            size=self._size,
            fetch=self._fetch,
            start=start,
            names=self._names,
            delivered=delivered,
            depth=depth,
            locate=self._locate,
        )

    def _read(self, answer: Answer) -> paging.Page:
        try:
            page = self._said(answer)
        except LookupError as error:
            raise UnexpectedAnswer(
                f"{self._name}: {answer.status}: the answer is no page: {error}",
                status=answer.status,
                provider=self._name.partition(" ")[0],
                operation=self._name.partition(" ")[2],
                attempts=answer.attempts,
                outcome="done",
            ) from error
        if self._locate is None or page.next is None:
            return page
        return page._replace(next=self._locate(resolve_link(answer.url, str(page.next))))

    def _said(self, answer: Answer) -> paging.Page:
        body = page_body(answer)
        if self._rule.style != "link-header" or self._locate is None:
            return paging.parse_page(self._rule, self._walk, body)
        here = frozenset({answer.url, self._locate(answer.url)})
        link = find_next_link(answer.headers, here)
        return paging.parse_page(self._rule, self._walk, body, link.target, trouble=link.trouble)
