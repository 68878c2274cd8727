# SPDX-License-Identifier: Apache-2.0
"""The link to the next page in a response's `Link` header, which may span several lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callwell.core import links
from callwell.core.headers import join_lines

if TYPE_CHECKING:
    from collections.abc import Mapping


class NextLink(NamedTuple):
    """Where the next page is.

    Attributes:
        target: the address as written, None if there is no such link.
        problem: why the header cannot be trusted, in words; empty if it can.
    """

    target: str | None = None
    problem: str = ""


def find_next_link(headers: Mapping[str, str], own: frozenset[str]) -> NextLink:
    """The link to the next page.

    Args:
        headers: of the response.
        own: addresses of the response: a link with another `anchor` leads from elsewhere, and is ignored.
    """
    try:
        header = join_lines(headers, "link")
    except ValueError:  # the transport's headers cannot return bytes that are not ASCII
        return NextLink(problem="the Link header is not ASCII text")
    parsed = links.parse_link_header(header)
    target = links.find_target(parsed.links, "next", own=own)
    if target is None and not parsed.is_complete:
        return NextLink(problem="the Link header does not follow RFC 8288")
    if target == "":
        return NextLink(problem="the link to the next page has no address")
    return NextLink(target)
