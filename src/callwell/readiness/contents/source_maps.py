# SPDX-License-Identifier: Apache-2.0
"""Unpacks the sources of a source map, so that a finding names the source file that its authors know."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.readiness.contents.part import ContentPart
from callwell.readiness.files.listing import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIX: Final = ".map"
MAX_BYTES: Final = 64 << 20
"""The size of the largest source map that is unpacked, in bytes; a larger one is read like any other file."""

CONTENT: Final = "sourcesContent"
"""The field with the content of the sources (ECMA-426, 9)."""


def unpack_source_map(text: bytes) -> list[ContentPart]:
    """Split a source map into its sources and the rest of it; nothing if the text is not a source map.

    Args:
        text: the source map.
    """
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return []
    if not isinstance(document, dict):
        return []
    parts = [ContentPart(name, iter([content])) for one in _find_maps(document) for name, content in _take_sources(one)]
    return [ContentPart("", iter([msgspec.json.encode(document)])), *parts]


def _find_maps(document: dict[str, Any]) -> list[dict[str, Any]]:
    """A source map, and the source maps of its sections."""
    inner = [section.get("map") for section in _as_list(document.get("sections")) if isinstance(section, dict)]
    return [document, *(one for one in inner if isinstance(one, dict))]


def _take_sources(document: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Remove the sources from a map, and return name and text of each."""
    texts = _as_list(document.get(CONTENT))
    if not texts or not all(text is None or isinstance(text, str) for text in texts):
        return
    del document[CONTENT]
    for place, (text, name) in enumerate(zip_longest(texts, _as_list(document.get("sources"))), 1):
        if text is not None:
            yield printable(str(name or f"source {place}")), text.encode("utf-8", "surrogatepass")


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
