# SPDX-License-Identifier: Apache-2.0
"""The fields of a JSON response that say something about a list: its items, and where its next page is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.description import schemas

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

MAX_DEPTH: Final = 4
"""Levels of objects in which a list or its words are sought: `links.pages.next` has three, HAL's `_links` as many."""

WRAPPERS: Final = frozenset(
    {
        *("meta", "metadata", "paging", "pagination", "page", "pageinfo", "pagemeta", "pagemetadata", "links", "pages"),
        *("cursors", "cursor", "responsemetadata", "resultinfo", "next", "info", "searchmetadata", "paginginfo"),
        *("listmetadata", "listmeta", "listinfo", "paginationinfo", "paginationmeta", "paginationmetadata"),
    }
)
"""Objects beside or around a list that hold words about its pages."""

LIST_NAMES: Final = (
    *("data", "items", "results", "entries", "values", "value", "records", "objects", "elements", "content", "rows"),
    *("hits", "list", "resources", "collection", "nodes", "edges", "result"),
)
"""What lists are called, whatever is in them."""

NO_ITEMS: Final = frozenset(
    {
        *("warnings", "errors", "messages", "links", "order", "included", "facets", "columns", "fields", "sort"),
        *("aggregations", "filters", "parents", "actions", "firstmessages", "responsemetadata"),
    }
)
"""Lists beside the items."""

MAX_SHORT_WORD: Final = 3
"""Letters of a word with which the names of many other things begin."""


class AnswerField(NamedTuple):
    """A field of a response.

    Attributes:
        path: dotted.
        name: the last part of the path, as `plain_name` writes it.
        parents: the parts before, as `plain_name` writes them.
        schema: the schema of its value.
    """

    path: str
    name: str
    parents: tuple[str, ...]
    schema: Mapping[str, Any]

    @property
    def parent_path(self) -> str:
        """The path of the object that it is in; empty for the body."""
        return self.path.rpartition(".")[0] if self.parents else ""

    def is_a(self, *kinds: str) -> bool:
        """Whether its value may have one of these JSON types; a field without a type may have any."""
        found = schemas.value_types(self.schema)
        return not found or bool(found & set(kinds))


def plain_name(name: str) -> str:
    """A name without case and signs: `next_page_token`, `nextPageToken` and `Next-Page-Token` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def read_fields(schema: Mapping[str, Any]) -> list[AnswerField]:
    """The fields of a response, those of objects in it included. Dots in names make a field unreachable."""
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
            is_near = not parents or plain_name(name) in WRAPPERS  # elsewhere no list is sought below two levels
            if is_near and len(parents) + 1 < MAX_DEPTH and "." not in name:
                yield from _iter_fields(child, f"{path}.", (*parents, plain_name(name)))


def find_items(schema: Mapping[str, Any], fields: Iterable[AnswerField], words: Sequence[str]) -> str | None:
    """The path of the items of a list: empty if the body is the list, None if there is none, or it is not clear which.

    Args:
        schema: of the body.
        fields: of the body.
        words: what the document may call the items, as `plain_name` writes it, the likeliest name first.
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
    """How likely a list is the list of items: the lowest rank is the likeliest.

    Args:
        field: the list.
        words: what it may be called, in the singular.
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
    """The fields that may say something about the pages of a list: beside it, around it, and in wrappers there."""
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
        names: in the order of preference, as `plain_name` writes them.
        kinds: the JSON types that its value may have.
    """
    known = list(fields)
    return next((field for name in names for field in known if field.name == name and field.is_a(*kinds)), None)
