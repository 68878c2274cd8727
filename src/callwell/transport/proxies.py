# SPDX-License-Identifier: Apache-2.0
"""Which proxy a request goes through: the one that was configured, or the environment's usual variables.

`NO_PROXY` is read as curl, Go and Python's requests do together: names with or without a dot in front cover the hosts
below them as well, `*.name` too, addresses and networks (CIDR) are compared as numbers, `:port` narrows an entry, `*`
alone covers everything, and white space separates like a comma.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from callwell.errors import InvalidOption

if TYPE_CHECKING:
    import ipaddress
    from collections.abc import Mapping

ENVIRONMENT: Final = "environment"
SCHEMES: Final = frozenset({"http", "https", "socks4", "socks4a", "socks5", "socks5h"})
PORTS: Final = {"http": 80, "https": 443}
EXPECTED: Final = "the address of a proxy, such as http://proxy.example.com:3128, or `environment`"
SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")

Addresses: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


class NoProxyEntry(NamedTuple):
    """One entry of `NO_PROXY`.

    Attributes:
        host: a name in lower case, without a dot in front; empty for a network.
        network: addresses.
        port: the only port that is meant, None for all.
    """

    host: str
    network: Addresses | None
    port: int | None


class Proxies(NamedTuple):
    """How requests leave.

    Attributes:
        by_scheme: the address of a proxy for each scheme; requests of other schemes go straight.
        bypass_all: `NO_PROXY` is `*`.
        bypassed: what else goes straight.
    """

    by_scheme: Mapping[str, str]
    bypass_all: bool = False
    bypassed: tuple[NoProxyEntry, ...] = ()

    def address_for(self, url: str) -> str | None:
        """The address of the proxy for a request, None if it goes straight.

        Args:
            url: where the request goes.
        """
        scheme = self.proxied_scheme(url)
        return None if scheme is None else self.by_scheme[scheme]

    def proxied_scheme(self, url: str) -> str | None:
        """The scheme of an address if there is a proxy for the request, None if it goes straight.

        Args:
            url: where the request goes.
        """
        if self.bypass_all or not self.by_scheme:
            return None
        try:
            parts = urlsplit(url)
            port = parts.port or PORTS.get(parts.scheme)
        except ValueError:
            return None  # it will be refused as an address
        if parts.scheme not in self.by_scheme or any(
            _matches(entry, parts.hostname or "", port) for entry in self.bypassed
        ):
            return None
        return parts.scheme


def read_proxies(configured: str | None, environ: Mapping[str, str] = os.environ) -> Proxies:
    """How requests leave.

    Args:
        configured: the address of a proxy, `environment`, or nothing for no proxy.
        environ: the environment's variables.

    Raises:
        InvalidOption: an address that is none; a password in it is not shown.
    """
    given = (configured or "").strip()
    if not given:
        return Proxies({})
    if given.lower() != ENVIRONMENT:
        there = parse_address(given, "proxy")
        return Proxies({"http": there, "https": there})
    by_scheme = dict[str, str]()
    for scheme in ("http", "https"):
        for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
            if name == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
                continue  # in a CGI program a client's own header `Proxy` stands there
            if text := environ.get(name, "").strip():
                by_scheme[scheme] = parse_address(text, name)
                break
    entries = re.split(r"[\s,]+", environ.get("no_proxy") or environ.get("NO_PROXY") or "")
    return Proxies(by_scheme, "*" in entries, tuple([_parse_entry(entry) for entry in entries if entry]))


def parse_address(text: str, name: str) -> str:
    """The whole address of a proxy: without a scheme, HTTP is meant, as everywhere.

    Args:
        text: what was given.
        name: the option or variable, for the message.

    Raises:
        InvalidOption: it is no address; a password in it is not shown.
    """
    text = text.strip()
    whole = text if SCHEME.match(text) else f"http://{text}"
    try:
        parts = urlsplit(whole)
        _ = parts.port
    except ValueError:
        raise InvalidOption(name, hide_password(whole), EXPECTED) from None
    clean = whole.isascii() and whole.isprintable() and " " not in whole
    if not clean or parts.scheme.lower() not in SCHEMES or not parts.hostname or parts.path.strip("/"):
        raise InvalidOption(name, hide_password(text), EXPECTED)
    return whole


def hide_password(text: str) -> str:
    """An address that can be shown: what stands before its last `@` may be a password."""
    head, at, host = text.rpartition("@")
    if not at:
        return text
    scheme = SCHEME.match(head)
    return f"{scheme.group() if scheme else ''}…@{host}"


def _parse_entry(text: str) -> NoProxyEntry:
    from ipaddress import ip_network  # as below: few have a proxy

    text = text.lower()
    try:
        return NoProxyEntry("", ip_network(text.strip("[]"), strict=False), None)
    except ValueError:
        pass
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not host:
        host, port = text, ""
    number = int(port) if port else None
    try:
        return NoProxyEntry("", ip_network(host.strip("[]"), strict=False), number)
    except ValueError:
        return NoProxyEntry(host.removeprefix("*").strip("."), None, number)


def _matches(entry: NoProxyEntry, host: str, port: int | None) -> bool:
    if entry.port is not None and entry.port != port:
        return False
    if entry.network is not None:
        from ipaddress import ip_address

        try:
            return ip_address(host) in entry.network
        except ValueError:
            return False
    host = host.rstrip(".")
    return bool(entry.host) and (host == entry.host or host.endswith(f".{entry.host}"))
