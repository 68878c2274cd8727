# SPDX-License-Identifier: Apache-2.0
"""The tags of all videos; a search ignores case and accents."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.pages import page_reply, sort_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply

SORT_KEYS: Final[Mapping[str, Callable[[tuple[str, int]], Any]]] = {
    "value": lambda row: row[0],
    "videoCount": lambda row: row[1],
}


def list_tags(call: ApiVideoCall) -> Reply:
    """Return every tag with the number of its videos."""
    counts = Counter(tag for video in call.account.active_videos() for tag in set(video.attributes["tags"]))
    part = _fold(call.query.text("value") or "")
    matching = [(tag, count) for tag, count in counts.items() if part in _fold(tag)]
    rows = sort_rows(call, matching, SORT_KEYS, default="value", descending=False)
    return page_reply(call, rows, lambda row: {"value": row[0], "videoCount": row[1]})


def _fold(text: str) -> str:
    """Return a string without case and accents."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
