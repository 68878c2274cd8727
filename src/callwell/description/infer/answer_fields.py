# SPDX-License-Identifier: Apache-2.0
"""Finds the fields of a JSON response that describe a list: its items, and its next page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.description import schemas

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

MAX_DEPTH: Final = 4
"""How deep lists and paging fields are searched for: `links.pages.next` has three levels, as does HAL's `_links`."""

WRAPPERS: Final = frozenset(
    {
        *("meta", "metadata", "paging", "pagination", "page", "pageinfo", "pagemeta", "pagemetadata", "links", "pages"),
        *("cursors", "cursor", "responsemetadata", "resultinfo", "next", "info", "searchmetadata", "paginginfo"),
        *("listmetadata", "listmeta", "listinfo", "paginationinfo", "paginationmeta", "paginationmetadata"),
    }
)
"""Objects next to or around a list that contain paging fields."""

LIST_NAMES: Final = (
    *("data", "items", "results", "entries", "values", "value", "records", "objects", "elements", "content", "rows"),
    *("hits", "list", "resources", "collection", "nodes", "edges", "result"),
)
"""Generic names of lists, whatever is in them."""

NO_ITEMS: Final = frozenset(
    {
        *("warnings", "errors", "messages", "links", "order", "included", "facets", "columns", "fields", "sort"),
        *("aggregations", "filters", "parents", "actions", "firstmessages", "responsemetadata"),
    }
)
"""Lists that are not the items."""

MAX_SHORT_WORD: Final = 3
"""The length of words that are prefixes of many unrelated names."""


class AnswerField(NamedTuple):
    """A field of a response.

    Attributes:
        path: the dotted path.
        name: the last part of the path, by `plain_name`.
        parents: the parts before it, by `plain_name`.
        schema: the schema of its value.
    """

    path: str
    name: str
    parents: tuple[str, ...]
    schema: Mapping[str, Any]

    @property
    def parent_path(self) -> str:
        """The path of the object that contains it; empty for the body."""
        return self.path.rpartition(".")[0] if self.parents else ""

    def is_a(self, *kinds: str) -> bool:
        """Whether its value may have one of these JSON types; a field without a type may have any."""
        found = schemas.value_types(self.schema)
        return not found or bool(found & set(kinds))


def plain_name(name: str) -> str:
    """Normalize a name: `next_page_token`, `nextPageToken` and `Next-Page-Token` become equal."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def read_fields(schema: Mapping[str, Any]) -> list[AnswerField]:
    """The fields of a response, including those of nested objects. A field with a dot in its name is unreachable."""
    return list(_iter_fields(schema, "", ()))


def _iter_fields(schema: Mapping[str, Any], prefix: str, parents: tuple[str, ...]) -> Iterator[AnswerField]:
    seen: set[str] = set()
    for part in schemas.alternatives(schema):
        properties = part.get("properties")
        for name, child in properties.items() if isinstance(properties, dict) else ():
            # A name with a dot is found at the top, where the whole path is tried as a key first.
            if name in seen or not isinstance(child, dict) or ("." in name and prefix):
                continue
            seen.add(name)
            path = f"{prefix}{name}"
            yield AnswerField(path=path, name=plain_name(name), parents=parents, schema=child)
            is_near = not parents or plain_name(name) in WRAPPERS  # elsewhere only two levels are searched for lists
            if is_near and len(parents) + 1 < MAX_DEPTH and "." not in name:
                yield from _iter_fields(child, f"{path}.", (*parents, plain_name(name)))


def find_items(schema: Mapping[str, Any], fields: Iterable[AnswerField], words: Sequence[str]) -> str | None:
    """The path of the items of a list: empty if the body is the list, None if there is no list, or several.

    Args:
        schema: the schema of the body.
        fields: the fields of the body.
        words: possible names of the items, by `plain_name`, the likeliest first.
    """
    if "array" in schemas.value_types(schema):
        return ""
    words = [word.removesuffix("s") for word in words]
    ranked: dict[tuple[int, int], list[str]] = {}
    for field in fields:
        is_named = field.name not in NO_ITEMS or field.name.removesuffix("s") in words
        if "array" in schemas.value_types(field.schema) and is_named:
            ranked.setdefault((_rank(field, words), len(field.parents)), []).append(field.path)
    best = ranked[min(ranked)] if ranked else []
    return best[0] if len(best) == 1 else None


def _rank(field: AnswerField, words: Sequence[str]) -> int:
    """Rank a list by how likely it contains the items: the lowest rank is the likeliest.

    Args:
        field: the list.
        words: possible names, in the singular.
    """
    name = field.name.removesuffix("s")
    if name in words:
        return words.index(name)
    likely = len(words)
    if field.name in LIST_NAMES:
        return likely
    if any(name.startswith(word) or name.endswith(word) for word in words if len(word) >= MAX_SHORT_WORD):
        return likely + 1
    items = field.schema.get("items")
    return likely + 2 if isinstance(items, dict) and "object" in schemas.value_types(items) else likely + 3


def fields_about(items: str, fields: Iterable[AnswerField]) -> list[AnswerField]:
    """The fields that may describe the pages of a list: next to it, around it, and in wrapper objects there."""
    around = {""}
    parts = items.split(".")
    around.update(".".join(parts[:length]) for length in range(1, len(parts)))
    found: list[AnswerField] = []
    for field in fields:
        place = field.parent_path
        names = list(field.parents)
        while place not in around and names and names[-1] in WRAPPERS:
            place = place.rpartition(".")[0]
            names.pop()
        if place in around:
            found.append(field)
    return sorted(found, key=lambda field: -len(field.parents))


def find_field(fields: Iterable[AnswerField], names: Collection[str], *kinds: str) -> AnswerField | None:
    """The field with the first of some names.

    Args:
        fields: in the order of preference.
        names: in the order of preference, by `plain_name`.
        kinds: the JSON types that its value may have.
    """
    known = list(fields)
    return next((field for name in names for field in known if field.name == name and field.is_a(*kinds)), None)
