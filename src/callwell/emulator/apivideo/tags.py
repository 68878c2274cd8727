# SPDX-License-Identifier: Apache-2.0
"""The tags of all videos, found whatever their case and accents."""

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
    """Every tag with the number of its videos."""
    counts = Counter(tag for video in call.account.active_videos() for tag in set(video.attributes["tags"]))
    part = _fold(call.query.text("value") or "")
    fitting = [(tag, count) for tag, count in counts.items() if part in _fold(tag)]
    rows = sort_rows(call, fitting, SORT_KEYS, default="value", down=False)
    return page_reply(call, rows, lambda row: {"value": row[0], "videoCount": row[1]})


def _fold(text: str) -> str:
    """A text without case and accents."""
    return "".join(each for each in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(each))
