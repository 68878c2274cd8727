# SPDX-License-Identifier: Apache-2.0
"""Finds keys that appear twice in one object of a document.

Parsers keep the last one, so an operation or a field is lost silently. RFC 8259, section 4, leaves the behavior open;
YAML forbids repeated keys. The search runs when a document is imported, and not each time that it is loaded.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any, Final

from callwell.description.error import format_path
from callwell.description.locate import json_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.description.documents.reading import Document
    from callwell.description.error import KeyPath

MAX_FOUND: Final = 100
"""The most keys that are reported: a document with more has the same problem everywhere."""


def find_repeated_keys(document: Document) -> list[str]:
    """Describe each repeated key, with its lines.

    Args:
        document: the document, or a file that belongs to it.
    """
    text = document.text.decode("utf-8-sig", errors="replace")
    if document.is_json:
        found = _find_in_json(text) if _repeats_in_json(text) else iter(())
    elif document.yaml_repeats:
        from callwell.description.documents.yaml_text import repeated_yaml_keys

        found = repeated_yaml_keys(text)
    else:
        return []
    return [_describe(*repeated) for repeated in itertools.islice(found, MAX_FOUND)]


def _describe(path: KeyPath, first: int, last: int) -> str:
    lines = f"in line {first}" if first == last else f"in lines {first} and {last}"
    return f"{format_path(path)} appears twice, {lines}; the last one counts"


def _repeats_in_json(text: str) -> bool:
    """Whether an object has a repeated key. This takes 0.2 s for GitHub's 13 MB; finding the places takes 3 s."""
    found = False

    def note_repeats(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len(dict(pairs)) < len(pairs)

    try:
        json.loads(text, object_pairs_hook=note_repeats)
    except (ValueError, RecursionError):  # msgspec has read it, and this parser may be stricter
        return False
    return found


def _find_in_json(text: str) -> Iterator[tuple[KeyPath, int, int]]:
    """Find each repeated key: its path, and the lines of both occurrences, from 1."""
    objects: list[dict[str, int]] = []  # the positions of the keys of each open object
    for path, position in json_keys(text):
        del objects[len(path) :]
        if len(objects) < len(path):
            objects.append({})
        first = objects[-1].setdefault(path[-1], position)
        if first != position:
            yield path, text.count("\n", 0, first) + 1, text.count("\n", 0, position) + 1
