# SPDX-License-Identifier: Apache-2.0
"""Selects the proxy of a request: a configured one, or the one in the usual environment variables.

`NO_PROXY` has no standard. It is read as the union of what curl, Go and Python's requests understand: a name, with or
without a leading dot or `*.`, also covers its subdomains; addresses and networks (CIDR) are compared as numbers;
`:port` narrows an entry; `*` alone covers everything; and white space separates like a comma.
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
EXPECTED_FORM: Final = "the address of a proxy, such as http://proxy.example.com:3128, or `environment`"
SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")

Addresses: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


class NoProxyEntry(NamedTuple):
    """One entry of `NO_PROXY`.

    Attributes:
        host: a name in lower case, without a leading dot; empty for a network.
        network: the addresses of a network; None for a name.
        port: the only port that the entry covers; None for all.
    """

    host: str
    network: Addresses | None
    port: int | None


class Proxies(NamedTuple):
    """The proxies of a network.

    Attributes:
        by_scheme: the address of a proxy for each scheme; requests with other schemes use none.
        bypass_all: `NO_PROXY` is `*`: no request uses a proxy.
        bypassed: hosts and networks that are reached without a proxy.
    """

    by_scheme: Mapping[str, str]
    bypass_all: bool = False
    bypassed: tuple[NoProxyEntry, ...] = ()

    def address_for(self, url: str) -> str | None:
        """The address of the proxy for a request; None if it uses none.

        Args:
            url: the address of the request.
        """
        scheme = self.proxied_scheme(url)
        return None if scheme is None else self.by_scheme[scheme]

    def proxied_scheme(self, url: str) -> str | None:
        """The scheme of a request's address if it uses a proxy, otherwise None.

        Args:
            url: the address of the request.
        """
        if self.bypass_all or not self.by_scheme:
            return None
        try:
            parts = urlsplit(url)
            port = parts.port or PORTS.get(parts.scheme)
        except ValueError:
            return None  # not an address: it is rejected when it is sent
        if parts.scheme not in self.by_scheme:
            return None
        host = parts.hostname or ""
        if any(_matches(entry, host, port) for entry in self.bypassed):
            return None
        return parts.scheme


def read_proxies(configured: str | None, environ: Mapping[str, str] = os.environ) -> Proxies:
    """Read which proxies to use.

    Args:
        configured: the address of a proxy, `environment`, or None for no proxy.
        environ: the environment's variables.

    Raises:
        InvalidOption: an address is malformed; the message hides its password.
    """
    given = (configured or "").strip()
    if not given:
        return Proxies({})
    if given.lower() != ENVIRONMENT:
        address = parse_address(given, "proxy")
        return Proxies({"http": address, "https": address})
    by_scheme = dict[str, str]()
    for scheme in ("http", "https"):
        for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
            if name == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
                continue  # in a CGI program it is the client's header `Proxy` (CVE-2016-5385, "httpoxy")
            if text := environ.get(name, "").strip():
                by_scheme[scheme] = parse_address(text, name)
                break
    entries = re.split(r"[\s,]+", environ.get("no_proxy") or environ.get("NO_PROXY") or "")
    return Proxies(
        by_scheme=by_scheme,
        bypass_all="*" in entries,
        bypassed=tuple([_parse_entry(entry) for entry in entries if entry]),
    )


def parse_address(text: str, name: str) -> str:
    """The complete address of a proxy; without a scheme it is HTTP, as with other tools.

    Args:
        text: the address as configured.
        name: the option or variable, for the message.

    Raises:
        InvalidOption: the text is not an address; the message hides its password.
    """
    text = text.strip()
    whole = text if SCHEME.match(text) else f"http://{text}"
    try:
        parts = urlsplit(whole)
        _ = parts.port
    except ValueError:
        raise InvalidOption(name, hide_password(whole), EXPECTED_FORM) from None
    clean = whole.isascii() and whole.isprintable() and " " not in whole
    if not clean or parts.scheme.lower() not in SCHEMES or not parts.hostname or parts.path.strip("/"):
        raise InvalidOption(name, hide_password(text), EXPECTED_FORM)
    return whole


def hide_password(text: str) -> str:
    """An address without the part before its last `@`, which may be a password."""
    head, at, host = text.rpartition("@")
    if not at:
        return text
    scheme = SCHEME.match(head)
    return f"{scheme.group() if scheme else ''}…@{host}"


def _parse_entry(text: str) -> NoProxyEntry:
    """One entry of `NO_PROXY`: a network, an address, or a name, perhaps with a port."""
    from ipaddress import ip_network  # few have a proxy

    text = text.lower()
    try:
        return NoProxyEntry(host="", network=ip_network(text.strip("[]"), strict=False), port=None)
    except ValueError:
        pass
    host = text
    port = None
    before, _, after = text.rpartition(":")
    if before and after.isdecimal():
        host = before
        port = int(after)
    try:
        return NoProxyEntry(host="", network=ip_network(host.strip("[]"), strict=False), port=port)
    except ValueError:
        return NoProxyEntry(host=host.removeprefix("*").strip("."), network=None, port=port)


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
