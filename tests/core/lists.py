# SPDX-License-Identifier: Apache-2.0
"""Lists that change while they are read, in every style of paging."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from callwell.core.rules.operations import PagingRule

SIZE = 3
PAGE = PagingRule(items="data", key="id", more="more", total="total")
OFFSET = PagingRule(style="offset", items="data", key="id", position="offset", first=0, total="total")
PAGES = PagingRule(items="data", key="id", pages="pages", total="total")
CURSOR = PagingRule(style="cursor", items="data", key="id", next="next")
LINK = PagingRule(style="link-header", items="data", key="id")
NEXT = PagingRule(style="next-link", items="data", key="id", next="links.next", total="total")
STYLES = {"page": PAGE, "offset": OFFSET, "pages": PAGES, "cursor": CURSOR, "link": LINK, "next": NEXT}


class Change(NamedTuple):
    """What happens to the list between two pages: items put in at these places, and taken out from these."""

    put: tuple[int, ...] = ()
    out: tuple[int, ...] = ()


class Lists:
    """A server with a list that changes between pages.

    Attributes:
        ids: what the list holds now.
        permanent: what it held throughout.
        balanced: between any two pages that were served so far as many items came as went.
    """

    def __init__(self, count: int, changes: list[Change]) -> None:
        self.ids = list(range(count))
        self.permanent = set(self.ids)
        self.balanced = True
        self._even = True
        self._changes = iter(changes)
        self._born = count

    def change(self) -> None:
        """Let the next change happen."""
        change = next(self._changes, Change())
        before = len(self.ids)
        for place in change.out:
            if self.ids:
                self.permanent.discard(self.ids.pop(place % len(self.ids)))
        for place in change.put:
            self.ids.insert(place % (len(self.ids) + 1), self._born)
            self._born += 1
        self._even = self._even and before == len(self.ids)

    def body(self, style: str, position: int | str | None) -> tuple[dict[str, Any], str | None]:
        """The response to a request for a position, and the target of its `Link` header."""
        self.balanced = self._even
        if style in ("cursor", "link", "next"):
            begin = 0 if position is None else int(str(position).removeprefix("/?from="))
        else:
            begin = int(position or 0) if style == "offset" else (int(position or 1) - 1) * SIZE
        ids = self.ids[begin : begin + SIZE]
        more = begin + SIZE < len(self.ids)
        after = f"/?from={begin + SIZE}" if more else None
        body = {
            "data": [{"id": number} for number in ids],
            "more": more,
            "total": len(self.ids),
            "pages": -(-len(self.ids) // SIZE),
            "next": after,
            "links": {"next": after},
        }
        return body, after if style == "link" else None


changes = st.lists(
    st.builds(
        lambda put, out: Change(tuple(put), tuple(out)), *(st.lists(st.integers(0, 30), max_size=2) for _ in "po")
    ),
    max_size=12,
)
few_changes = st.lists(
    st.sampled_from([Change(), Change(), Change((0,), ()), Change((), (0,)), Change((9,), (0,))]), max_size=8
)
