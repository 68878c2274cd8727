# SPDX-License-Identifier: Apache-2.0
"""Page-numbered lists, and what the page faults do to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.emulator.userplane.replies import success_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import UserplaneCall
    from callwell.emulator.userplane.query import UserplaneQuery


class PageRequest(NamedTuple):
    """Which page was asked for."""

    number: int
    size: int

    @classmethod
    def parse(cls, query: UserplaneQuery, *, default: int, most: int) -> PageRequest:
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
    label: str
    extra: Mapping[str, Any]


def page_reply(
    call: UserplaneCall, page: PageRequest, listing: Listing, *, shift: Callable[[Sequence[Any]], bool] | None = None
) -> Reply:
    """One page.

    Args:
        call: the request.
        page: the page that was asked for.
        listing: what it is a page of.
        shift: moves the pages that follow, given the rows up to the end of this one; says whether it could.
    """
    rows = listing.rows
    pages = -(-len(rows) // page.size)
    wish = call.fault.name if call.fault else ""
    place = call.walks.locate(call.request.path, call.request.query, page.number, pages=pages, wish=wish)
    end = (place.real_page or 0) * page.size
    shown = [] if place.real_page is None else rows[end - page.size : end]
    total_pages = max(pages + place.blanks, page.number + 1 if place.cycling else 0)
    pagination = {
        "page": page.number,
        "perPage": page.size,
        "total": len(rows),
        "totalPages": total_pages,
        "hasMore": page.number < total_pages,
    }
    data = {**listing.extra, listing.name: [listing.show(row) for row in shown], "pagination": pagination}
    missed = wish in ("empty_page", "cycle") and not place.shows_effect_of(wish)
    if call.has_fault("shifted_page"):
        missed = shift is None or not shift(rows[:end])
    return success_reply(f"{listing.label} retrieved successfully", data, fault_missed=missed)
