# SPDX-License-Identifier: Apache-2.0
"""The link to the next page in an answer's `Link` header, on however many lines it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callwell.core import links
from callwell.core.headers import join_lines

if TYPE_CHECKING:
    from collections.abc import Mapping


class NextLink(NamedTuple):
    """Where the next page is.

    Attributes:
        target: the address as written, None where there is no such link.
        trouble: why that is not sure, in words.
    """

    target: str | None = None
    trouble: str = ""


def find_next_link(headers: Mapping[str, str], here: frozenset[str]) -> NextLink:
    """The link to the next page.

    Args:
        headers: of the answer.
        here: the addresses of the answer: a link with an `anchor` elsewhere does not lead away from it.
    """
    try:
        header = join_lines(headers, "link")
    except ValueError:  # the transport's headers cannot give bytes that are no ASCII
        return NextLink(trouble="the Link header holds bytes that are no text")
    found = links.parse_link_header(header)
    target = links.find_target(found.found, "next", here=here)
    if target is None and not found.whole:
        return NextLink(trouble="the Link header cannot be read as RFC 8288 has it")
    if target == "":
        return NextLink(trouble="the link to the next page has no address")
    return NextLink(target)
