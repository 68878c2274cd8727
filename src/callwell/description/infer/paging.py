# SPDX-License-Identifier: Apache-2.0
"""Infers how a list is paged: from the names of its query parameters and the shape of its response.

A parameter for the position and a field for the next position make a pair. The pairs are tried in this order:

    cursor, pageToken, …       and  next_cursor, nextPageToken, …    cursor
                                    next, next_url: an address       next-link
    starting_after, after, …   and  has_more                         cursor: the last item's ID
    page, offset               and  total, total_pages, has_more     page, offset
                                    a documented header `Link`       link-header
    page, offset                                                     page, offset: an empty page ends it
    after, before, …                                                 cursor: the last item's ID
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.core.rules.operations import PagingRule
from callwell.description import schemas
from callwell.description.infer.answer_fields import (
    AnswerField,
    fields_about,
    find_field,
    find_items,
    plain_name,
    read_fields,
)
from callwell.description.infer.evidence import Found
from callwell.description.infer.page_parameters import (
    FIRST_PAGE,
    NUMBERS,
    documented_first,
    find_parameter,
    find_position,
    largest_page,
)
from callwell.description.infer.paging_words import (
    CURSORS,
    HAS_MORE,
    KEYS,
    NEXT_CURSORS,
    NEXT_LINKS,
    NOUN_KEYS,
    OBJECT_KEYS,
    OFFSETS,
    PAGES,
    PREVIOUS_CURSORS,
    SIZED_OFFSETS,
    SIZES,
    TOTAL_PAGES,
    TOTALS,
)
from callwell.description.names import to_snake_case

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from callwell.description.infer.evidence import Certainty
    from callwell.description.model import Operation, Parameter

_LINK_HEADER: Final = re.compile(r"\blink`? header", re.IGNORECASE)
NEXT_PAGES: Final = ("next", "nextpage")
"""Names of fields that may be a URL, a number or a cursor."""

_IS_LINK: Final = re.compile(r"\b(ur[il]s?|link|href|hyperlink)\b", re.IGNORECASE)
_IS_ADDRESS: Final = re.compile(r"https?://|/")
_ABOUT_PAGES: Final = re.compile(r"\b(pagina\w*|next (page|set|batch|result)|cursor|page token|marker)", re.IGNORECASE)


class ListFinding(NamedTuple):
    """The inferred paging of a list.

    Attributes:
        rule: how it is paged; None if that is unclear.
        problem: why it is unclear; empty if there is a rule.
    """

    rule: Found[PagingRule] | None
    problem: str = ""


class _DescribedList(NamedTuple):
    """The facts about a list from which its paging style is inferred.

    Attributes:
        items: the path of its items.
        about: the fields of the response about its pages.
        query: the query parameters, by `plain_name`.
        size: the parameter for the size of a page.
        item: the schema of an item.
        nouns: possible names of an item, by `plain_name`.
        has_link_header: whether a header `Link` is documented.
    """

    items: str
    about: list[AnswerField]
    query: Mapping[str, Parameter]
    size: Parameter | None
    item: Mapping[str, Any]
    nouns: list[str]
    has_link_header: bool


def infer_paging(operation: Operation, *, link_header: bool = False) -> ListFinding | None:
    """Infer how an operation's list is paged; None if it is not a list, or has no pages.

    Args:
        operation: the operation.
        link_header: whether its successful response has a documented header `Link`.
    """
    if operation.method != "GET" or not operation.response_schema:
        return None
    query = _query_of(operation)
    fields = read_fields(operation.response_schema)
    items = find_items(operation.response_schema, fields, _item_names(operation))
    if items and any(field.name in OBJECT_KEYS for field in fields if field.parent_path == items.rpartition(".")[0]):
        return None
    link_header = link_header or any(_LINK_HEADER.search(parameter.summary) for parameter in query.values())
    size = find_parameter(query, SIZES, NUMBERS)
    about = fields_about(items or "", fields)
    offsets = OFFSETS if size is None else (*OFFSETS, *SIZED_OFFSETS)
    has_position = find_position(query, (*PAGES, *offsets, *CURSORS)) is not None
    has_next = _find_link(about) is not None or find_field(about, HAS_MORE, "boolean") is not None
    if not (has_position or (has_next and size is not None) or (link_header and size is not None)):
        return None
    if items is None:
        arrays = [field for field in fields if "array" in schemas.value_types(field.schema)]
        if not arrays:
            return None
        return ListFinding(None, "the response has several lists, and it is not clear which has the items")
    item = schemas.at_path(operation.response_schema, f"{items}.0" if items else "0") or {}
    listed = _DescribedList(
        items=items,
        about=about,
        query=query,
        size=size,
        item=item,
        nouns=_item_nouns(operation),
        has_link_header=link_header,
    )
    for choose in (_by_cursor, _by_link, _by_last_item, _by_totals, _by_link_header, _by_number, _by_any_item):
        rule = choose(listed)
        if rule is not None:
            return ListFinding(rule)
    return ListFinding(None, "nothing in the response says where the next page is")


def infer_by_link_header(operation: Operation, linked: Collection[str]) -> Found[PagingRule] | None:
    """Infer the paging of a list that does not describe its next page from other lists of its document.

    The other lists have the same position parameter, and describe the header `Link`.

    Args:
        operation: the operation.
        linked: the position parameters of those lists, by `list_position`.
    """
    position = list_position(operation)
    found = infer_paging(operation, link_header=True) if position in linked else None
    if found is None or found.rule is None:
        return None
    return found.rule._replace(level="assumed", reason=f"other lists with {position} have the header Link")


def list_position(operation: Operation) -> str:
    """The name of the query parameter for the position in a list; empty if there is none."""
    found = find_position(_query_of(operation), (*CURSORS, *PAGES))
    return "" if found is None else found.wire_name


def _query_of(operation: Operation) -> dict[str, Parameter]:
    """The query parameters, by `plain_name`."""
    return {
        plain_name(parameter.wire_name): parameter
        for parameter in operation.parameters
        if parameter.location == "query"
    }


def _by_cursor(listed: _DescribedList) -> Found[PagingRule] | None:
    """Paging by a cursor in the response."""
    following = find_field(listed.about, NEXT_CURSORS, "string", "integer", "number")
    if following is None or _is_link(following):
        return None
    # A parameter `page` that is a string is a cursor if the response has the next one.
    names: Collection[str] = CURSORS
    if following.name in {"nextoffset", "nextstart"}:
        names = (*CURSORS, *OFFSETS)
    elif following.name in NEXT_PAGES and "string" in schemas.value_types(following.schema):
        names = (*CURSORS, *PAGES)
    position = find_position(listed.query, names)
    if position is None or plain_name(position.wire_name) in PREVIOUS_CURSORS or _find_unnamed_link(listed) is not None:
        return None
    return _found_rule(listed, position, following, style="cursor", next=following.path)


def _by_link(listed: _DescribedList) -> Found[PagingRule] | None:
    """Paging by the URL of the next page, unless a total allows counting pages."""
    following = _find_link(listed.about) or _find_unnamed_link(listed)
    if following is None or (_find_page_or_offset(listed) and _total_fields(listed)):
        return None
    return _found_rule(listed, None, following, style="next-link", next=following.path)


def _by_last_item(listed: _DescribedList) -> Found[PagingRule] | None:
    """Paging by the ID of the last item, if a flag says whether more items follow."""
    if find_field(listed.about, HAS_MORE, "boolean") is None or _find_page_or_offset(listed):
        return None
    return _by_any_item(listed)


def _by_totals(listed: _DescribedList) -> Found[PagingRule] | None:
    """Paging by a page number or an offset, with a total or a flag."""
    has_flag = find_field(listed.about, HAS_MORE, "boolean") is not None
    return _by_number(listed) if has_flag or _total_fields(listed) else None


def _by_link_header(listed: _DescribedList) -> Found[PagingRule] | None:
    """Paging by the header `Link` (RFC 8288)."""
    if not listed.has_link_header:
        return None
    rule = PagingRule(style="link-header", items=listed.items, **_common_settings(listed))
    return Found(rule, "documented", "the header Link leads to the next page")


def _by_number(listed: _DescribedList) -> Found[PagingRule] | None:
    """Paging by a page number or an offset alone."""
    position = _find_page_or_offset(listed)
    if position is None:
        return None
    style = "page" if plain_name(position.wire_name) in PAGES else "offset"
    first = documented_first(position)
    totals = {name: field.path for name, field in _total_fields(listed).items()}
    default = 1 if style == "page" or plain_name(position.wire_name) == "startindex" else 0
    found = _found_rule(listed, position, None, style=style, first=default if first is None else first, **totals)
    is_guessed = first is None and style == "page" and not (found.value.total or found.value.pages)
    return found._replace(questions=(FIRST_PAGE,)) if is_guessed else found


def _by_any_item(listed: _DescribedList) -> Found[PagingRule] | None:
    """Paging by the ID of the last item, without a flag: an empty page ends the list."""
    position = find_position(listed.query, CURSORS)
    key = _item_key(listed.item) or _noun_key(listed) or _nested_key(listed.item)
    if position is None or key is None or listed.query.keys().isdisjoint(CURSORS):
        return None
    earlier = next((listed.query[name] for name in ("before", "beforeid") if name in listed.query), None)
    has_flag = find_field(listed.about, HAS_MORE, "boolean") is not None
    if earlier is not None and not listed.items and not has_flag and find_position(listed.query, PREVIOUS_CURSORS):
        position = earlier  # such lists begin with the newest item
    return _found_rule(listed, position, None, style="cursor", next_item=key)


def _found_rule(
    listed: _DescribedList, position: Parameter | None, following: AnswerField | None, **settings: Any
) -> Found[PagingRule]:
    """Make the rule from its own settings and the common ones, with the reason for it."""
    if position is not None:
        settings["position"] = position.wire_name
    more = find_field(listed.about, HAS_MORE, "boolean")
    if more is not None and settings["style"] != "next-link":
        settings["more"] = more.path
    rule = PagingRule(items=listed.items, **_common_settings(listed), **settings)
    evidence = [f"parameter {position.wire_name}"] if position is not None else []
    if following is not None:
        evidence.append(f"field {following.path}")
    elif rule.next_item:
        evidence.append(f"the last item's {rule.next_item}")
    elif rule.total or rule.pages:
        evidence.append(f"field {rule.total or rule.pages}")
    text = f"{position.summary if position else ''} {following.schema.get('description', '') if following else ''}"
    level: Certainty = "documented" if _ABOUT_PAGES.search(text) else "assumed"
    return Found(rule, level, " and ".join(evidence))


def _common_settings(listed: _DescribedList) -> dict[str, Any]:
    """The settings of every style: the key of items, and the size of a page."""
    common: dict[str, Any] = {"key": _item_key(listed.item)}
    if listed.size is not None:
        common["size"] = listed.size.wire_name
        maximum = largest_page(listed.size)
        if maximum:
            common["max_size"] = maximum
    return common


def _total_fields(listed: _DescribedList) -> dict[str, AnswerField]:
    found = {
        "total": find_field(listed.about, TOTALS, *NUMBERS),
        "pages": find_field(listed.about, TOTAL_PAGES, *NUMBERS),
    }
    return {name: field for name, field in found.items() if field is not None and not _is_link(field)}


def _find_page_or_offset(listed: _DescribedList) -> Parameter | None:
    """The parameter for a page number, or else for an offset."""
    found = find_position(listed.query, PAGES) or find_position(listed.query, OFFSETS)
    return find_position(listed.query, SIZED_OFFSETS) if found is None and listed.size is not None else found


def _find_link(fields: list[AnswerField]) -> AnswerField | None:
    """The field with the URL of the next page."""
    hal = next((field for field in fields if field.name == "href" and field.parents[-1:] == ("next",)), None)
    found = hal or find_field(fields, NEXT_LINKS, "string")
    return found if found is not None and (found is hal or _is_link(found)) else None


def _find_unnamed_link(listed: _DescribedList) -> AnswerField | None:
    """The field of the next page if it is a string although pages are numbers: then it is a URL."""
    position = find_position(listed.query, PAGES)
    if position is None or find_position(listed.query, CURSORS) is not None:
        return None
    types = schemas.value_types(position.schema)
    return find_field(listed.about, NEXT_PAGES, "string") if types and "string" not in types else None


def _is_link(field: AnswerField) -> bool:
    """Whether the value of a field is a URL."""
    if field.name in NEXT_LINKS and field.name not in NEXT_PAGES:
        return True
    if field.name == "next" and field.parents[-1:] in {("links",), ("_links",)}:
        return True
    schema = field.schema
    example = schema.get("example") or next(iter(schema.get("examples") or ()), "")
    return (
        str(schema.get("format", "")).startswith(("uri", "url"))
        or (isinstance(example, str) and _IS_ADDRESS.match(example) is not None)
        or _IS_LINK.search(str(schema.get("description", ""))) is not None
    )


def _item_key(item: Mapping[str, Any]) -> str | None:
    """The field that identifies an item."""
    properties = [part.get("properties") or {} for part in schemas.alternatives(item)]
    return next((key for key in KEYS if properties and all(key in names for names in properties)), None)


def _noun_key(listed: _DescribedList) -> str | None:
    """The field that identifies items if the cursor is that of the last item: its `token`, or `thing_id` of a thing.

    In other lists, such a field may refer to another object, and occur more than once.
    """
    wanted = ["token", *(f"{noun}{key}" for noun in listed.nouns for key in NOUN_KEYS)]
    common = set.intersection(*(set(part.get("properties") or {}) for part in schemas.alternatives(listed.item)))
    by_plain_name = {plain_name(name): name for name in sorted(common)}
    return next((by_plain_name[name] for name in wanted if name in by_plain_name), None)


def _nested_key(item: Mapping[str, Any]) -> str | None:
    """The path of the only ID inside an item that has no ID itself: the `user.id` of a member."""
    paths = [
        f"{name}.{key}"
        for part in schemas.alternatives(item)
        for name, child in (part.get("properties") or {}).items()
        if isinstance(child, dict) and (key := _item_key(child)) is not None
    ]
    return paths[0] if len(paths) == 1 else None


def _item_names(operation: Operation) -> list[str]:
    """Possible names of a list's items: the fixed parts of its path, the last one first."""
    parts = [part for part in operation.path.partition("?")[0].split("/") if part and "{" not in part]
    return [plain_name(part.removesuffix(".json")) for part in reversed(parts)]


def _item_nouns(operation: Operation) -> list[str]:
    """Possible names of one item: the last fixed part of the path in the singular, such as `audit_log` and `log`."""
    parts = [part for part in operation.path.partition("?")[0].split("/") if part and "{" not in part]
    words = to_snake_case(parts[-1].removesuffix(".json")).removesuffix("s").split("_") if parts else []
    return ["".join(words[start:]) for start in range(len(words))]
