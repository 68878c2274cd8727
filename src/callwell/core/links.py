# SPDX-License-Identifier: Apache-2.0
"""The `Link` header (RFC 8288): the links of a response, and the target of its `next` relation.

Parsed as appendix B of the RFC says: targets between angle brackets may hold commas and semicolons, parameters may be
tokens or quoted strings with escapes, `rel` is a list of relation types in any case, and the first of two `rel` counts.
An extended parameter (`title*`) is not the parameter without the star.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

SPACE: Final = re.compile(r"[ \t]*")
ELEMENT_END: Final = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*"?)*', re.DOTALL)
"""The rest of a list element that cannot be parsed: up to a comma outside quotes."""

NAME: Final = re.compile(r"[^\s=;,]*")
TOKEN: Final = re.compile(r"[^;,]*")
QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


class Link(NamedTuple):
    """One link.

    Attributes:
        target: the address it leads to, as written; it may be relative to the response's own.
        relations: its relation types, in lower case.
        anchor: the address it leads from, if the header names one; else the response's own.
    """

    target: str
    relations: tuple[str, ...]
    anchor: str | None = None


class LinkHeader(NamedTuple):
    """A `Link` header, parsed.

    Attributes:
        links: all that could be parsed, in order.
        is_complete: the whole header could be parsed.
    """

    links: tuple[Link, ...] = ()
    is_complete: bool = True


class LinkParameters(NamedTuple):
    """The parameters of one link.

    Attributes:
        pairs: names in lower case and values, in order.
        end: the offset after them in the header.
        is_complete: the last quoted string is closed.
    """

    pairs: tuple[tuple[str, str], ...]
    end: int
    is_complete: bool = True


def parse_link_header(header: str) -> LinkHeader:
    """Parse a `Link` header. Never raises.

    Args:
        header: its value; several lines are joined by commas.
    """
    links: list[Link] = []
    is_complete = True
    offset = 0
    while offset < len(header):
        offset = _skip_spaces(header, offset)
        if header.startswith(",", offset):  # RFC 9110, section 5.6.1.2: empty list elements are ignored
            offset += 1
            continue
        if offset == len(header):
            break
        target_end = header.find(">", offset)
        if not header.startswith("<", offset) or target_end < 0:
            is_complete = False
            offset = _find_element_end(header, offset)
            continue
        parameters = _parse_parameters(header, target_end + 1)
        links.append(_make_link(header[offset + 1 : target_end].strip(), parameters.pairs))
        offset = parameters.end
        if not parameters.is_complete or (offset < len(header) and header[offset] != ","):
            is_complete = False
            offset = _find_element_end(header, offset)
    return LinkHeader(tuple(links), is_complete)


def find_target(links: Sequence[Link], relation: str, *, own: frozenset[str] = frozenset()) -> str | None:
    """The target of the first link with a relation type whose context is the response itself; None if there is none.

    Args:
        links: the links of the response.
        relation: the relation type, in lower case.
        own: addresses of the response: an anchor that equals one of them means the response itself.
    """
    for link in links:
        if relation in link.relations and (not link.anchor or link.anchor in own):
            return link.target
    return None


def parse_relations(value: object) -> tuple[str, ...]:
    """The relation types in a `rel`: separated by spaces, in any case; some servers put them between apostrophes."""
    return tuple(value.strip("'").lower().split()) if isinstance(value, str) else ()


def filter_by_relation(links: Sequence[Any], relation: str) -> list[Mapping[str, Any]]:
    """The links of a relation type in a list of JSON objects, each with a `rel`."""
    return [link for link in links if isinstance(link, Mapping) and relation in parse_relations(link.get("rel"))]


def _make_link(target: str, parameters: Sequence[tuple[str, str]]) -> Link:
    first: dict[str, str] = {}
    for name, value in parameters:
        first.setdefault(name, value)
    return Link(target, parse_relations(first.get("rel")), first.get("anchor"))


def _parse_parameters(header: str, offset: int) -> LinkParameters:
    """The parameters that begin at an offset."""
    pairs: list[tuple[str, str]] = []
    while True:
        offset = _skip_spaces(header, offset)
        if not header.startswith(";", offset):
            return LinkParameters(tuple(pairs), offset)
        offset = _skip_spaces(header, offset + 1)
        name = _match(NAME, header, offset)
        offset = _skip_spaces(header, offset + len(name))
        value = ""
        if header.startswith("=", offset):
            offset = _skip_spaces(header, offset + 1)
            quoted = QUOTED.match(header, offset)
            if quoted is not None:
                value = ESCAPE.sub(r"\1", quoted[1])
                offset = quoted.end()
            elif header.startswith('"', offset):
                return LinkParameters(tuple(pairs), offset, is_complete=False)
            else:
                token = _match(TOKEN, header, offset)
                value = token.strip()
                offset += len(token)
        if name:
            pairs.append((name.lower(), value))


def _match(pattern: re.Pattern[str], header: str, offset: int) -> str:
    """What a pattern matches at an offset; empty if it does not."""
    match = pattern.match(header, offset)
    return match[0] if match is not None else ""


def _skip_spaces(header: str, offset: int) -> int:
    return offset + len(_match(SPACE, header, offset))


def _find_element_end(header: str, offset: int) -> int:
    return offset + max(1, len(_match(ELEMENT_END, header, offset)))
