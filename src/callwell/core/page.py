# SPDX-License-Identifier: Apache-2.0
"""Parses one page of a list: its items, and where the next page is.

A value that is missing, null or empty says nothing, and so does a word for null instead of a cursor or a link. One with
an unclear meaning is named in `Page.unclear`: a walk must not mistake it for the end of the list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from callwell.core import json_values, links

if TYPE_CHECKING:
    from callwell.core.rules.operations import PagingRule

T = TypeVar("T")

WORDS_FOR_NOTHING: Final = frozenset({"null", "none", "nil", "undefined", "false"})
"""What programs write instead of a cursor or a link when they convert null to a string."""

ZERO: Final = (0, "0")
"""As the next cursor, it means the end for some providers, and is an ordinary cursor for others."""


class Page(NamedTuple):
    """One page, parsed.

    Attributes:
        items: the items, as received.
        keys: their keys; empty if the profile names no key. An item without one has the empty key.
        digests: the page's own digest (position and content), one per key, then `content_digest` and `start_digest`, if
            they are not 0; they detect repeats.
        has_more: whether there is another page, if the body has a flag for that.
        next_position: the next position as the provider gave it: a cursor or a link.
        total_items: the announced number of items in the whole list.
        total_pages: the announced number of pages.
        unclear: values that cannot be read, each as the name of its field in the rule and what is wrong.
        content_digest: a digest of the items alone, if they have no keys to detect repeats by; otherwise 0.
        start_digest: for the first page and the page of cursor zero, a digest of its items and its next position;
            otherwise 0.
    """

    items: tuple[Any, ...]
    keys: tuple[str, ...]
    digests: tuple[int, ...]
    has_more: bool | None
    next_position: int | str | None
    total_items: int | None
    total_pages: int | None
    unclear: tuple[tuple[str, str], ...] = ()
    content_digest: int = 0
    start_digest: int = 0


def parse_page(
    rule: PagingRule, position: int | str | None, body: Any, link: str | None = None, *, link_problem: str = ""
) -> Page:
    """Parse one page.

    Args:
        rule: how the list is read.
        position: of the page: what it was requested by; None for the first one.
        body: the decoded body; an empty one for a response without content.
        link: for the style `link-header`: the target of the header's `next` relation, None if it has none.
        link_problem: why that header cannot be trusted; empty if it can.

    Raises:
        LookupError: the body has no items where the rule says; the message names the place.
    """
    items = _read_items(rule, body)
    keys = tuple([_item_key(item, rule.key) for item in items]) if rule.key else ()
    has_all_keys = bool(keys) and all(keys)
    texts = keys if has_all_keys else [repr(item) for item in items]
    page_digest = digest_texts(repr(position), *texts)
    unclear = [("next", link_problem)] if link_problem else []

    def parse(field: str, parser: Callable[[Any], T], value: Any) -> T | None:
        try:
            return parser(value)
        except json_values.AmbiguousValue as error:
            unclear.append((field, str(error)))
            return None

    next_position: int | str | None = link
    if rule.style != "link-header":
        parse_next = _parse_link if rule.style == "next-link" else _parse_cursor
        following = json_values.value_at(body, rule.next)
        next_position = None if _means_nothing(following, items) else parse("next", parse_next, following)
    if rule.next_item is not None and rule.next is None and items:
        next_position = parse("next", _parse_item_cursor, json_values.value_at(items[-1], rule.next_item))
    if next_position is None and rule.links is not None:
        next_position = parse("links", _parse_links, json_values.value_at(body, rule.links))
    content_digest = digest_texts(*texts) if items and not has_all_keys else 0
    may_be_start = rule.style == "cursor" and bool(items) and (position is None or position in ZERO)
    start_digest = digest_texts("start", repr(next_position), *texts) if may_be_start else 0
    return Page(
        items=items,
        keys=keys,
        digests=(page_digest, *map(digest_key, keys), *filter(None, (content_digest, start_digest))),
        has_more=parse("more", json_values.to_flag, json_values.value_at(body, rule.more)),
        next_position=next_position,
        total_items=parse("total", json_values.to_count, json_values.value_at(body, rule.total)),
        total_pages=parse("pages", json_values.to_count, json_values.value_at(body, rule.pages)),
        unclear=tuple(unclear),
        content_digest=content_digest,
        start_digest=start_digest,
    )


def digest_texts(*texts: str) -> int:
    """A 64-bit digest of strings; the odds of a collision among a million are one in 37 million."""
    hashed = hashlib.blake2b("\x00".join(texts).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest(), "big", signed=True)


def digest_key(key: str) -> int:
    """The digest of an item's key: equals `digest_texts("key", key)`, at half the cost."""
    hashed = _KEY_PREFIX.copy()
    hashed.update(key.encode("utf-8", "surrogatepass"))
    return int.from_bytes(hashed.digest(), "big", signed=True)


_KEY_PREFIX: Final = hashlib.blake2b(b"key\x00", digest_size=8)


def _read_items(rule: PagingRule, body: Any) -> tuple[Any, ...]:
    items = json_values.value_at(body, rule.items) if rule.items else body
    if isinstance(items, Sequence) and not isinstance(items, str):
        return tuple(items)
    if not items and _is_empty_list(rule, body):
        return ()
    raise LookupError(f"no list at {rule.items!r}" if rule.items else "it is not a list")


def _is_empty_list(rule: PagingRule, body: Any) -> bool:
    """Whether a body without a list is an empty page: null, empty, or with the page's other fields.

    An object with only unrelated fields is not a page: it may be an error, or a list under a new name.
    """
    value = body
    for key in rule.items.split(".") if rule.items else ():
        if value is None:
            return True
        if not isinstance(value, Mapping):
            return False
        if key not in value:
            paths = (rule.more, rule.next, rule.total, rule.pages, rule.links)
            return not value or any(_has_path(body, path) for path in paths)
        value = value[key]
    return value is None or (not rule.items and value == {})


def _has_path(body: Any, path: str | None) -> bool:
    """Whether the body has a member at a dotted path, even if it is null."""
    if path is None:
        return False
    parent_path, _, name = path.rpartition(".")
    parent = json_values.value_at(body, parent_path) if parent_path else body
    return isinstance(parent, Mapping) and (path in body or name in parent)


def _means_nothing(value: Any, items: Sequence[Any]) -> bool:
    """Whether the next position is a word for null, and not a value of the last item, whose key it would then be."""
    if not isinstance(value, str) or value.strip().lower() not in WORDS_FOR_NOTHING:
        return False
    last = items[-1] if items else None
    return not (isinstance(last, Mapping) and value in last.values())


def _parse_link(value: Any) -> str | None:
    if isinstance(value, str):
        return value if value.strip() else None
    if value is None or value == 0:  # also false
        return None
    raise json_values.AmbiguousValue(value, "a link to the next page")


def _parse_cursor(value: Any) -> int | str | None:
    """A cursor to send back: a string or a number. Null, an empty string and false mean that there is none."""
    if value is True or isinstance(value, Mapping | list):
        raise json_values.AmbiguousValue(value, "a cursor, a string or a number")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _parse_link(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else repr(value)
    return value


def _parse_item_cursor(value: Any) -> int | str:
    """The cursor in the last item of a page. Every item has one, so a missing one does not mark the end."""
    cursor = _parse_cursor(value)
    if cursor is None:
        raise json_values.AmbiguousValue(value, "the cursor in the last item")
    return cursor


def _parse_links(value: Any) -> str | None:
    """The target of the link to the next page in a list of links."""
    if not value:
        return None
    if not isinstance(value, list):
        raise json_values.AmbiguousValue(value, "a list of links")
    next_links = links.filter_by_relation(value, "next")
    if not next_links:
        return None
    target = next_links[0].get("uri")
    if not isinstance(target, str) or not target:
        raise json_values.AmbiguousValue(target, "the address of the next page")
    return target


def _item_key(item: Any, name: str) -> str:
    key = item.get(name) if isinstance(item, dict) else None
    return "" if key is None else str(key)
