# SPDX-License-Identifier: Apache-2.0
"""Lists with totals and links, and the orders in which they can be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from callwell.emulator.apivideo.replies import success_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply


def page_reply(
    call: ApiVideoCall, rows: Sequence[Any], show: Callable[[Any], Any] = lambda row: row, **about: Mapping[str, Any]
) -> Reply:
    """One page.

    Args:
        call: the request.
        rows: the whole list, filtered and sorted.
        show: one row as the API shows it.
        about: what stands beside the list in the answer.
    """
    number, size = call.query.page_request()
    pages = max(1, -(-len(rows) // size))
    shown = [show(row) for row in rows[(number - 1) * size : number * size]]
    others = {"self": number, "first": 1, "previous": number - 1, "next": number + 1, "last": pages}
    there = {"previous": 1 < number <= pages + 1, "next": number < pages}
    pagination = {
        "currentPage": number,
        "currentPageItems": len(shown),
        "pageSize": size,
        "pagesTotal": pages,
        "itemsTotal": len(rows),
        "links": [{"rel": rel, "uri": _page_uri(call, to, size)} for rel, to in others.items() if there.get(rel, True)],
    }
    return success_reply({**about, "data": shown, "pagination": pagination})


def sort_rows(
    call: ApiVideoCall,
    rows: Sequence[Any],
    keys: Mapping[str, Callable[[Any], Any]],
    *,
    default: str,
    down: bool = True,
) -> list[Any]:
    """Rows in the order that is asked for.

    Args:
        call: the request.
        rows: in the order of their making.
        keys: what can be sorted by.
        default: what is sorted by unless said.
        down: whether the greatest comes first unless said.
    """
    by = call.query.choice("sortBy", keys, default)
    order = call.query.choice(
        "sortOrder", ("asc", "desc"), "desc" if down and call.query.text("sortBy") is None else "asc"
    )
    return sorted(rows, key=keys[by], reverse=order == "desc")


def _page_uri(call: ApiVideoCall, number: int, size: int) -> str:
    kept = [pair for pair in call.query.pairs if pair[0] not in ("currentPage", "pageSize")]
    query = urlencode([*kept, ("currentPage", number), ("pageSize", size)])
    origin = call.options.links_origin or (call.origin if call.options.absolute_links else "")
    return f"{origin}{call.request.path}?{query}"
