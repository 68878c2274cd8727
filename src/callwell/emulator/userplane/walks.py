# SPDX-License-Identifier: Apache-2.0
"""Empty pages that say there is more, and pages that come round again: the model.

A *walk* over a listing (its path and query without `page`) begins when page 1 is asked for. The fault inserts a blank
page into the walk at the number that was asked for; from then on, until the walk begins anew, that number is blank, and
every later number shows the page before it. So a client that goes on to the next number while `hasMore` is true sees
every item exactly once, and one that stops at an empty page does not. `totalPages` counts the blanks, `total` does not.

A blank is inserted only at a number above all that the walk has shown (pages fetched ahead are never moved), never
behind the last item, and never right after another blank. One walk at a time per listing: another client that begins
one over the same listing ends the first.

A walk that is bent into a cycle at a number shows the pages before that number again from there on, from the first on
and for ever. Nothing lies before page 1, so that no cycle begins there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl


class PageTarget(NamedTuple):
    """Where a page number leads.

    Attributes:
        real: the real page, None for a blank one.
        blanks: how many blanks the walk has.
        cycling: whether it has come round.
    """

    real_page: int | None
    blanks: int
    cycling: bool = False

    def shows_effect_of(self, wish: str) -> bool:
        """Whether the page is what a fault wished for."""
        return self.cycling if wish == "cycle" else self.real_page is None


@dataclass(slots=True)
class ListingWalk:
    """One walk: its blank numbers, the highest number shown, and where it was bent into a cycle."""

    blanks: set[int] = field(default_factory=set)
    highest: int = 0
    cycle_start: int | None = None

    def insert_blank(self, page: int, pages: int) -> None:
        """Make `page` blank, if it can be."""
        if page > self.highest and self.real_page(page) <= pages and page - 1 not in self.blanks:
            self.blanks.add(page)

    def real_page(self, page: int) -> int:
        """The real page at a number that is not blank."""
        return page - sum(number < page for number in self.blanks)


@dataclass(slots=True)
class ListingWalks:
    """All walks under way."""

    _walks: dict[tuple[object, ...], ListingWalk] = field(default_factory=dict)

    def locate(self, path: str, query: str, page: int, *, pages: int, wish: str) -> PageTarget:
        """Where `page` leads.

        Args:
            path: of the listing.
            query: of the request.
            page: the number that was asked for.
            pages: how many real pages there are.
            wish: the fault that the request suffers; `empty_page` and `cycle` count here.
        """
        pairs = (pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "page")
        listing = (path, *sorted(pairs))
        if page == 1:
            self._walks.pop(listing, None)
        walk = self._walks.setdefault(listing, ListingWalk())
        if wish == "empty_page":
            walk.insert_blank(page, pages)
        if wish == "cycle" and page > 1 and walk.cycle_start is None:
            walk.cycle_start = page
        walk.highest = max(walk.highest, page)
        if walk.cycle_start is not None and page >= walk.cycle_start:
            length = max(1, min(walk.cycle_start - 1, pages))
            return PageTarget((page - walk.cycle_start) % length + 1, len(walk.blanks), cycling=True)
        return PageTarget(None if page in walk.blanks else walk.real_page(page), len(walk.blanks))
