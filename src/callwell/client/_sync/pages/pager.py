# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/pages/pager.py by tools/unasync.py; do not edit
"""A walk over the pages of a list, which fetches some pages ahead of its reader.

Pages may arrive early, but they are processed in order: every decision is made in the order of the list.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar, cast

import msgspec

from callwell.client._sync.pages.prefetch import Prefetcher
from callwell.client.calls.responses import page_body, rename_fields, resolve_link
from callwell.client.pages.link_header import find_next_link
from callwell.client.pages.seen import DeliveredDigests
from callwell.core import lookahead, paging
from callwell.core.paging import Walk  # noqa: TC001 - a stored `Position` is read by its annotations
from callwell.core.verdict import Verdict  # noqa: TC001 - as above
from callwell.errors import ApiError, InvalidOption, UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

    from callwell.client._sync.concurrency.primitives import Fetch
    from callwell.client.calls.responses import Answer
    from callwell.core.rules.operations import PagingRule

T = TypeVar("T")

AFTER_LAST: Final = frozenset({404, 416})
"""Statuses of servers for a page after the last one. A 400 or 422 may also mean a limit on how far a list can be read,
so it remains an error."""

MAX_AHEAD: Final = 64
"""Pages that may be fetched concurrently: each opens a connection, which providers and proxies limit."""


class PagerPosition(NamedTuple):
    """Where a walk can be resumed. Stored as an array: the order of its fields is the format of bookmarks.

    Attributes:
        walk: the state of the walk.
        seen: digests of the pages and keys that it has delivered.
        verdict: how far to trust the walk, if it has ended.
    """

    walk: Walk
    seen: tuple[int, ...]
    verdict: Verdict | None = None


class Pager(Generic[T]):
    """The items of a list, page after page. It can be read once; `resume` and `ahead` make another one.

    Args:
        name: the operation, for messages.
        rule: how the list is read.
        size: items of a full page; 0 if unknown.
        fetch: fetches the page at a position.
        start: the position to start from.
        names: fields of the items that are renamed, each with its new name.
        delivered: digests of delivered pages and keys, in addition to those in `start`.
        depth: pages that may be fetched concurrently.
        to_relative: for links to next pages: removes the origin of an address, and refuses addresses that are not the
            provider's.
    """

    def __init__(
        self,
        name: str,
        rule: PagingRule,
        *,
        size: int,
        fetch: Fetch,
        start: PagerPosition,
        names: Mapping[str, str],
        delivered: Iterable[int] = (),
        depth: int = 1,
        to_relative: Callable[[str], str] | None = None,
    ) -> None:
        self._name = name
        self._rule = rule
        self._size = size
        self._fetch = fetch
        self._names = names
        self._walk = start.walk
        self._depth = depth
        self._to_relative = to_relative
        self._seen = DeliveredDigests()
        self._seen.restore(start.seen)
        self._seen.restore(delivered)
        self._verdict = start.verdict

    @property
    def verdict(self) -> Verdict:
        """How far to trust the walk; `truncated` until it has reached an end."""
        return self._verdict or paging.truncated_verdict(self._walk, "the walk was not read to its end")

    @property
    def walk(self) -> Walk:
        """The state of the walk: pages, items and totals so far."""
        return self._walk

    @property
    def position(self) -> str:
        """The state of the walk after the delivered pages, as text for `resume`.

        It contains a digest of every delivered key; see `bookmark` for long lists.
        """
        return msgspec.json.encode(PagerPosition(self._walk, tuple(sorted(self._seen)), self._verdict)).decode()

    @property
    def bookmark(self) -> str:
        """The same without the delivered keys, for callers that keep those themselves; it stays short."""
        return msgspec.json.encode(PagerPosition(self._walk, (), self._verdict)).decode()

    def resume(self, position: str, *, delivered: Iterable[str] = ()) -> Pager[T]:
        """The same list from a stored position on.

        Args:
            position: a `position` or `bookmark`, of this process or another.
            delivered: for a bookmark: the keys that were delivered before it.

        Raises:
            InvalidOption: the text is not a position.
        """
        try:
            start = msgspec.json.decode(position, type=PagerPosition)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise InvalidOption("position", position[:40], "a value of `pager.position`") from error
        return self._copy(start, map(paging.digest_key, delivered), self._depth)

    def ahead(self, pages: int) -> Pager[T]:
        """The same list with more pages fetched concurrently, which is faster if each takes long.

        Pages with a number or an offset are fetched up to `pages` ahead, and returned in order; a cursor or a link
        leads only to the next page, so at most one is fetched ahead. Pages beyond an announced total are never fetched.
        A page that is fetched ahead and never read has still used quota.

        If the provider announces totals, a list that changes meanwhile shows in the verdict as usual. If it does not,
        an item that is inserted while several pages are being fetched may hide another one: read changing lists with
        the default of one page ahead.

        Args:
            pages: how many, from 0 (each page when it is read) to 64. The default is 1.

        Raises:
            InvalidOption: another number.
        """
        if pages not in range(MAX_AHEAD + 1):
            raise InvalidOption("pages", pages, f"a number from 0 to {MAX_AHEAD}")
        return self._copy(PagerPosition(self._walk, (), self._verdict), self._seen, pages)

    def __iter__(self) -> Generator[T]:
        """The items, each key once."""
        with closing(self.pages()) as pages:
            for page in pages:
                for item in page:
                    yield item

    def pages(self) -> Generator[list[T]]:
        """The pages, as lists of items whose keys have not been delivered before."""
        with closing(Prefetcher(self._fetch)) as prefetcher:
            is_announced = True
            while self._verdict is None:
                try:
                    answer = prefetcher.get(self._walk.position)
                except ApiError as error:
                    if is_announced or error.status not in AFTER_LAST:
                        raise
                    found = self._refetch_missing()
                    if found is None:
                        self._verdict = paging.end_verdict(self._walk)
                        return
                    answer = found
                page = self._parse_page(answer)
                known = self._seen.add(page.digests)
                step = paging.advance(self._rule, self._walk, page, self._size, known)
                self._walk = step.walk
                self._verdict = step.verdict
                is_announced = step.is_announced
                depth = self._depth if step.verdict is None else 0
                positions = lookahead.next_positions(self._rule, step.walk, page, self._size, depth)
                if not prefetcher.prefetch(positions):
                    self._depth = 1
                yield cast("list[T]", [rename_fields(item, self._names) for item in step.items])

    def _refetch_missing(self) -> Answer | None:
        """Fetch an unannounced page that was missing once more; None if the list ends before it.

        The list itself must still exist, and the page must be missing twice, since a single server may not know it yet.

        Raises:
            CallwellError: the first page is gone as well, or something cannot be read now.
        """
        self._fetch(self._rule.first)
        try:
            found: Answer = self._fetch(self._walk.position)
        except ApiError as error:
            if error.status in AFTER_LAST:
                return None
            raise
        return found

    def _copy(self, start: PagerPosition, delivered: Iterable[int], depth: int) -> Pager[T]:
        return Pager(
            self._name,
            self._rule,
            size=self._size,
            fetch=self._fetch,
            start=start,
            names=self._names,
            delivered=delivered,
            depth=depth,
            to_relative=self._to_relative,
        )

    def _parse_page(self, answer: Answer) -> paging.Page:
        try:
            page = self._parse_body(answer)
        except LookupError as error:
            raise UnexpectedAnswer(
                f"{self._name}: {answer.status}: the response is not a page: {error}",
                status=answer.status,
                provider=self._name.partition(" ")[0],
                operation=self._name.partition(" ")[2],
                attempts=answer.attempts,
                outcome="done",
            ) from error
        if self._to_relative is None or page.next_position is None:
            return page
        return page._replace(next_position=self._to_relative(resolve_link(answer.url, str(page.next_position))))

    def _parse_body(self, answer: Answer) -> paging.Page:
        body = page_body(answer)
        if self._rule.style != "link-header" or self._to_relative is None:
            return paging.parse_page(self._rule, self._walk.position, body)
        own = frozenset({answer.url, self._to_relative(answer.url)})
        link = find_next_link(answer.headers, own)
        return paging.parse_page(self._rule, self._walk.position, body, link.target, link_problem=link.problem)
