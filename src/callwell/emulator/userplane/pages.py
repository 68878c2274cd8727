# SPDX-License-Identifier: Apache-2.0
"""Page-numbered lists (docs.userplane.io/api/pagination), and what the page faults do to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.emulator.userplane.replies import success_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from callwell.emulator.messages import Reply
    from callwell.emulator.userplane.call import UserplaneCall
    from callwell.emulator.userplane.query import UserplaneQuery


class PageRequest(NamedTuple):
    """Number and size of the page that was requested."""

    number: int
    size: int

    @classmethod
    def parse(cls, query: UserplaneQuery, *, default: int, max_size: int) -> PageRequest:
        """Read `page` and `per_page`; a value that does not fit is refused with 400, not clamped."""
        return cls(number=query.number("page", 1), size=query.number("per_page", default, maximum=max_size))


class Listing(NamedTuple):
    """A whole list and its representation.

    Attributes:
        name: the key of the list in the response.
        rows: all of it, filtered and sorted.
        show: returns a row as the API represents it.
        label: what the response's message calls the list.
        extra: what is next to the list in the response.
    """

    name: str
    rows: Sequence[Any]
    show: Callable[[Any], Mapping[str, Any]]
    label: str
    extra: Mapping[str, Any]


def page_reply(
    call: UserplaneCall, page: PageRequest, listing: Listing, *, shift: Callable[[Sequence[Any]], bool] | None = None
) -> Reply:
    """Return one page.

    Args:
        call: the request.
        page: the page that was requested.
        listing: the list.
        shift: moves the following pages, given the rows up to the end of this one; returns whether it could.
    """
    rows = listing.rows
    pages = -(-len(rows) // page.size)
    fault_name = call.fault.name if call.fault else ""
    target = call.walks.locate(call.request.path, call.request.query, page.number, pages=pages, fault_name=fault_name)
    end = (target.real_page or 0) * page.size
    shown = [] if target.real_page is None else rows[end - page.size : end]
    total_pages = pages + target.blanks
    if target.cycling:
        total_pages = max(total_pages, page.number + 1)
    pagination = {
        "page": page.number,
        "perPage": page.size,
        "total": len(rows),
        "totalPages": total_pages,
        "hasMore": page.number < total_pages,
    }
    data = {**listing.extra, listing.name: [listing.show(row) for row in shown], "pagination": pagination}
    fault_not_applicable = fault_name in ("empty_page", "cycle") and not target.shows_effect_of(fault_name)
    if call.has_fault("shifted_page"):
        fault_not_applicable = shift is None or not shift(rows[:end])
    return success_reply(f"{listing.label} retrieved successfully", data, fault_not_applicable=fault_not_applicable)
