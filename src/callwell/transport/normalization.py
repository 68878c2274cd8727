# SPDX-License-Identifier: Apache-2.0
"""Recognizes addresses that pyreqwest would change before it sends them.

It normalizes every address as browsers do (the WHATWG URL standard): `'` in a query becomes `%27`, and `%2e%2e` in a
path removes a segment. A signature covers the address as given, so `exact` sends such a request.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

SUSPECT: Final = re.compile(r"""['"<>`{}\\]|/(?:\.|%2[eE]){1,2}(?:[/?#]|$)""")
"""Parts that normalization may change. Few addresses match, and only these are normalized and compared."""

UNESCAPED: Final = "".join(map(chr, range(0x21, 0x7F)))
"""Characters that can be sent unchanged; spaces and non-ASCII characters are percent-encoded."""


def request_target(url: str) -> str:
    """The request target of an address in origin form (RFC 9112, 3.2.1): its path and query as given.

    Args:
        url: the address, absolute.

    Raises:
        ValueError: the text is not an address.
    """
    parts = urlsplit(url)
    rest = url.partition("://")[2][len(parts.netloc) :].partition("#")[0]
    return quote(rest if rest.startswith("/") else f"/{rest}", safe=UNESCAPED)


def is_rewritten(url: str, sent_as: str) -> bool:
    """Whether normalization changes path or query of an address, but not the server.

    Args:
        url: the address as given.
        sent_as: the address as pyreqwest would send it.
    """
    try:
        given = urlsplit(url)
        sent = urlsplit(sent_as)
        same_server = (given.scheme, given.hostname, given.username) == (sent.scheme, sent.hostname, sent.username)
        return same_server and request_target(url) != request_target(sent_as)
    except ValueError:
        return False  # not an address: pyreqwest rejects it
