# SPDX-License-Identifier: Apache-2.0
"""The HTTP libraries of Python, by the names that programs import."""

from __future__ import annotations

import re
from typing import Final

ROOTS: Final = (
    "aiohttp",
    "aiohttp_retry",
    "aiosonic",
    "asks",
    "cloudscraper",
    "curl_cffi",
    "grequests",
    "hishel",
    "http.client",
    "httpcore",
    "httplib2",
    "httpx",
    "httpx_sse",
    "httpx_ws",
    "niquests",
    "pycurl",
    "pyreqwest",
    "requests",
    "requests_cache",
    "requests_futures",
    "requests_html",
    "requests_oauthlib",
    "requests_toolbelt",
    "tornado.httpclient",
    "treq",
    "urllib.request",
    "urllib3",
    "websocket",
    "websockets",
)
"""Packages and modules that send requests."""

NON_REQUESTS: Final = frozenset(
    {
        *("URL", "Headers", "QueryParams", "Timeout", "Limits", "Response", "Cookies", "BasicAuth", "HTTPBasicAuth"),
        *("MockTransport", "ClientTimeout", "TCPConnector", "HTTPAdapter", "ProxyHandler", "make_headers"),
        *("urlparse", "urlsplit", "quote", "parse_url", "unquote", "HTTPError", "HTTPStatusError", "get_host"),
    }
)
"""Names in these libraries that send nothing: values, parsers, errors."""

VERBS: Final = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request", "stream", "fetch"})
"""Methods that send a request, or build one that is sent later, in any library."""

SESSION_METHODS: Final = VERBS | {"build_request", "urlopen", "urlretrieve", "send_request", "ws_connect", "mount"}

KNOWN_METHODS: Final = frozenset({"setopt", "open", "send", "putrequest", "connect", "follow", "getinfo"})
"""More methods with an address, of objects that are known to come from one of these libraries."""

ADDRESS_WORDS: Final = frozenset({"url", "base_url", "host", "fullurl", "prefix_url", "uri", "address"})
"""Keyword arguments for the URL of a request."""

SESSION_NAME: Final = re.compile(
    r"(?:^|_)(?:a?client|session|https?|requests?|conn|connection|pool|api|opener|s)$", re.IGNORECASE
)
"""Common names for a client or session from elsewhere."""


def library_of(name: str) -> str | None:
    """The HTTP library that a full name belongs to; None if it belongs to none.

    Args:
        name: such as `httpx.AsyncClient`.
    """
    return next((root for root in ROOTS if name == root or name.startswith(f"{root}.")), None)


def sends(name: str) -> bool:
    """Whether a function or class of an HTTP library, by its full name, sends requests.

    Args:
        name: such as `requests.get`.
    """
    return library_of(name) is not None and name.rpartition(".")[2] not in NON_REQUESTS
