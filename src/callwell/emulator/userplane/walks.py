# SPDX-License-Identifier: Apache-2.0
"""How the page faults change a listing: extra empty pages, and pages that are repeated forever.

A *walk* over a listing (its path and query without `page`) begins when page 1 is requested. The fault `empty_page`
inserts a blank page at the number that was requested. Until the walk begins again that number is blank, and every later
number shows the page before it:

    requested    1    2    3    4
    shown        A    –    B    C      blank inserted at 2

So a client that continues while `hasMore` is true sees every item exactly once, and one that stops at an empty page
does not. `totalPages` counts the blanks, `total` does not.

A blank is inserted only at a number above all that the walk has shown (pages fetched ahead are never moved), never
after the last item, and never right after another blank. There is one walk per listing: a client that begins one ends
that of any other client.

The fault `cycle` repeats, from the requested number on, the pages before it, from the first on and forever:

    requested    1    2    3    4    5
    shown        A    B    A    B    A    …    cycle begun at 3

No page comes before page 1, so no cycle begins there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl


class PageTarget(NamedTuple):
    """What a page number shows.

    Attributes:
        real_page: the page of the listing, None for a blank.
        blanks: how many blanks the walk has.
        cycling: the walk repeats itself here.
    """

    real_page: int | None
    blanks: int
    cycling: bool = False

    def shows_effect_of(self, fault_name: str) -> bool:
        """Return whether the page is the one that the fault requires."""
        return self.cycling if fault_name == "cycle" else self.real_page is None


@dataclass(slots=True)
class ListingWalk:
    """One walk.

    Attributes:
        blanks: the numbers that are blank.
        highest: the highest number requested so far.
        cycle_start: the number from which on the walk repeats itself, if it does.
    """

    blanks: set[int] = field(default_factory=set)
    highest: int = 0
    cycle_start: int | None = None

    def insert_blank(self, page: int, pages: int) -> None:
        """Make `page` blank, if it can be; `pages` is the number of real pages."""
        if page > self.highest and self.real_page(page) <= pages and page - 1 not in self.blanks:
            self.blanks.add(page)

    def real_page(self, page: int) -> int:
        """Return the real page at a number that is not blank."""
        return page - sum(number < page for number in self.blanks)


@dataclass(slots=True)
class ListingWalks:
    """The walks in progress, by listing."""

    _walks: dict[tuple[object, ...], ListingWalk] = field(default_factory=dict)

    def locate(self, path: str, query: str, page: int, *, pages: int, fault_name: str) -> PageTarget:
        """Return what a page number shows.

        Args:
            path: the listing's path.
            query: the request's query.
            page: the requested number.
            pages: how many real pages there are.
            fault_name: the fault that the request suffers; only `empty_page` and `cycle` matter.
        """
        pairs = (pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "page")
        listing = (path, *sorted(pairs))
        if page == 1:
            self._walks.pop(listing, None)
        walk = self._walks.setdefault(listing, ListingWalk())
        if fault_name == "empty_page":
            walk.insert_blank(page, pages)
        if fault_name == "cycle" and page > 1 and walk.cycle_start is None:
            walk.cycle_start = page
        walk.highest = max(walk.highest, page)
        if walk.cycle_start is not None and page >= walk.cycle_start:
            length = max(1, min(walk.cycle_start - 1, pages))
            real_page = (page - walk.cycle_start) % length + 1
            return PageTarget(real_page, blanks=len(walk.blanks), cycling=True)
        real_page_or_blank = None if page in walk.blanks else walk.real_page(page)
        return PageTarget(real_page_or_blank, blanks=len(walk.blanks))
