# SPDX-License-Identifier: Apache-2.0
# Generated from _async/pager.py by tools/unasync.py; do not edit
"""A walk over the pages of a list, one page ahead of who reads it."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast

import msgspec

from callwell.client._sync.primitives import Ahead
from callwell.client.answers import renamed
from callwell.core import paging
from callwell.core.paging import Verdict, Walk  # noqa: TC001 - a stored `Position` is read by its annotations
from callwell.errors import InvalidOption, UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from callwell.client._sync.primitives import Fetch
    from callwell.client.answers import Answer
    from callwell.core.rules import PagingRule

T = TypeVar("T")


class Position(NamedTuple):
    """Where a walk can be taken up again.

    Attributes:
        walk: the state of the walk.
        seen: digests of what it has delivered.
        verdict: what the walk was worth, if it is over.
    """

    walk: Walk
    seen: tuple[int, ...]
    verdict: Verdict | None = None


class Pager(Generic[T]):
    """The items of a list, page after page. It can be read once; `resume` makes another one.

    Args:
        name: the operation, for messages.
        rule: how the list is read.
        size: items that a full page has.
        fetch: gets the page at a position.
        start: where to begin.
        names: fields of the items that have new names.
    """

    def __init__(
        self,
        name: str,
        rule: PagingRule,
        *,
        size: int,
        fetch: Fetch,
        start: Position,
        names: Mapping[str, str],
    ) -> None:
        self._name = name
        self._rule = rule
        self._size = size
        self._fetch = fetch
        self._names = names
        self._walk = start.walk
        self._seen = set(start.seen)
        self._verdict = start.verdict

    @property
    def verdict(self) -> Verdict:
        """What the walk was worth: `truncated` until it has come to an end."""
        return self._verdict or paging.stopped(self._walk, "the walk was not read to its end")

    @property
    def walk(self) -> Walk:
        """Where the walk stands: pages, items and totals so far."""
        return self._walk

    @property
    def position(self) -> str:
        """Where the walk stands after the pages that were delivered, as a text for `resume`."""
        return msgspec.json.encode(Position(self._walk, tuple(sorted(self._seen)), self._verdict)).decode()

    @property
    def bookmark(self) -> str:
        """The same without what was delivered, for those who keep the keys themselves: it stays short."""
        return msgspec.json.encode(Position(self._walk, (), self._verdict)).decode()

    def resume(self, position: str, *, delivered: Iterable[str] = ()) -> Pager[T]:
        """The same list from a stored position on.

        Args:
            position: what `position` or `bookmark` gave, in this process or another.
            delivered: for a bookmark: the keys that were delivered before it.

        Raises:
            InvalidOption: the text is no position.
        """
        try:
            start = msgspec.json.decode(position, type=Position)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise InvalidOption("position", position[:40], "what `pager.position` gave") from error
        start = start._replace(seen=(*start.seen, *map(paging.key_digest, delivered)))
        return Pager(self._name, self._rule, size=self._size, fetch=self._fetch, start=start, names=self._names)

    def __iter__(self) -> Generator[T]:
        """The items, each key once."""
        with closing(self.pages()) as pages:
            for page in pages:
                for item in page:
                    yield item

    def pages(self) -> Generator[list[T]]:
        """The pages, as lists of items whose keys have not come before."""
        ahead: Ahead[Answer] | None = None
        try:
            while self._verdict is None:
                position = self._walk.position
                answer = self._fetch(position) if ahead is None else ahead.result()
                step = paging.step(self._rule, self._walk, self._read(answer), self._size, self._seen)
                self._walk, self._verdict = step.walk, step.verdict
                self._seen |= step.seen
                ahead = None if step.verdict else Ahead(partial(self._get, self._walk.position))
                yield cast("list[T]", [renamed(item, self._names) for item in step.items])
        finally:
            if ahead is not None:
                ahead.cancel()

    def _get(self, position: int | str | None) -> Answer:
        answer: Answer = self._fetch(position)
        return answer

    def _read(self, answer: Answer) -> paging.Page:
        body: Any = answer.json if isinstance(answer.json, dict) else {}
        try:
            return paging.read(self._rule, body, _next_link(answer.headers.get("link", "")))
        except LookupError as error:
            raise UnexpectedAnswer(
                f"{self._name}: {answer.status}: the answer is no page: {error}",
                status=answer.status,
                provider=self._name.partition(" ")[0],
                operation=self._name.partition(" ")[2],
                attempts=answer.attempts,
                outcome="done",
            ) from error


def _next_link(header: str) -> str | None:
    for part in header.split(","):
        target, _, parameters = part.partition(";")
        if 'rel="next"' in parameters.replace(" ", "") or "rel=next" in parameters.replace(" ", ""):
            return target.strip().removeprefix("<").removesuffix(">") or None
    return None
