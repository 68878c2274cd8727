# SPDX-License-Identifier: Apache-2.0
"""Lists with totals and links between pages, and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from callwell.emulator.apivideo.replies import success_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply


def page_reply(
    call: ApiVideoCall, rows: Sequence[Any], show: Callable[[Any], Any] = lambda row: row, **extra: Mapping[str, Any]
) -> Reply:
    """Return one page.

    Args:
        call: the request.
        rows: the whole list, filtered and sorted.
        show: returns a row as the API represents it.
        extra: what is next to the list in the response.
    """
    number, size = call.query.page_request()
    pages = max(1, -(-len(rows) // size))
    shown = [show(row) for row in rows[(number - 1) * size : number * size]]
    targets = {"self": number, "first": 1}
    if 1 < number <= pages + 1:
        targets["previous"] = number - 1
    if number < pages:
        targets["next"] = number + 1
    targets["last"] = pages
    pagination = {
        "currentPage": number,
        "currentPageItems": len(shown),
        "pageSize": size,
        "pagesTotal": pages,
        "itemsTotal": len(rows),
        "links": [{"rel": rel, "uri": _page_uri(call, target, size)} for rel, target in targets.items()],
    }
    return success_reply({**extra, "data": shown, "pagination": pagination})


def sort_rows(
    call: ApiVideoCall,
    rows: Sequence[Any],
    keys: Mapping[str, Callable[[Any], Any]],
    *,
    default: str,
    descending: bool = True,
) -> list[Any]:
    """Return the rows in the order that was requested.

    Args:
        call: the request.
        rows: in the order of creation.
        keys: what can be sorted by.
        default: what is sorted by if the request does not say.
        descending: whether the greatest comes first if the request says nothing about the order at all.
    """
    key = call.query.choice("sortBy", keys, default)
    is_default = call.query.text("sortBy") is None
    usual_order = "desc" if descending and is_default else "asc"
    order = call.query.choice("sortOrder", ("asc", "desc"), usual_order)
    return sorted(rows, key=keys[key], reverse=order == "desc")


def _page_uri(call: ApiVideoCall, number: int, size: int) -> str:
    kept = [pair for pair in call.query.pairs if pair[0] not in ("currentPage", "pageSize")]
    query = urlencode([*kept, ("currentPage", number), ("pageSize", size)])
    own_origin = call.origin if call.options.absolute_links else ""
    origin = call.options.links_origin or own_origin
    return f"{origin}{call.request.path}?{query}"
