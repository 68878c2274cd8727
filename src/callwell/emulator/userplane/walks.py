# SPDX-License-Identifier: Apache-2.0
"""Empty pages that say there is more: the model.

A *walk* over a listing (its path and query without `page`) begins when page 1 is asked for. The fault inserts a blank
page into the walk at the number that was asked for; from then on, until the walk begins anew, that number is blank, and
every later number shows the page before it. So a client that goes on to the next number while `hasMore` is true sees
every item exactly once, and one that stops at an empty page does not. `totalPages` counts the blanks, `total` does not.

A blank is inserted only at a number above all that the walk has shown (pages fetched ahead are never moved), never
behind the last item, and never right after another blank. One walk at a time per listing: another client that begins
one over the same listing ends the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl


class Place(NamedTuple):
    """Where a page number leads: the real page, None for a blank one, and how many blanks the walk has."""

    real: int | None
    blanks: int


@dataclass(slots=True)
class Walk:
    """One walk: its blank numbers, and the highest number shown."""

    blanks: set[int] = field(default_factory=set)
    highest: int = 0


@dataclass(slots=True)
class Walks:
    """All walks under way."""

    _walks: dict[tuple[object, ...], Walk] = field(default_factory=dict)

    def place(self, path: str, query: str, page: int, *, pages: int, blank: bool) -> Place:
        """Where `page` leads.

        Args:
            path: of the listing.
            query: of the request.
            page: the number that was asked for.
            pages: how many real pages there are.
            blank: whether the fault asks for a blank.
        """
        pairs = (pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "page")
        listing = (path, *sorted(pairs))
        if page == 1:
            self._walks.pop(listing, None)
        walk = self._walks.setdefault(listing, Walk())
        real = page - sum(number < page for number in walk.blanks)
        if blank and page > walk.highest and real <= pages and page - 1 not in walk.blanks:
            walk.blanks.add(page)
        walk.highest = max(walk.highest, page)
        return Place(None if page in walk.blanks else real, len(walk.blanks))
