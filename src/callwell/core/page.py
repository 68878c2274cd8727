# SPDX-License-Identifier: Apache-2.0
"""What one answer of a list says: its items, and where the next page is.

A value that is missing, null or empty says nothing; one whose meaning is not plain is named, so that a walk does not
take it for the end of the list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from callwell.core import json_values, links

if TYPE_CHECKING:
    from callwell.core.paging import Walk
    from callwell.core.rules.operations import PagingRule

T = TypeVar("T")


class Page(NamedTuple):
    """What one answer says.

    Attributes:
        items: the items, as they came.
        keys: their keys, or none if the profile names no key; an item without one has the empty key.
        marks: digests by which the page, and after it each of its keys, is recognised when it comes again.
        more: whether there is another page, where the body says so in as many words.
        next: the next position as the provider gave it: a cursor or a link.
        total: the announced total of items.
        pages: the announced total of pages.
        unclear: values that cannot be read, each with the name of its place in the rule and what is wrong.
        content: a digest of the items alone, where they are not recognised by their keys; 0 elsewhere.
    """

    items: tuple[Any, ...]
    keys: tuple[str, ...]
    marks: tuple[int, ...]
    more: bool | None
    next: int | str | None
    total: int | None
    pages: int | None
    unclear: tuple[tuple[str, str], ...] = ()
    content: int = 0


def parse_page(rule: PagingRule, walk: Walk, body: Any, link: str | None = None, *, trouble: str = "") -> Page:
    """What an answer says.

    Args:
        rule: how the list is read.
        walk: where the walk stands: the page is the one at its position.
        body: the answer's body; an empty one for an answer without content.
        link: the target of the `Link` header's `next` relation, for that style; None where there is none.
        trouble: why that is not sure.

    Raises:
        LookupError: the body has no items where the rule says; the message names the place.
    """
    items = _read_items(rule, body)
    keys = tuple([_item_key(item, rule.key) for item in items]) if rule.key else ()
    unkeyed = not (keys and all(keys))
    texts = [repr(item) for item in items] if unkeyed else keys
    mark = digest_texts(repr(walk.position), *texts)
    unclear = [("next", trouble)] if trouble else []

    def plain(name: str, reader: Callable[[Any], T], value: Any) -> T | None:
        try:
            return reader(value)
        except json_values.UnclearValue as error:
            unclear.append((name, str(error)))
            return None

    following = (
        link
        if rule.style == "link-header"
        else plain("next", _position_parser(rule), json_values.value_at(body, rule.next))
    )
    if following is None and rule.links is not None:
        following = plain("links", _parse_links, json_values.value_at(body, rule.links))
    return Page(
        items=items,
        keys=keys,
        marks=(mark, *map(digest_key, keys)),
        more=plain("more", json_values.to_flag, json_values.value_at(body, rule.more)),
        next=following,
        total=plain("total", json_values.to_count, json_values.value_at(body, rule.total)),
        pages=plain("pages", json_values.to_count, json_values.value_at(body, rule.pages)),
        unclear=tuple(unclear),
        content=digest_texts(*texts) if unkeyed and items else 0,
    )


def digest_texts(*texts: str) -> int:
    """Sixty-four bits by which texts are recognised: a collision among a million has odds of one in 37 million."""
    hashed = hashlib.blake2b("\x00".join(texts).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest(), "big", signed=True)


def digest_key(key: str) -> int:
    """The digest by which a delivered key is remembered: that of the texts `key` and the key, for half the price."""
    hashed = _BEFORE_KEY.copy()
    hashed.update(key.encode("utf-8", "surrogatepass"))
    return int.from_bytes(hashed.digest(), "big", signed=True)


_BEFORE_KEY: Final = hashlib.blake2b(b"key\x00", digest_size=8)


def _read_items(rule: PagingRule, body: Any) -> tuple[Any, ...]:
    found = json_values.value_at(body, rule.items)
    if isinstance(found, Sequence) and not isinstance(found, str):
        return tuple(found)
    if found is None and _is_empty_list(rule, body):
        return ()
    raise LookupError(f"no list at {rule.items!r}")


def _is_empty_list(rule: PagingRule, body: Any) -> bool:
    """Whether a body without a list is that of an empty one: null, left out of an empty object or beside a page's rest.

    An object with other things only is no page: it may be an error, or a list whose field has a new name.
    """
    here = body
    for key in rule.items.split("."):
        if here is None:
            return True
        if not isinstance(here, Mapping):
            return False
        if key not in here:
            places = (rule.more, rule.next, rule.total, rule.pages, rule.links)
            return not here or any(_has_path(body, place) for place in places)
        here = here[key]
    return here is None


def _has_path(body: Any, path: str | None) -> bool:
    """Whether something stands at a dotted path, be it null."""
    if path is None:
        return False
    above, _, name = path.rpartition(".")
    holder = json_values.value_at(body, above) if above else body
    return isinstance(holder, Mapping) and (path in body or name in holder)


def _position_parser(rule: PagingRule) -> Callable[[Any], int | str | None]:
    return _parse_link if rule.style == "next-link" else _parse_cursor


def _parse_link(value: Any) -> str | None:
    if isinstance(value, str):
        return value if value.strip() else None
    if value is None or value is False:
        return None
    raise json_values.UnclearValue(value, "a link to the next page")


def _parse_cursor(value: Any) -> int | str | None:
    """A cursor as it is sent back: text, or a number; nothing, an empty text and false say that there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        if isinstance(value, Mapping | list) or value is True:
            raise json_values.UnclearValue(value, "a cursor, a text or a number")
        return _parse_link(value)
    return int(value) if isinstance(value, float) and value.is_integer() else _number(value)


def _number(value: float) -> int | str:
    return value if isinstance(value, int) else repr(value)


def _parse_links(given: Any) -> str | None:
    """The target of the link to the next page in a list of links."""
    if not given:
        return None
    if not isinstance(given, list):
        raise json_values.UnclearValue(given, "a list of links")
    leading = links.filter_by_relation(given, "next")
    if not leading:
        return None
    target = leading[0].get("uri")
    if not isinstance(target, str) or not target:
        raise json_values.UnclearValue(target, "the address of the next page")
    return target


def _item_key(item: Any, name: str) -> str:
    key = item.get(name) if isinstance(item, dict) else None
    return "" if key is None else str(key)
