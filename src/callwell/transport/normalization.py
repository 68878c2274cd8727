# SPDX-License-Identifier: Apache-2.0
"""Addresses that the HTTP library would send otherwise than they were given.

It spells every address as browsers do (WHATWG), and offers no way around it: `'` in a query becomes `%27`, `%2e%2e` in
a path takes a segment away. A signature covers the address as it is written, so `exact` sends these few.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

SUSPECT: Final = re.compile(r"""['"<>`{}\\]|/(?:\.|%2[eE]){1,2}(?:[/?#]|$)""")
"""What may be sent otherwise: few addresses have any of it. Whether one is, is seen by comparing."""

AS_IT_IS: Final = "".join(map(chr, range(0x21, 0x7F)))
"""What can stand in a request line; spaces and letters beyond ASCII are escaped, as everywhere."""


def request_target(url: str) -> str:
    """Path and query of an address, as they were given.

    Args:
        url: the address, absolute.

    Raises:
        ValueError: it is no address.
    """
    parts = urlsplit(url)
    rest = url.partition("://")[2][len(parts.netloc) :].partition("#")[0]
    return quote(rest if rest.startswith("/") else f"/{rest}", safe=AS_IT_IS)


def is_rewritten(url: str, sent_as: str) -> bool:
    """Whether an address goes out otherwise than it was given, to the same server.

    Args:
        url: as it was given.
        sent_as: as the library would send it.
    """
    try:
        here = urlsplit(url)
        there = urlsplit(sent_as)
        same = (here.scheme, here.hostname, here.username) == (there.scheme, there.hostname, there.username)
        return same and request_target(url) != request_target(sent_as)
    except ValueError:
        return False  # it is no address, and the library says so
