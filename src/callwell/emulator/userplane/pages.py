# SPDX-License-Identifier: Apache-2.0
"""Page-numbered lists, and what the page faults do to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.emulator.userplane.replies import success

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import Call
    from callwell.emulator.userplane.query import Query


class Page(NamedTuple):
    """Which page was asked for."""

    number: int
    size: int

    @classmethod
    def asked(cls, query: Query, *, default: int, most: int) -> Page:
        """Read `page` and `per_page`; what does not fit is refused with 400."""
        return cls(query.number("page", 1), query.number("per_page", default, most=most))


class Listing(NamedTuple):
    """A whole list and how to show it.

    Attributes:
        name: the key of the list in the answer.
        rows: all of it, filtered and sorted.
        show: one row as the API shows it.
        words: what it is called in the answer's message.
        about: what stands beside the list in the answer.
    """

    name: str
    rows: Sequence[Any]
    show: Callable[[Any], Mapping[str, Any]]
    words: str
    about: Mapping[str, Any]


def answer(call: Call, page: Page, listing: Listing, *, shift: Callable[[Sequence[Any]], bool] | None = None) -> Reply:
    """One page.

    Args:
        call: the request.
        page: the page that was asked for.
        listing: what it is a page of.
        shift: moves the pages that follow, given the rows up to the end of this one; says whether it could.
    """
    rows = listing.rows
    pages = -(-len(rows) // page.size)
    wish = call.hit.fault if call.hit else ""
    place = call.walks.place(call.request.path, call.request.query, page.number, pages=pages, wish=wish)
    end = (place.real or 0) * page.size
    shown = [] if place.real is None else rows[end - page.size : end]
    total_pages = max(pages + place.blanks, page.number + 1 if place.cycling else 0)
    pagination = {
        "page": page.number,
        "perPage": page.size,
        "total": len(rows),
        "totalPages": total_pages,
        "hasMore": page.number < total_pages,
    }
    data = {**listing.about, listing.name: [listing.show(row) for row in shown], "pagination": pagination}
    missed = wish in ("empty_page", "cycle") and not place.fulfils(wish)
    if call.suffers("shifted_page"):
        missed = shift is None or not shift(rows[:end])
    return success(f"{listing.words} retrieved successfully", data, fault_missed=missed)
