# SPDX-License-Identifier: Apache-2.0
"""Reads the servers of a document.

The servers of the document are the environments of the profile. An operation or a path may have its own servers, which
replace them:

    server of the operation        server of the document       Operation.server
    ----------------------------   --------------------------   --------------------------------
    none, or one of the document   any                          (none)
    https://files.test/v1          https://api.test/v1          https://files.test/v1
    https://api.test/v2, or /v2    https://api.test/v1          /v2, at every environment's host
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
"""A variable in the URL of a server."""


def own_server(owners: Iterable[Mapping[str, Any]], document: Mapping[str, Any]) -> str:
    """The URL that an operation has instead of the environment's; empty for none.

    Args:
        owners: the objects that may have `servers`, the closest first: the operation, and its path item.
        document: the whole document.
    """
    usual = server_addresses(document)
    base = usual[0] if usual else ""
    found = next((addresses for addresses in map(server_addresses, owners) if addresses), [])
    if not found:
        return ""
    address = urljoin(f"{base.rstrip('/')}/", found[0]).rstrip("/")
    if address in usual or not urlsplit(address).netloc:
        return "" if address in usual else urlsplit(address).path
    if urlsplit(address)[:2] == urlsplit(base)[:2]:
        return urlsplit(address).path or "/"
    return address


def server_addresses(node: Mapping[str, Any]) -> list[str]:
    """The URLs of a node's servers, with variables replaced by their defaults, without a trailing slash.

    Args:
        node: the document, a path item or an operation.
    """
    servers = node.get("servers")
    if not isinstance(servers, list):
        return []
    return [_address(server) for server in servers if isinstance(server, dict) and isinstance(server.get("url"), str)]


def _address(server: Mapping[str, Any]) -> str:
    variables = server.get("variables")
    known: Mapping[str, Any] = variables if isinstance(variables, dict) else {}

    def value(match: re.Match[str]) -> str:
        """The default of a variable; its name if it has none, which is a mistake in the document."""
        variable = known.get(match[1])
        return str(variable.get("default", match[1])) if isinstance(variable, dict) else match[1]

    url = VARIABLE.sub(value, server["url"]).strip()
    # Documents that were converted from Swagger 2.0 have `//host` beside `https://host`.
    return (f"https:{url}" if url.startswith("//") else url).rstrip("/") or "/"
