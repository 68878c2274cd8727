# SPDX-License-Identifier: Apache-2.0
"""The `Link` header (RFC 8288): which links an answer names, and where its `next` relation leads.

Read as appendix B of the RFC says: targets between angle brackets may hold commas and semicolons, parameters may be
tokens or quoted strings with escapes, `rel` is a list of relation types in any case, and of two `rel` the first counts.
Extended parameters (`title*`) are other parameters than those without the star.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

SPACE: Final = re.compile(r"[ \t]*")
ELEMENT_END: Final = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*"?)*', re.DOTALL)
"""The rest of a list element that cannot be read: up to a comma outside of quotes."""

NAME: Final = re.compile(r"[^\s=;,]*")
TOKEN: Final = re.compile(r"[^;,]*")
QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


class Link(NamedTuple):
    """One link.

    Attributes:
        target: its address, as written: it may be relative to the answer's own.
        relations: its relation types, in lower case.
        anchor: the address that it leads away from, if that is not the answer's own.
    """

    target: str
    relations: tuple[str, ...]
    anchor: str | None = None


class Links(NamedTuple):
    """The links of an answer.

    Attributes:
        found: all that could be read, in order.
        whole: nothing else stood in the header.
    """

    found: tuple[Link, ...] = ()
    whole: bool = True


class LinkParameters(NamedTuple):
    """The parameters of one link.

    Attributes:
        found: names in lower case and values, in order.
        end: the place after them in the header.
        whole: the last quoted string has an end.
    """

    found: tuple[tuple[str, str], ...]
    end: int
    whole: bool = True


def parse_link_header(header: str) -> Links:
    """The links in a `Link` header.

    Args:
        header: its value; of several lines, the values joined by commas.
    """
    found: list[Link] = []
    whole = True
    place = 0
    while place < len(header):
        place = _skip_spaces(header, place)
        if header.startswith(",", place):  # RFC 9110, section 5.6.1.2: empty list elements are ignored
            place += 1
            continue
        if place == len(header):
            break
        target_end = header.find(">", place)
        if not header.startswith("<", place) or target_end < 0:
            whole = False
            place = _find_element_end(header, place)
            continue
        parameters = _parse_parameters(header, target_end + 1)
        found.append(_make_link(header[place + 1 : target_end].strip(), parameters.found))
        place = parameters.end
        if not parameters.whole or (place < len(header) and header[place] != ","):
            whole = False
            place = _find_element_end(header, place)
    return Links(tuple(found), whole)


def find_target(links: Sequence[Link], relation: str, *, here: frozenset[str] = frozenset()) -> str | None:
    """The target of the first link of a relation type that leads away from the answer itself, None if there is none.

    Args:
        links: the links of the answer.
        relation: the relation type, in lower case.
        here: the addresses of the answer: an anchor that is one of them means the answer.
    """
    for link in links:
        own = not link.anchor or link.anchor in here
        if own and relation in link.relations:
            return link.target
    return None


def parse_relations(value: object) -> tuple[str, ...]:
    """The relation types in a `rel`: a list with spaces between them, in any case; some servers add apostrophes."""
    return tuple(value.strip("'").lower().split()) if isinstance(value, str) else ()


def filter_by_relation(links: Sequence[Any], relation: str) -> list[Mapping[str, Any]]:
    """The links of a relation type in a list of objects that have a `rel` each."""
    return [one for one in links if isinstance(one, Mapping) and relation in parse_relations(one.get("rel"))]


def _make_link(target: str, parameters: Sequence[tuple[str, str]]) -> Link:
    first: dict[str, str] = {}
    for name, value in parameters:
        first.setdefault(name, value)
    return Link(target, parse_relations(first.get("rel")), first.get("anchor"))


def _parse_parameters(header: str, place: int) -> LinkParameters:
    """The parameters that begin at a place."""
    found: list[tuple[str, str]] = []
    while True:
        place = _skip_spaces(header, place)
        if not header.startswith(";", place):
            return LinkParameters(tuple(found), place)
        place = _skip_spaces(header, place + 1)
        name = _match(NAME, header, place)
        place = _skip_spaces(header, place + len(name))
        value = ""
        if header.startswith("=", place):
            place = _skip_spaces(header, place + 1)
            quoted = QUOTED.match(header, place)
            if quoted is not None:
                value = ESCAPE.sub(r"\1", quoted[1])
                place = quoted.end()
            elif header.startswith('"', place):
                return LinkParameters(tuple(found), place, whole=False)
            else:
                token = _match(TOKEN, header, place)
                value = token.strip()
                place += len(token)
        if name:
            found.append((name.lower(), value))


def _match(pattern: re.Pattern[str], header: str, place: int) -> str:
    found = pattern.match(header, place)
    return found[0] if found is not None else ""


def _skip_spaces(header: str, place: int) -> int:
    return place + len(_match(SPACE, header, place))


def _find_element_end(header: str, place: int) -> int:
    return place + max(1, len(_match(ELEMENT_END, header, place)))
