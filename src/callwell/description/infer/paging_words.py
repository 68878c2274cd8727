# SPDX-License-Identifier: Apache-2.0
"""The vocabulary of paging: names of parameters and fields, from the documents of many providers.

Names are written as `plain_name` returns them, preferred ones first.
"""

from __future__ import annotations

from typing import Final

# Long lists are written as rows, each a tuple that is unpacked: the formatter would give each name a line of its own.
PAGES: Final = ("page", "pagenumber", "pageno", "pagenum", "pageindex", "currentpage", "p")
OFFSETS: Final = (
    "offset",
    "skip",
    "startindex",
    "startat",
    "pageoffset",
    "firstresult",
    "startposition",
    "startrecord",
)
SIZED_OFFSETS: Final = ("start", "from")
"""Offsets only next to a page size: elsewhere they are the start of a time range."""

CURSORS: Final = (
    *("cursor", "pagetoken", "nextpagetoken", "nexttoken", "continuationtoken", "paginationtoken", "pagecursor"),
    *("startcursor", "nextcursor", "marker", "nextmarker", "continue", "startingafter", "pageafter", "startafter"),
    *("aftercursor", "aftertoken", "afterid", "after", "scrollid", "bookmark", "exclusivestartkey", "startkey"),
    *("sinceid", "streamposition", "startingtoken", "before", "beforeid"),
)
SIZES: Final = (
    *("limit", "perpage", "pagesize", "maxresults", "size", "pagelimit", "maxitems", "maxpagesize", "resultsperpage"),
    *("itemsperpage", "count", "top", "take", "max", "first", "rows", "maxkeys", "maxentries"),
)
NEXT_CURSORS: Final = (
    *("nextcursor", "nextpagetoken", "nexttoken", "nextmarker", "nextcontinuationtoken", "continuationtoken"),
    *("paginationtoken", "nextpagecursor", "nextpage", "endcursor", "aftercursor", "nextoffset", "nextstart"),
    *("nextstreamposition", "nextposition", "nextid", "lastevaluatedkey", "continue", "lastid", "after", "next"),
    *("cursor", "marker", "scrollid", "bookmark"),
)
NEXT_LINKS: Final = (
    *("nextpageuri", "nextpageurl", "nexturl", "nexturi", "nextlink", "odatanextlink", "nextpagelink", "nexthref"),
    *("nextrecordsurl", "next", "nextpage"),
)
HAS_MORE: Final = (
    *("hasmore", "hasnextpage", "hasnext", "moreavailable", "istruncated", "hasmoreitems", "hasmoreresults"),
    *("morerecords", "hasmorepages", "moredata", "more"),
)
TOTALS: Final = (
    *("total", "totalcount", "totalitems", "totalresults", "totalelements", "totalrecords", "totalentries"),
    *("totalrows", "itemstotal", "totalhits", "totalsize"),
)
"""Not `itemCount` or `recordCount`: some providers mean the items of one page by them, and a walk would end there."""

TOTAL_PAGES: Final = ("totalpages", "pagestotal", "pagecount", "lastpage", "numpages", "nbpages", "pages")
PREVIOUS_CURSORS: Final = frozenset({"before", "beforeid"})
"""Cursors to earlier items, which are the next page in lists that begin with the newest item."""

KEYS: Final = ("id", "uuid", "sid", "gid", "_id", "uid")
"""Fields that identify an item."""

NOUN_KEYS: Final = ("id", "token", "uuid", "sid", "key")
"""Words that identify an item after its own name: `backtest_token` in a list of backtests."""

OBJECT_KEYS: Final = frozenset({"id", "uuid", "sid", "gid", "sha", "nodeid"})
"""Fields next to a list which show that the body is one object with a list in it, not a page of a list."""
